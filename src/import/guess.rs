//! Guesses the roles of columns, from their names and from their values.

use super::column_facts::ColumnFacts;
use super::column_stats::ColumnStats;
use super::names;
use super::path::ValuePath;
use super::role::{ColumnRole, ColumnRoles};
use super::words::words_of;

/// The roles of columns; those in `set` are given.
pub(super) fn guess(stats: &ColumnStats, set: &ColumnRoles) -> ColumnRoles {
    let mut guess = set.clone();
    for role in ColumnRole::ALL {
        if guess.of(role).is_none()
            && let Some(path) = ranked(stats, &guess, role).into_iter().next()
        {
            guess.give(role, path);
        }
    }
    if guess.answer.is_none()
        && guess.input.is_some()
        && let [only] = &left_over(stats, &guess)[..]
    {
        guess.give(ColumnRole::Answer, only.clone());
    }
    guess
}

/// The columns that may be the answer for no other reason than that they have no other use. All are equally
/// likely; a date only where there is nothing else.
pub(super) fn left_over(stats: &ColumnStats, roles: &ColumnRoles) -> Vec<ValuePath> {
    let input = roles.input.as_ref().map(|it| words_of(it.last_name())).unwrap_or_default();
    let is_left = |it: &&ColumnFacts| {
        let name = words_of(it.path.first());
        let is_numbered = it.is_counter() && it.sample.parse::<i64>().is_ok();
        let is_shown = names::is_context(&name)
            || names::is_input(&name) && it.numbers == 0
            || names::is_sibling(&name, &input);
        it.path.is_column()
            && !roles.paths().any(|path| path.overlaps(&it.path))
            && it.filled * 5 >= stats.rows * 4
            && !it.is_constant()
            && !is_numbered
            && !is_shown
            && !it.mostly(it.links)
            && it.objects + it.object_lists == 0
            && !names::is_id(&name)
            && !names::is_no_answer(&name)
    };
    let left: Vec<&ColumnFacts> = stats.columns().iter().filter(is_left).collect();
    let paths = |fits: &dyn Fn(&ColumnFacts) -> bool| -> Vec<ValuePath> {
        left.iter().filter(|it| fits(it)).map(|it| it.path.clone()).collect()
    };
    let named =
        paths(&|it| !names::is_metadata(&words_of(it.path.first())) && !it.mostly(it.dates));
    // The date of a log stands before its text.
    let place = |path: &ValuePath| stats.columns().iter().position(|it| it.path == *path);
    let is_date = |it: &ColumnFacts| {
        let is_called = ["date", "time", "datum", "fecha"].contains(&&*words_of(it.path.first()));
        is_called && place(&it.path) > roles.input.as_ref().and_then(place)
    };
    if named.is_empty() { paths(&is_date) } else { named }
}

/// The columns that may have a role, the most likely first.
pub(super) fn ranked(stats: &ColumnStats, taken: &ColumnRoles, role: ColumnRole) -> Vec<ValuePath> {
    let mut found: Vec<(i32, usize, &ColumnFacts)> = stats
        .columns()
        .iter()
        .enumerate()
        // What is within the answer is a part of it.
        .filter(|(_, it)| it.filled > 0 && !taken.paths().any(|path| path.overlaps(&it.path)))
        .filter(|(_, it)| role != ColumnRole::Input || !explains(stats, it, taken))
        .filter_map(|(place, it)| Some((certainty(stats, it, role)?, place, it)))
        .collect();
    // Of equals, the answer is usually last and everything else first.
    found.sort_by_key(|(certainty, place, column)| {
        let place = *place as i64;
        match role {
            // The same value in all rows asks nothing.
            ColumnRole::Answer => (column.is_constant(), -certainty, -place),
            _ => (false, -certainty, place),
        }
    });
    found.into_iter().map(|(_, _, it)| it.path.clone()).collect()
}

