//! Which columns the prompt shows beside the input: the other text of a pair, a passage, a title.
//!
//! What tells the answer must never be shown, so that a column is shown only where its name or its values
//! speak for it. What is not shown is named to the user.

use super::column_facts::ColumnFacts;
use super::column_stats::ColumnStats;
use super::names::{self, is_sibling};
use super::path::ValuePath;
use super::rows::RowWriter;
use super::shape::SYSTEM;
use super::source_columns::SourceColumns;
use super::words::words_of;
use crate::prompt::{literal, placeholder};
use crate::text;

/// The most columns that are named.
const NAMED_COLUMNS: usize = 20;

/// The names of instructions, which need no name in the prompt.
const INSTRUCTIONS: &[&str] = &["instruction", "instructions"];

/// The names, in words, of two answers that are compared.
const PAIRS: &[(&str, &str)] = &[("chosen", "rejected")];

/// The columns that the prompt shows.
pub(super) struct Inputs {
    /// Instructions, then texts in the order of the file, then choices.
    instructions: Vec<ValuePath>,
    texts: Vec<ValuePath>,
    choices: Vec<ValuePath>,
    /// The columns that it does not show and that have no other role, as they are called in the file.
    unseen: Vec<String>,
}

impl Inputs {
    pub(super) fn of(columns: &SourceColumns, writer: &RowWriter, input: &ValuePath) -> Self {
        let choices = columns.rows.shape.choices_column();
        let has_chat = columns.rows.shape.has_chat();
        let mut inputs = Self {
            instructions: Vec::new(),
            texts: Vec::new(),
            choices: Vec::new(),
            unseen: Vec::new(),
        };
        let answer = columns.guess.answer.as_ref();
        for column in columns.stats.columns().iter().filter(|it| writer.writes(&it.path)) {
            let path = &column.path;
            let is_input = path == input;
            if column.filled == 0 || columns.guess.role_of(path).is_some() && !is_input {
                continue;
            }
            let is_called = |names: &[&str]| {
                path.is_column() && names.iter().any(|it| path.first().eq_ignore_ascii_case(it))
            };
            // The other fields of the answer's object were written by the same annotator.
            let is_with_answer = answer.is_some_and(|it| {
                !path.is_column() && it.first() == path.first() && it.first() != input.first()
            });
            if choices.is_some_and(|it| path.is_column() && path.first() == it) && !is_input {
                inputs.choices.push(path.clone());
            } else if is_called(&[SYSTEM]) && has_chat {
                // Instructions that differ from row to row are a part of the question.
                inputs.instructions.insert(0, path.clone());
            } else if is_called(INSTRUCTIONS) {
                inputs.instructions.push(path.clone());
            } else if is_input || !is_with_answer && is_shown(column, &columns.stats, input, answer)
            {
                inputs.texts.push(path.clone());
            } else {
                inputs.unseen.push(path.to_string());
            }
        }
        inputs
    }

    /// The user message. Several texts have their names before them.
    pub(super) fn template(&self, writer: &RowWriter) -> String {
        let bare = |path: &ValuePath| placeholder(&writer.name_of(path));
        let text = |path: &ValuePath| match self.texts.len() {
            1 => bare(path),
            _ => {
                let name = text::one_line(&writer.name_of(path));
                format!("{}: {}", literal(&name), bare(path))
            }
        };
        let instructions = self.instructions.iter().map(bare);
        let choices = self.choices.iter().map(bare);
        let all = instructions.chain(self.texts.iter().map(text)).chain(choices);
        all.collect::<Vec<_>>().join("\n\n")
    }

    /// What the user should know: which columns the model sees, and which it does not.
    pub(super) fn note(&self) -> Option<String> {
        let shown = self.instructions.iter().chain(&self.texts).chain(&self.choices);
        let shown: Vec<String> = shown.map(ToString::to_string).collect();
        let unseen = || format!("does not show {}", listed(&self.unseen));
        match (shown.len() > 1, self.unseen.is_empty()) {
            (true, true) => Some(format!("the prompt shows {}", listed(&shown))),
            (true, false) => {
                let shown = listed(&shown);
                Some(format!("the prompt shows {shown}, and {}: {CHANGE}", unseen()))
            }
            (false, false) => Some(format!("the prompt {}: {CHANGE}", unseen())),
            (false, true) => None,
        }
    }
}