/// How likely a column has a role, from 1; `None`: it has not.
fn certainty(stats: &ColumnStats, column: &ColumnFacts, role: ColumnRole) -> Option<i32> {
    let named = |names| names::certainty(column, names);
    let has_questions = stats.columns().iter().any(|it| stats.is_question(&it.path));
    if has_questions && stats.is_question(&column.path) != (role == ColumnRole::Answer) {
        return None;
    }
    let is_whole = column.filled == stats.rows;
    let is_unique = column.distinct() == column.filled;
    let certainty = match role {
        ColumnRole::Answer => {
            let sparse = if column.filled * 5 < stats.rows * 4 { -30 } else { 0 };
            let name = named(names::ANSWERS);
            let name = if answers_a_pair(stats, column) { name.max(60) } else { name };
            let found = answer_certainty(column, name, is_unique);
            // Of what people were asked for, even a free text without a usual name may be the answer.
            let found = found.or((has_questions && column.path.is_column()).then_some(40));
            let path = &column.path;
            let sorts =
                path.is_column() && names::only_sorts(&words_of(path.first()), &whole_names(stats));
            let is_models = path.is_column()
                && names::may_be_a_models(&words_of(path.first()))
                && has_reference(stats, column);
            sparse + found? - if sorts || is_models { 80 } else { 0 }
        }
        ColumnRole::Input => {
            let is_text = column.numbers < column.filled && !column.mostly(column.dates);
            let name = named(names::INPUTS);
            let is_language = names::is_language(&words_of(column.path.last_name()));
            let name = if is_language { name.max(75) } else { name };
            // A number can be an input, but only if it is called so.
            if name < 60 && (!is_text || column.mostly(column.links)) {
                return None;
            }
            let length = (column.mean_chars().max(1.0).log2() * 6.0) as i32;
            // Of an object with several entries, the model needs all; one with a single entry is a
            // wrapper.
            let whole = match column.mostly(column.objects) {
                true if name >= 90 && column.fields.len() > 1 => 20,
                true => -100,
                false => 0,
            };
            let sparse = if column.filled * 2 < stats.rows { -60 } else { 0 };
            name + length.min(60) + if is_unique { 10 } else { 0 } + whole + sparse
        }
        ColumnRole::Id => {
            let name = named(names::IDS);
            let fits = is_whole && is_unique && column.spaced == 0 && column.longest <= 80;
            if !fits || name < 40 || column.objects + column.text_lists > 0 {
                return None;
            }
            name + if column.path.is_column() { 10 } else { 0 }
        }
        ColumnRole::Feedback => {
            let is_text = column.spaced * 2 >= column.filled;
            let name = named(names::FEEDBACKS);
            if !is_text || name < 40 {
                return None;
            }
            name
        }
        ColumnRole::Group => {
            if !may_be_group(column) || !column.has_small_groups() {
                return None;
            }
            named(names::GROUPS)
        }
    };
    (certainty > 0).then_some(certainty)
}

/// Whether a column is the answer of a pair by its name and those beside it.
fn answers_a_pair(stats: &ColumnStats, column: &ColumnFacts) -> bool {
    let is_beside = |it: &&ColumnFacts| {
        let is_same_object = it.path.first() == column.path.first();
        it.filled > 0
            && it.path.is_column() == column.path.is_column()
            && (it.path.is_column() || is_same_object)
    };
    let names = |it: &ColumnFacts| words_of(it.path.last_name());
    let all: Vec<&ColumnFacts> = stats.columns().iter().filter(is_beside).collect();
    let place = all.iter().position(|it| it.path == column.path).unwrap_or_default();
    let before: Vec<String> = all.iter().take(place).map(|it| names(it)).collect();
    let after: Vec<String> = all.iter().skip(place + 1).map(|it| names(it)).collect();
    names::answers_a_pair(&names(column), &before, &after)
}

/// Whether a column explains the answer by its name, and another one has a text that can be asked about.
fn explains(stats: &ColumnStats, column: &ColumnFacts, taken: &ColumnRoles) -> bool {
    let words = |it: &ColumnFacts| words_of(it.path.last_name());
    let is_text = |it: &&ColumnFacts| {
        let name = words(it);
        !taken.paths().any(|path| path.overlaps(&it.path))
            && it.filled * 2 >= stats.rows
            && it.spaced * 2 >= it.filled
            && it.distinct() * 4 >= it.filled
            && !it.mostly(it.dates)
            && it.objects + it.object_lists == 0
            && !names::is_explanation(&name)
            && !names::is_of_model(&name)
            && names::certainty(it, names::INPUTS) >= 0
    };
    names::is_explanation(&words(column)) && stats.columns().iter().any(|it| is_text(&it))
}

/// Whether another column than this one has the right answers by its name.
fn has_reference(stats: &ColumnStats, column: &ColumnFacts) -> bool {
    let mut others =
        stats.columns().iter().filter(|it| it.path.is_column() && it.path != column.path);
    let is_reference = |it: &ColumnFacts| {
        let is_unique = it.distinct() == it.filled;
        it.filled * 5 >= stats.rows * 4
            && names::is_reference(&words_of(it.path.first()))
            && !it.mostly(it.codes)
            && !it.is_constant()
            && answer_certainty(it, names::certainty(it, names::ANSWERS), is_unique).is_some()
    };
    others.any(is_reference)
}

/// Whether a column may be the group of the split by its name.
pub(super) fn may_be_group(column: &ColumnFacts) -> bool {
    let is_unique = column.distinct() == column.filled;
    let name = names::certainty(column, names::GROUPS);
    column.path.is_column() && name >= 80 && !is_unique && column.distinct() >= 2
}

/// The names of whole columns, in words, that all rows fill.
fn whole_names(stats: &ColumnStats) -> Vec<String> {
    let columns = stats.columns().iter();
    let whole = columns.filter(|it| it.path.is_column() && it.filled == stats.rows);
    whole.map(|it| words_of(it.path.first())).collect()
}

/// A date, a count and a free text are no answer, unless the column is called so.
fn answer_certainty(column: &ColumnFacts, name: i32, is_unique: bool) -> Option<i32> {
    let is_number = column.mostly(column.numbers);
    if column.mostly(column.dates) || column.mostly(column.links) {
        return None;
    }
    if column.is_counter() && name < 80 {
        return None;
    }
    let has_labels = column.labels().is_some();
    // The same value in all rows says nothing about them.
    if column.distinct() < 2 && column.filled > 1 && name < 80 {
        return None;
    }
    // What a model suggested is not what people said.
    let names = [column.path.last_name(), column.path.first()];
    if names.iter().any(|name| name.to_lowercase().contains("suggestion")) && name < 80 {
        return None;
    }
    let words = words_of(column.path.first());
    if names::is_of_model(&words) {
        return None;
    }
    let name = name + if names::is_of_people(&words) { 15 } else { 0 };
    // Labels and numbers are answers whatever their name adds; a text that is so called tells of the answer.
    let is_beside = !has_labels && !is_number && names::is_beside_answer(&words);
    let name = name - if is_beside { 60 } else { 0 };
    let value = match has_labels {
        true if is_number => 10,
        // A decision is more likely asked for than a kind.
        true if column.has_decisions() && name >= 0 => 65,
        true => 40,
        false if column.mostly(column.text_lists) => 10,
        // An object with several fields is an answer of its own; one with a single field is a
        // wrapper, and so is SQuAD's.
        false if column.mostly(column.objects) => {
            let wraps =
                column.fields.len() < 2 || column.fields.iter().any(|it| it == "answer_start");
            // A text in two languages is a question and its answer.
            if column.fields.iter().all(|it| names::is_language(&words_of(it))) {
                return None;
            }
            // Whatever is called `metadata` has fields, too.
            if !wraps && name < 40 {
                return None;
            }
            if wraps { -50 } else { 45 }
        }
        false if is_number && name < 60 => return None,
        false if is_unique && name < 50 => return None,
        // A free text, or the same text in all rows.
        false if name < 50 => return None,
        false => 0,
    };
    // A flag is called so: `is_duplicate`.
    let last = words_of(column.path.last_name());
    let is_flag = last.starts_with("is ") && column.distinct() == 2;
    if has_labels && is_number && name < 40 && !is_flag {
        return None;
    }
    Some(name + value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn guessed(rows: impl Iterator<Item = Value>) -> ColumnRoles {
        let mut stats = ColumnStats::default();
        for row in rows {
            stats.add(row.as_object().unwrap());
        }
        guess(&stats, &ColumnRoles::default())
    }

    fn path(name: &str) -> Option<ValuePath> {
        Some(ValuePath::parse(name).unwrap())
    }

    #[test]
    fn a_support_desks_export_is_understood() {
        let teams = ["Billing", "Returns", "Technical"];
        let guess = guessed((0..30).map(|n| {
            json!({
                "Ticket #": format!("T-{}", 1000 + 7 * n),
                "Created at": format!("2024-03-{:02} 10:0{}", n + 1, n % 10),
                "Replies": n % 4,
                "Priority": (["low", "high"][n % 2]),
                "Body (HTML)": format!("<p>Hello, my order {n} has not arrived and I am waiting.</p>"),
                "Support Team": teams[n % 3],
                "Agent comment": format!("The customer asks about order {n}."),
            })
        }));
        assert_eq!(guess.id, Some(ValuePath::column("Ticket #")));
        assert_eq!(guess.input, Some(ValuePath::column("Body (HTML)")));
        assert_eq!(guess.answer, Some(ValuePath::column("Support Team")));
        assert_eq!(guess.group, None);
    }

    #[test]
    fn a_date_a_count_and_a_free_text_are_no_label() {
        let guess = guessed((0..20).map(|n| {
            json!({
                "when": (["2024-01-01", "2024-01-02"][n % 2]),
                "replies": n % 3,
                "story": format!("A long story about the number {n} and what it did."),
                "remark": format!("Remark {n}"),
            })
        }));
        assert_eq!(guess.answer, None);
    }

    #[test]
    fn values_decide_where_names_do_not() {
        let guess = guessed((0..20).map(|n| {
            json!({"a": format!("Some words about {n} things"), "b": (["up", "down"][n % 2]), "c": n})
        }));
        assert_eq!((guess.input, guess.answer, guess.id), (path("a"), path("b"), None));
    }

    #[test]
    fn what_is_no_answer_is_not_guessed() {
        let text = |n: usize| format!("Some words about {n} things");
        let preference = guessed((0..12).map(|n| {
            json!({"input": text(n), "preferred_output": format!("good {n}"), "non_preferred_output": format!("bad {n}")})
        }));
        assert_eq!(preference.answer, path("preferred_output"));
        let half_empty = guessed((0..12).map(|n| {
            let second = if n % 2 == 0 { json!(["up", "down"][n / 2 % 2]) } else { json!(null) };
            json!({"text": text(n), "topic 1": (["up", "down"][n % 2]), "topic 2": second})
        }));
        assert_eq!(half_empty.answer, Some(ValuePath::column("topic 1")));
        let metadata =
            guessed((0..12).map(
                |n| json!({"prompt": text(n), "metadata": {"user": format!("u{n}"), "time": n}}),
            ));
        assert_eq!(metadata.answer, None);
        let same = guessed((0..12).map(|n| json!({"prompt": text(n), "category": "all"})));
        assert_eq!(same.answer, path("category"), "it is called so");
        let same = guessed((0..12).map(|n| json!({"prompt": text(n), "status": {"a": 1, "b": 2}})));
        assert_eq!(same.answer, None);
    }

    #[test]
    fn a_models_answer_is_not_the_right_one() {
        let text = |n: usize| format!("Some words about {n} things");
        for (names, expected) in [
            (["answer", "ground_truth"], Some("ground_truth")),
            (["ground_truth", "answer"], Some("ground_truth")),
            (["answer", "reference"], Some("reference")),
            (["reference", "response"], Some("reference")),
            (["gold_answer", "answer"], Some("gold_answer")),
            (["Gold", "Output"], Some("Gold")),
            (["expected", "output"], Some("expected")),
            (["expected_output", "answer"], Some("expected_output")),
            (["label", "Model output v2"], Some("label")),
            (["solution", "LLM answer"], Some("solution")),
            (["Team (auto)", "Team (manual)"], Some("Team (manual)")),
            (["Team (manual)", "Team (model)"], Some("Team (manual)")),
            (["predicted label", "label"], Some("label")),
            (["answer", "topic"], Some("answer")),
        ] {
            for has_labels in [true, false] {
                let value = |n: usize, shift: usize| match has_labels {
                    true => ["up", "down", "left"][(n + n / 3 * shift) % 3].to_owned(),
                    false => format!("It goes {n} and {shift} up"),
                };
                let guess = guessed((0..24).map(
                    |n| json!({"question": text(n), names[0]: value(n, 1), names[1]: value(n, 2)}),
                ));
                if names[0].starts_with("Team") && !has_labels || names[1] == "topic" && has_labels
                {
                    continue;
                }
                assert_eq!(guess.answer, expected.map(ValuePath::column), "{names:?}");
            }
        }
        let alone = guessed((0..24).map(|n| json!({"question": text(n), "answer": text(n + 1)})));
        assert_eq!(alone.answer, path("answer"));
    }

    #[test]
    fn an_explanation_is_neither_the_input_nor_the_answer() {
        let word = |n: usize| ["true", "false", "unknown"][n % 3];
        for (names, input, answer) in [
            (["claim", "label", "reason"], "claim", "label"),
            (["claim", "verdict", "Explanation_1"], "claim", "verdict"),
            (["question", "final_answer", "chain_of_thought"], "question", "final_answer"),
            (["story", "verdict", "labeller cot"], "story", "verdict"),
            (["question", "answer", "gold_reasoning"], "question", "answer"),
            (["question", "final_decision", "long_answer"], "question", "final_decision"),
            // The only text is the input, and so is one that is called so.
            (["nr", "category", "reason"], "reason", "category"),
            (["rationale of the text", "category", "text"], "text", "category"),
        ] {
            for is_number in [true, false] {
                let guess = guessed((0..24).map(|n| {
                    let value = if is_number { json!(n * 7) } else { json!(word(n)) };
                    let first = match names[0] {
                        "nr" => json!(n),
                        _ => json!(format!("Cows fly {n}")),
                    };
                    let long =
                        format!("It is {} because the source {n} says so in many words", word(n));
                    json!({names[0]: first, names[2]: long, names[1]: value})
                }));
                let named = ["verdict", "category", "label"].contains(&names[1]);
                if is_number && named {
                    continue;
                }
                let column = |name: &str| Some(ValuePath::column(name));
                assert_eq!(
                    (guess.input, guess.answer),
                    (column(input), column(answer)),
                    "{names:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_left_is_the_answer_unless_two_are() {
        let value = |name: &str, n: usize| match name {
            "share" => json!(format!("{}%", n * 3 % 97)),
            "date" | "created_at" => json!(format!("2025-01-{:02}", n + 1)),
            "zip" => json!(format!("0{}", 1000 + n * 13)),
            "score" | "domain1_score" => json!(0.2 * (n * 7 % 23) as f64),
            "Total (EUR)" => json!(format!("{},00", n * 119)),
            "vendor" => json!(format!("V{n}")),
            "url" => json!(format!("https://example.org/{n}")),
            "essay_id" | "index" => json!(n * 3),
            "genre" => json!("all"),
            "query" => json!(format!("SELECT count(*) FROM singer WHERE age > {n}")),
            "a" | "keywords" => json!(format!("City{n}")),
            _ => json!(format!("Some words about {n} things in {name}")),
        };
        for (names, input, answer) in [
            (&["q", "a"][..], "q", "a"),
            (&["English", "German"], "English", "German"),
            (&["id_de", "en", "de"], "en", "de"),
            (&["Invoice text", "Total (EUR)"], "Invoice text", "Total (EUR)"),
            (&["text", "share"], "text", "share"),
            (&["sentence", "date"], "sentence", "date"),
            (&["address", "zip"], "address", "zip"),
            (&["essay_id", "essay", "domain1_score"], "essay", "domain1_score"),
            (&["index", "genre", "sentence1", "sentence2", "score"], "sentence1", "score"),
            (&["genre", "question", "query"], "question", "query"),
            (&["title", "text", "share", "url", "created_at"], "text", "share"),
            (&["abstract", "keywords"], "abstract", "keywords"),
            // Two of a kind, and nothing at all.
            (&["text", "share", "zip"], "text", ""),
            (&["en", "de", "fr"], "en", ""),
            (&["text", "url"], "text", ""),
            (&["text", "created_at"], "text", ""),
            (&["date", "text"], "text", ""),
            (&["prompt", "model_output"], "prompt", ""),
            (&["title", "text"], "text", ""),
        ] {
            let mut stats = ColumnStats::default();
            for n in 0..28 {
                let row = names.iter().map(|name| ((*name).to_owned(), value(name, n)));
                stats.add(&row.collect());
            }
            let found = guess(&stats, &ColumnRoles::default());
            let answer = (!answer.is_empty()).then(|| ValuePath::column(answer));
            assert_eq!(
                (found.input, found.answer),
                (Some(ValuePath::column(input)), answer),
                "{names:?}"
            );
        }
        let mut stats = ColumnStats::default();
        for n in 0..12 {
            let row = json!({"translation": {"en": format!("The house {n} is red."), "de": format!("Das Haus {n} ist rot.")}});
            stats.add(row.as_object().unwrap());
        }
        let found = guess(&stats, &ColumnRoles::default());
        assert_eq!((found.input, found.answer), (path("translation.en"), path("translation.de")));
    }

    #[test]
    fn a_constant_column_is_the_answer_only_where_no_other_can_be() {
        let text = |n: usize| format!("Some words about {n} things");
        let both = guessed(
            (0..12)
                .map(|n| json!({"text": text(n), "team": (["up", "down"][n % 2]), "label": "all"})),
        );
        assert_eq!(both.answer, path("team"));
        let alone = guessed((0..12).map(|n| json!({"text": text(n), "label": "all"})));
        assert_eq!(alone.answer, path("label"));
    }

    #[test]
    fn a_guessed_group_has_many_small_groups() {
        for (name, groups, rows, expected) in [
            ("Group", 3, 60, false),
            ("group", 20, 200, false),
            ("group", 25, 200, true),
            ("thread id", 50, 200, true),
        ] {
            let guess = guessed((0..rows).map(|n| {
                json!({"text": format!("Some words about {n} things"), "label": (["up", "down"][n % 2]),
                    name: format!("g{}", n % groups)})
            }));
            assert_eq!(guess.group.is_some(), expected, "{name} {groups}");
        }
        let one_large = guessed((0..200).map(|n| {
            json!({"text": format!("Some words about {n} things"), "label": (["up", "down"][n % 2]),
                "group": format!("g{}", if n < 30 { 0 } else { n / 2 })})
        }));
        assert_eq!(one_large.group, None);
    }

    #[test]
    fn the_answer_is_what_people_were_asked_for() {
        let mut stats = ColumnStats::new(Vec::new());
        stats.questions = vec!["quality".into()];
        stats.fields = vec!["prompt".into(), "response".into()];
        for n in 0..12 {
            let row = json!({"prompt": format!("Why {n}?"), "response": format!("So {n}."), "quality": n % 3});
            stats.add(row.as_object().unwrap());
        }
        let found = guess(&stats, &ColumnRoles::default());
        assert_eq!((found.input, found.answer), (path("prompt"), path("quality")));
    }

    #[test]
    fn the_answers_of_known_data_sets_are_found() {
        let text = |n: usize| format!("Some words about {n} things");
        let kind = |n: usize| ["Algebra", "Geometry"][n % 2];
        for (row, input, answer, id) in [
            (
                json!({"problem": "", "level": "kind", "type": "kind", "solution": ""}),
                "problem",
                "solution",
                None,
            ),
            (
                json!({"instruction": "", "context": "", "response": "", "category": "kind"}),
                "instruction",
                "response",
                None,
            ),
            (
                json!({"task_id": "n", "text": "", "code": "", "test_list": "list"}),
                "text",
                "code",
                Some("task_id"),
            ),
            (
                json!({"Ticket-Nr": "n", "Text": "", "Priorität": "kind", "Escalate": "flag"}),
                "Text",
                "Escalate",
                Some("Ticket-Nr"),
            ),
            (
                json!({"N°": "n", "Texte": "", "Catégorie": "kind"}),
                "Texte",
                "Catégorie",
                Some("N°"),
            ),
            (
                json!({"Unnamed: 0": "n", "text": "", "label": "kind"}),
                "text",
                "label",
                Some("Unnamed: 0"),
            ),
            (
                json!({"Id": "n", "Score": "stars", "Summary": "", "Text": ""}),
                "Text",
                "Score",
                Some("Id"),
            ),
            (
                json!({"id": "n", "question1": "", "question2": "", "is_duplicate": "bit"}),
                "question1",
                "is_duplicate",
                Some("id"),
            ),
            (
                json!({"review_body": "", "product_category": "kind", "stars": "stars"}),
                "review_body",
                "stars",
                None,
            ),
            (json!({"text": "", "product_category": "kind"}), "text", "product_category", None),
        ] {
            let found = guessed((0..24).map(|n| {
                let value = |name: &str, kind_of: &Value| match kind_of.as_str().unwrap() {
                    "kind" => json!(kind(n)),
                    "list" => json!([format!("assert f({n})")]),
                    "flag" => json!(["TRUE", "FALSE"][n / 2 % 2]),
                    "bit" => json!(n / 2 % 2),
                    "stars" => json!(n % 5 + 1),
                    "n" => json!(n + 1),
                    _ => json!(format!("{} in the column {name}", text(n))),
                };
                let columns = row.as_object().unwrap().iter();
                columns
                    .map(|(name, kind_of)| (name.clone(), value(name, kind_of)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }));
            let column = |name: &str| Some(ValuePath::column(name));
            assert_eq!((found.input, found.answer), (column(input), column(answer)), "{row}");
            assert_eq!(found.id, id.and_then(column), "{row}");
        }
    }

    #[test]
    fn entries_of_objects_are_found() {
        let guess = guessed((0..12).map(|n| {
            json!({
                "id": n,
                "inputs": {"question": format!("How much is {n} and 3?")},
                "outputs": {"answer": n + 3},
                "metadata": {"split": "test"},
            })
        }));
        assert_eq!((guess.input, guess.answer), (path("inputs.question"), path("outputs.answer")));
        assert_eq!(guess.id, path("id"));
    }

    #[test]
    fn an_answer_that_is_an_object_stays_whole() {
        let guess = guessed((0..12).map(|n| {
            json!({"input": format!("Invoice {n} of Acme"), "answer": {"vendor": "Acme", "total": n}})
        }));
        assert_eq!((guess.input, guess.answer), (path("input"), path("answer")));
    }

    #[test]
    fn no_role_is_given_within_another() {
        let found = guessed((0..12).map(|n| {
            json!({"input": format!("Where is order {n}?"), "answer": {"id": n, "text": format!("Here, {n}."), "why": "It is so."}})
        }));
        assert_eq!((found.input, found.answer), (path("input"), path("answer")));
        assert_eq!((found.id, found.feedback), (None, None));
        let mut stats = ColumnStats::default();
        for n in 0..12 {
            let row = json!({"outputs": {"text": format!("Some words of {n}")}, "label": (["a", "b"][n % 2])});
            stats.add(row.as_object().unwrap());
        }
        let set = ColumnRoles { input: path("outputs.text"), ..ColumnRoles::default() };
        assert_eq!(guess(&stats, &set).answer, path("label"));
    }

    #[test]
    fn lists_of_right_answers_are_found_within_an_object() {
        let guess = guessed((0..12).map(|n| {
            json!({
                "id": format!("{n:x}ff"),
                "title": "Rivers",
                "context": "A long passage about rivers, their sources and their mouths. ".repeat(5),
                "question": format!("Where does river {n} end?"),
                "answers": {"text": ["the sea", format!("sea {n}")], "answer_start": [n, n + 9]},
            })
        }));
        assert_eq!((guess.input, guess.answer), (path("question"), path("answers.text")));
    }
}