const CHANGE: &str = "change `user` under [prompt] where the model needs other columns";

fn listed(names: &[String]) -> String {
    let each = names.iter().take(NAMED_COLUMNS).map(|it| format!("`{}`", text::one_line(it)));
    let more = names.len().saturating_sub(NAMED_COLUMNS);
    let more = (more > 0).then(|| format!("{more} more"));
    each.chain(more).collect::<Vec<_>>().join(", ")
}

/// Whether a column is a part of the question.
fn is_shown(
    column: &ColumnFacts,
    stats: &ColumnStats,
    input: &ValuePath,
    answer: Option<&ValuePath>,
) -> bool {
    let rows = stats.rows;
    let name = words_of(column.path.last_name());
    let is_same = column.distinct() < 2 && rows > 1;
    if column.path.is_column() && stats.fields.iter().any(|it| it == column.path.first()) {
        return !is_same;
    }
    if stats.is_question(&column.path) {
        return false;
    }
    if is_same || names::is_metadata(&name) || names::is_explanation(&name) {
        return false;
    }
    if names::is_context(&name) {
        return true;
    }
    let kinds =
        [column.dates, column.links, column.objects, column.object_lists, column.text_lists];
    if kinds.iter().any(|count| column.mostly(*count)) {
        return false;
    }
    if is_sibling(&name, &words_of(input.last_name())) {
        return true;
    }
    let is_code = column.mostly(column.numbers) || column.mostly(column.codes);
    if is_code {
        return false;
    }
    let is_free = |column: &ColumnFacts| {
        column.labels().is_none()
            && column.distinct() * 4 >= column.filled
            && column.filled * 2 >= rows
    };
    // Two responses are what is compared, if neither is the answer.
    let is_twin = |other: &ColumnFacts| {
        is_free(other) && is_sibling(&name, &words_of(other.path.last_name()))
    };
    // An answer that is judged right or wrong is a part of the question.
    let judges =
        |it: &&ColumnFacts| Some(&it.path) == answer && (it.is_flag() || it.has_decisions());
    if names::may_be_a_models(&name)
        && is_free(column)
        && stats.columns().iter().any(|it| judges(&it))
    {
        return true;
    }
    // Of two answers that are judged, both are a part of the question.
    let is_judged = answer.is_some_and(|it| names::is_judgement(&words_of(it.last_name())));
    let is_pair = |other: &ColumnFacts| {
        let other = words_of(other.path.last_name());
        is_sibling(&name, &other)
            || PAIRS
                .iter()
                .any(|(a, b)| [(*a, *b), (*b, *a)].contains(&(name.as_str(), other.as_str())))
    };
    if is_judged && is_free(column) {
        let mut others = stats.columns().iter().filter(|it| it.path != column.path && is_free(it));
        if others.any(is_pair) {
            return true;
        }
    }
    if names::is_comparable(&name) && is_free(column) {
        let twins = || stats.columns().iter().filter(|it| it.path != column.path && is_twin(it));
        let is_answer = |it: &ColumnFacts| Some(&it.path) == answer;
        return twins().next().is_some() && !twins().any(is_answer);
    }
    !names::is_about_answer(&name) && (names::is_input(&name) || is_free(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The columns of such rows that are shown beside the first one.
    fn shown(row: impl Fn(usize) -> Value) -> Vec<String> {
        let mut stats = ColumnStats::default();
        (0..24).for_each(|n| stats.add(row(n).as_object().unwrap()));
        let columns = stats.columns();
        let input = columns[0].path.clone();
        let rest = columns[1..].iter().filter(|it| is_shown(it, &stats, &input, None));
        rest.map(|it| it.path.to_string()).collect()
    }

    #[test]
    fn the_other_text_of_a_pair_is_shown() {
        for (one, other) in [
            ("premise", "hypothesis"),
            ("question1", "question2"),
            ("sentence1", "sentence2"),
            ("query", "product_title"),
            ("text_a", "text_b"),
            ("input_question", "input_context"),
            ("claim", "evidence"),
            ("#1 String", "#2 String"),
            ("Frage", "Absatz"),
            ("body", "subject"),
        ] {
            let row = |n: usize| json!({one: format!("It rains {n}"), other: format!("It is wet {n}"), "label": n % 2});
            assert_eq!(shown(row), [other], "{one}");
        }
        let words = ["earbuds", "lamp", "kettle", "sofa"];
        let word = |n: usize| json!({"sentence": format!("It rains {n}"), "word": format!("{}{}", words[n % 4], ["s", "y", "ier", "dom", "hood", "ish"][n / 4])});
        assert_eq!(shown(word), ["word"]);
        let compared = |n: usize| {
            json!({"prompt": format!("It rains {n}"), "model_a": format!("m{n}"),
            "response_a": format!("Yes, {n}"), "response_b": format!("No, {n}"), "response": format!("Well, {n}")})
        };
        assert_eq!(shown(compared), ["response_a", "response_b"]);
        let numbers = |n: usize| json!({"n_1": n, "n_2": n * n});
        assert_eq!(shown(numbers), ["n_2"]);
    }

    #[test]
    fn both_answers_are_shown_where_one_of_them_wins() {
        for names in [
            ["response_a", "response_b"],
            ["chosen", "rejected"],
            ["answer_1", "answer_2"],
            ["Output A", "Output B"],
        ] {
            let mut stats = ColumnStats::default();
            for n in 0..24 {
                let row = json!({"prompt": format!("Why {n} of them?"), names[0]: format!("It is so {n}."),
                    names[1]: format!("Nobody knows {n}."), "winner": (["a", "b"][n / 2 % 2])});
                stats.add(row.as_object().unwrap());
            }
            let found = super::super::guess::guess(&stats, &Default::default());
            let path = |name: &str| ValuePath::column(name);
            let roles = (found.input, found.answer.clone());
            assert_eq!(roles, (Some(path("prompt")), Some(path("winner"))), "{names:?}");
            for name in names {
                let column = stats.column(name).unwrap();
                assert!(
                    is_shown(column, &stats, &path("prompt"), found.answer.as_ref()),
                    "{name} of {names:?}"
                );
            }
        }
    }

    #[test]
    fn an_answer_is_shown_where_it_is_judged() {
        for (values, is_shown_there) in
            [(["0", "1"], true), (["True", "False"], true), (["up", "down"], false)]
        {
            let mut stats = ColumnStats::default();
            for n in 0..24 {
                let row = json!({"paragraph": format!("It rains {n} and {n}"), "question": format!("Why {n}?"),
                    "answer": format!("Because {n}"), "label": values[n / 2 % 2]});
                stats.add(row.as_object().unwrap());
            }
            let (input, label) = (ValuePath::column("question"), ValuePath::column("label"));
            let shown = is_shown(stats.column("answer").unwrap(), &stats, &input, Some(&label));
            assert_eq!(shown, is_shown_there, "{values:?}");
        }
    }

    #[test]
    fn what_tells_the_answer_or_nothing_is_not_shown() {
        for (name, value) in [
            ("label_text", json!("some words of it")),
            ("explanation", json!("because it is so")),
            ("chain_of_thought", json!("first it rains, then it is wet")),
            ("annotator reason", json!("because it is so")),
            ("actual_output", json!("a model said this")),
            ("rejected", json!("a worse answer")),
            ("distractor1", json!("a wrong answer")),
            ("resolution", json!("sent to the desk of refunds")),
            ("created_at", json!("at noon of May")),
            ("When", json!("2024-05-01")),
            ("page", json!("https://example.org/1")),
            ("license", json!("some words of law")),
            ("question_type", json!("what and how")),
            ("message_id", json!("m-7")),
            ("file", json!("a/b.txt")),
            ("contact", json!("ann@example.org")),
            ("views", json!(7)),
            ("meta", json!({"a": 1})),
            ("tests", json!(["assert f(1) == 2"])),
        ] {
            let row = |n: usize| {
                let value = match &value {
                    Value::String(text) => json!(format!("{text}{n}")),
                    Value::Number(_) => json!(n * 7 + n % 3),
                    other => other.clone(),
                };
                json!({"text": format!("It rains {n}"), name: value})
            };
            assert_eq!(shown(row), Vec::<String>::new(), "{name}");
        }
        let few = |n: usize| json!({"text": format!("It rains {n}"), "Size": (["S", "M"][n % 2])});
        assert_eq!(shown(few), Vec::<String>::new());
        let same = |n: usize| json!({"text": format!("It rains {n}"), "context": "none"});
        assert_eq!(shown(same), Vec::<String>::new());
    }
}
