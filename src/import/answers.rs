//! What the answers of a file are, and how a task scores them.

use super::column_facts::ColumnFacts;
use super::names::holds_alternatives;
use super::words::{is_class, words_of};
use crate::prompt::literal;
use crate::text;
use std::collections::BTreeMap;

/// The kind of a file's answers, the most specific kind first.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answers {
    /// All are JSON objects; their fields.
    Objects(Vec<String>),
    /// All are JSON of another structure: empty objects, lists of objects.
    Json,
    /// Some are lists of texts, each of which is right.
    Lists,
    /// Some are lists of labels that are right together; all labels.
    LabelLists(Vec<String>),
    /// The same, written as texts such as `a, b`.
    JoinedLabels(Vec<String>),
    /// Reasoning that ends in a marked number, as in GSM8K and MATH.
    ReasoningThenNumber,
    /// All are numbers.
    Numbers,
    /// Few short ones that repeat, each in its most frequent spelling.
    Labels(Vec<String>),
    /// The same, each as the only item of a list.
    ListedLabels(Vec<String>),
    /// Programs, or queries of a database.
    Programs,
    /// Texts that can be written in many ways; characters on average.
    FreeTexts(f64),
    /// Anything else.
    Texts,
}

/// Names that say only that a column is the answer: its numbers may be the results of a calculation.
const GENERAL_NAMES: &[&str] =
    &["answer", "answers", "result", "solution", "output", "expected", "ideal"];

impl Answers {
    /// Those of a column. Of a chat, the column's name is of this program's making and tells nothing.
    pub(super) fn of(column: &ColumnFacts, is_of_chat: bool) -> Self {
        let all = |count: usize| count == column.filled && count > 0;
        let name = words_of(column.path.last_name());
        let labels = column.labels();
        if all(column.objects) && column.empty_objects == 0 {
            return Self::Objects(column.fields.clone());
        }
        let usual = |labels: &BTreeMap<String, BTreeMap<String, usize>>| {
            let usual = labels.values().filter_map(|spellings| {
                spellings.iter().max_by_key(|(_, rows)| **rows).map(|(it, _)| it.clone())
            });
            usual.collect()
        };
        if all(column.singles)
            && let Some(labels) = labels
        {
            return Self::ListedLabels(usual(labels));
        }
        if all(column.objects + column.object_lists) {
            return Self::Json;
        }
        if column.text_lists > 0 {
            return match column.list_labels().filter(|_| is_of_chat || !holds_alternatives(column))
            {
                Some(labels) => Self::LabelLists(labels),
                None => Self::Lists,
            };
        }
        if all(column.marked_numbers) {
            return Self::ReasoningThenNumber;
        }
        let are_classes = || is_class(&name) || !is_general(&name) && column.has_classes();
        if all(column.numbers) && !(labels.is_some() && are_classes()) {
            return Self::Numbers;
        }
        if let Some(each) = column.joined_labels() {
            return Self::JoinedLabels(each);
        }
        match labels {
            Some(labels) => Self::Labels(in_order(usual(labels))),
            None if is_program(&name) || column.mostly(column.programs) => Self::Programs,
            None if column.is_free_text() => Self::FreeTexts(column.mean_chars()),
            None => Self::Texts,
        }
    }

    /// The lines of `[[score]]`.
    pub(super) fn score(&self) -> String {
        match self {
            Self::Labels(labels) | Self::ListedLabels(labels) => {
                let labels: toml::Value = labels.clone().into();
                format!("kind = \"label\"\nlabels = {labels}")
            }
            Self::Numbers | Self::ReasoningThenNumber => {
                "kind = \"number\"\ntolerance = 0.0".to_owned()
            }
            Self::Objects(_) => "kind = \"json-fields\"".to_owned(),
            Self::LabelLists(labels) | Self::JoinedLabels(labels) => {
                let labels: toml::Value = labels.clone().into();
                format!("kind = \"label-set\"\nlabels = {labels}")
            }
            Self::Json => "kind = \"equals\"".to_owned(),
            Self::Lists => format!("kind = \"equals\"\nany_of = true\n{NORMALIZE}"),
            // Of a program, every character counts.
            Self::Programs => "kind = \"equals\"\nnormalize = [\"trim\"]".to_owned(),
            Self::FreeTexts(_) | Self::Texts => format!("kind = \"equals\"\n{NORMALIZE}"),
        }
    }

    /// A first prompt for answers of this kind. `name`: what the file calls them; `may_be_none`: a row may have
    /// none of several labels.
    pub(super) fn baseline(&self, name: &str, may_be_none: bool) -> String {
        match self {
            // Bare numbers say nothing of what they stand for.
            Self::Labels(labels) | Self::ListedLabels(labels)
                if labels.iter().all(|it| it.parse::<i64>().is_ok()) && !says_nothing(name) =>
            {
                format!(
                    "Find the value of \"{}\". Answer with exactly one of these numbers, and nothing else{}\n",
                    literal(&text::one_line(name)),
                    enumerated(labels)
                )
            }
            Self::Labels(labels) | Self::ListedLabels(labels) => format!(
                "Answer with exactly one of these labels, and nothing else{}\n",
                enumerated(labels)
            ),
            Self::LabelLists(labels) | Self::JoinedLabels(labels) => {
                let is_label = || labels.iter().any(|it| it.eq_ignore_ascii_case("none"));
                let none = match may_be_none && !is_label() {
                    true => " Where none applies, answer `none`.",
                    false => "",
                };
                format!(
                    "Answer with all labels that apply, and nothing else.{none} The labels are{}\n",
                    enumerated(labels)
                )
            }
            Self::Numbers | Self::ReasoningThenNumber => {
                "Solve the problem. End with the number.\n".to_owned()
            }
            Self::Objects(fields) => {
                format!("Answer with a JSON object with the fields {}.\n", fields.join(", "))
            }
            Self::Json => "Answer with JSON.\n".to_owned(),
            Self::Programs => "Answer with the code alone, and nothing else.\n".to_owned(),
            Self::FreeTexts(_) => "Answer the request.\n".to_owned(),
            Self::Lists | Self::Texts => "Answer as briefly as possible.\n".to_owned(),
        }
    }

    /// What the user should know of them.
    pub(super) fn notes(&self, column: &ColumnFacts) -> Vec<String> {
        match self {
            Self::Labels(_) | Self::ListedLabels(_) => {
                merged_labels(column).into_iter().chain(no_labels(column)).collect()
            }
            Self::Numbers if column.fractions * 10 >= column.filled => vec![
                "an answer is right only if it is the same number (tolerance = 0.0): where the answers are measured \
                 or estimated, write into [[score]] how far one may be off"
                    .to_owned(),
            ],
            Self::LabelLists(_) | Self::JoinedLabels(_) => {
                let mut notes = vec![format!(
                    "`{}` holds several labels of a row, in any order; an answer with a part of them \
                     scores in part. If each label alone is right, write `kind = \"equals\"` and \
                     `any_of = true` into [[score]]",
                    column.path
                )];
                if column.empty_lists > 0 {
                    notes.push(format!(
                        "{} no label: a prompt has to say what to answer there, such as `none`",
                        match column.empty_lists {
                            1 => "1 row has".to_owned(),
                            rows => format!("{} rows have", text::thousands(rows as u64)),
                        }
                    ));
                }
                notes
            }
            Self::Json => vec![
                "an answer is right only if it is the same JSON: for parts of it, replace [[score]]"
                    .to_owned(),
            ],
            Self::Programs => vec![
                "the answers are code, which can be right in many spellings: replace [[score]], for example by \
                 a program that runs it (kind = \"command\")"
                    .to_owned(),
            ],
            Self::Texts => column.near_labels().map(|count| near_labels(column, count)).into_iter().collect(),
            Self::FreeTexts(chars) => vec![format!(
                "the answers are free texts ({chars:.0} characters on average), which a model \
                 hardly ever writes word for word: replace [[score]], for example by a program \
                 (kind = \"command\")"
            )],
            _ => Vec::new(),
        }
    }
}

const NORMALIZE: &str = "normalize = [\"trim\", \"lower\", \"strip-punctuation\"]";

/// Labels that rather say that there is no answer.
fn no_labels(column: &ColumnFacts) -> Vec<String> {
    let labels = column.labels().into_iter().flat_map(|labels| labels.values().flatten());
    let is_none =
        |it: &str| ["n/a", "n.a.", "na", "-", "--", "?", "tbd"].contains(&&*it.to_lowercase());
    let note = |(it, rows): (&String, &usize)| {
        format!(
            "`{it}` ({}) is read as a label; if it says that a row has no answer, leave these rows out",
            text::plural(*rows, "row")
        )
    };
    labels.filter(|(it, _)| is_none(it)).map(note).collect()
}

/// What is said of short answers that are nearly labels.
fn near_labels(column: &ColumnFacts, count: usize) -> String {
    format!(
        "`{}` has {count} different values in {}, too few of each to be read as labels: if they are, write \
         kind = \"label\" and labels = […] into [[score]]",
        column.path,
        text::plural(column.filled, "row")
    )
}

/// Whether a name, in words, is that of programs.
fn is_program(name: &str) -> bool {
    let last = name.rsplit(' ').next().unwrap_or_default();
    ["code", "sql", "program", "regex"].contains(&last) || name == "canonical solution"
}

/// Whether a name says only that a column is the answer.
fn is_general(name: &str) -> bool {
    let words = words_of(name);
    words.split(' ').any(|word| GENERAL_NAMES.contains(&word))
}

/// Whether a name does not say what is asked for, either: `label`.
fn says_nothing(name: &str) -> bool {
    let is_empty = |word: &str| ["label", "labels", "class", "target", "gold"].contains(&word);
    is_general(name) || words_of(name).split(' ').all(is_empty)
}

/// Labels that are numbers by size.
fn in_order(mut labels: Vec<String>) -> Vec<String> {
    if labels.iter().all(|it| it.parse::<i64>().is_ok()) {
        labels.sort_by_key(|it| it.parse::<i64>().unwrap_or_default());
    }
    labels
}

/// Labels in a sentence; a line for each where one has a comma, so that it is not taken for several.
fn enumerated(labels: &[String]) -> String {
    match labels.iter().any(|label| label.contains([',', ';'])) {
        true => format!(":\n- {}", labels.join("\n- ")),
        false => format!(": {}.", labels.join(", ")),
    }
}

/// The labels that have several spellings.
fn merged_labels(column: &ColumnFacts) -> Vec<String> {
    let labels = column.labels().into_iter().flat_map(|labels| labels.values());
    labels
        .filter(|spellings| spellings.len() > 1)
        .map(|spellings| {
            let each: Vec<String> = spellings
                .iter()
                .map(|(it, rows)| format!("`{it}` ({})", text::plural(*rows, "row")))
                .collect();
            format!(
                "{} are one label: they differ only in how they are written",
                each.join(" and ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::column_stats::ColumnStats;
    use super::*;
    use serde_json::{Value, json};

    fn answers(name: &str, values: &[Value]) -> (Answers, Vec<String>) {
        let mut stats = ColumnStats::default();
        for value in values {
            stats.add(json!({ name: value }).as_object().unwrap());
        }
        let column = stats.column(name).unwrap();
        let answers = Answers::of(column, false);
        let notes = answers.notes(column);
        (answers, notes)
    }

    #[test]
    fn kinds_of_answers_are_distinguished() {
        let marked = [json!("2 + 2 = 4\n#### 4"), json!("so\n#### 1,200")];
        assert_eq!(answers("answer", &marked).0, Answers::ReasoningThenNumber);
        assert_eq!(answers("answer", &[json!("$1,200.50"), json!(-3)]).0, Answers::Numbers);
        let objects = [json!({"a": 1}), json!("{\"b\": 2}")];
        assert_eq!(answers("answer", &objects).0, Answers::Objects(vec!["a".into(), "b".into()]));
        assert_eq!(answers("answer", &[json!("Paris"), json!("Rome")]).0, Answers::Texts);
        let formulas = [json!("\\frac{3}{4}"), json!("\\boxed{7}"), json!("5\\%"), json!("-1/2")];
        assert_eq!(answers("answer", &formulas).0, Answers::Numbers);
        let dates = [json!("2024-01-02"), json!("2024-01-03"), json!("3 apples")];
        assert!(matches!(answers("answer", &dates).0, Answers::Texts));
        let some_empty = [json!({"PER": ["Ann"]}), json!({})];
        assert_eq!(answers("label", &some_empty).0, Answers::Json);
        let calls = [json!([{"name": "f"}, {"name": "g"}]), json!({"name": "f"})];
        assert_eq!(answers("answer", &calls).0, Answers::Json);
        let single = [json!(["a"]), json!("[\"b\"]"), json!(["a"]), json!(["b"])];
        let labels = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(answers("label", &single).0, Answers::ListedLabels(labels));
        let different = [json!(["Lima"]), json!(["Rome"])];
        assert_eq!(answers("ideal", &different).0, Answers::Lists);
        let lists = [json!(["11", "Season 11"]), json!("[\"12\"]"), json!("13")];
        assert_eq!(answers("ideal", &lists).0, Answers::Lists);
        let tags = [json!(["a", "b"]), json!(["b"]), json!("[\"a\"]"), json!(["a", "b"])];
        let labels = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(answers("labels", &tags).0, Answers::LabelLists(labels));
        assert!(answers("labels", &tags).1[0].contains("several labels of a row"));
        assert_eq!(answers("answers", &tags).0, Answers::Lists);
        let bits: Vec<Value> = (0..8).map(|n| json!(n % 2)).collect();
        assert_eq!(answers("answer", &bits).0, Answers::Numbers);
        assert_eq!(answers("label", &bits).0, Answers::Labels(vec!["0".into(), "1".into()]));
        for (name, classes) in [
            ("toxic", vec!["0", "1"]),
            ("is_duplicate", vec!["0", "1"]),
            ("target", vec!["0", "4"]),
            ("polarity", vec!["-1", "0", "1"]),
            ("stars", vec!["1", "2", "3", "4", "5"]),
            ("score", vec!["0", "2", "10"]),
            ("Sentiment (1-5)", vec!["1", "2", "5"]),
        ] {
            for is_text in [true, false] {
                let value =
                    |it: &str| if is_text { json!(it) } else { json!(it.parse::<i64>().unwrap()) };
                let values: Vec<Value> =
                    classes.iter().cycle().take(20).map(|it| value(it)).collect();
                let found = answers(name, &values).0;
                let expected = classes.iter().map(|it| (*it).to_owned()).collect();
                assert_eq!(found, Answers::Labels(expected), "{name}");
                let prompt = found.baseline(name, false);
                if name == "target" {
                    assert!(
                        prompt.starts_with("Answer with exactly one of these labels"),
                        "{prompt}"
                    );
                    continue;
                }
                let says = format!(
                    "Find the value of \"{name}\". Answer with exactly one of these numbers, and nothing else: {}.\n",
                    classes.join(", ")
                );
                assert_eq!(prompt, says);
            }
        }
        // Results of a calculation, measurements, and many numbers are no classes.
        let halves: Vec<Value> = (0..20).map(|n| json!(0.5 * f64::from(n % 3))).collect();
        assert_eq!(answers("similarity", &halves).0, Answers::Numbers);
        let many: Vec<Value> = (0..60).map(|n| json!(n % 20)).collect();
        assert_eq!(answers("score", &many).0, Answers::Numbers);
        let few: Vec<Value> = (0..20).map(|n| json!(n % 3)).collect();
        assert_eq!(answers("Correct Answer", &few).0, Answers::Numbers);
        let flags: Vec<Value> = (0..8).map(|n| json!(n % 2 == 0)).collect();
        assert_eq!(answers("ok", &flags).0, Answers::Labels(vec!["false".into(), "true".into()]));
    }

    #[test]
    fn labels_that_differ_in_case_are_one_and_it_is_said() {
        let values = ["Yes", "yes", "yes", "No", "No", "No"].map(|it| json!(it));
        let (found, notes) = answers("label", &values);
        assert_eq!(found, Answers::Labels(vec!["No".into(), "yes".into()]));
        assert_eq!(
            notes,
            [
                "`Yes` (1 row) and `yes` (2 rows) are one label: they differ only in how they are written"
            ]
        );
        assert!(found.score().contains("labels = [\"No\", \"yes\"]"));
    }

    #[test]
    fn a_label_with_a_comma_is_one_label() {
        let values = ["Food, drinks", "Food, drinks", "Toys", "Toys"].map(|it| json!(it));
        let found = answers("label", &values).0;
        assert_eq!(found, Answers::Labels(vec!["Food, drinks".into(), "Toys".into()]));
        assert!(found.baseline("label", false).ends_with("else:\n- Food, drinks\n- Toys\n"));
    }

    #[test]
    fn labels_of_a_row_may_be_joined_in_one_text() {
        let labels = ["a", "b", "c d", "e", "f"];
        for joint in [", ", ",", ";", " | "] {
            // Nearly every row has labels of its own.
            let values: Vec<Value> = (0..32_usize)
                .map(|n| (0..5).filter(|bit| n >> bit & 1 == 1).map(|bit| labels[bit]).collect())
                .map(|some: Vec<&str>| json!(some.join(joint)))
                .collect();
            let (found, _) = answers("labels", &values);
            let labels = labels.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(found, Answers::JoinedLabels(labels), "{joint}");
        }
        let places: Vec<Value> =
            (0..40).map(|n| json!(format!("Town {n}, Land {}", n % 3))).collect();
        assert!(matches!(answers("place", &places).0, Answers::Texts));
        let rows = ["a, b", "b", "a", "b, a", "a, b", "b", "a", "b, a", "a", "b"];
        let values: Vec<Value> = rows.into_iter().map(Value::from).collect();
        let (found, notes) = answers("labels", &values);
        assert_eq!(found, Answers::JoinedLabels(vec!["a".into(), "b".into()]));
        assert!(found.score().starts_with("kind = \"label-set\"\nlabels = [\"a\", \"b\"]"));
        assert!(notes[0].contains("several labels of a row"));
        assert!(!found.baseline("labels", false).contains("none"));
        assert!(
            found
                .baseline("labels", true)
                .contains(" Where none applies, answer `none`. The labels are: a, b.")
        );
        let named = Answers::JoinedLabels(vec!["a".into(), "None".into()]);
        assert!(!named.baseline("labels", true).contains("Where none"));
    }

    #[test]
    fn what_may_be_no_answer_and_what_may_be_off_is_said() {
        let values = ["yes", "no", "N/A", "yes", "no", "yes", "no", "N/A"].map(|it| json!(it));
        assert!(answers("answer", &values).1[0].contains("`N/A` (2 rows) is read as a label"));
        let shares: Vec<Value> = (0..40).map(|n| json!(f64::from(n) * 0.2)).collect();
        assert!(answers("score", &shares).1[0].contains("how far one may be off"));
        let whole: Vec<Value> = (0..40).map(|n| json!(n * 3)).collect();
        assert_eq!(answers("answer", &whole).1, Vec::<String>::new());
    }

    #[test]
    fn a_class_may_have_few_rows() {
        let intent = |count: usize, rows: usize| -> Vec<Value> {
            (0..rows).map(|n| json!(format!("intent_{}", n * 13 % count))).collect()
        };
        for (count, rows) in [(45, 200), (77, 160), (150, 300)] {
            for name in ["intent", "label_text", "Gold Label", "category"] {
                let found = answers(name, &intent(count, rows)).0;
                let is_called = name != "label_text";
                assert_eq!(
                    matches!(found, Answers::Labels(labels) if labels.len() == count),
                    is_called,
                    "{name}"
                );
            }
        }
        let (found, notes) = answers("intent", &intent(31, 50));
        assert_eq!(found, Answers::Texts);
        assert!(notes[0].contains("31 different values in 50 rows"), "{notes:?}");
        assert!(answers("city", &intent(45, 200)).1[0].contains("too few of each"));
        assert_eq!(answers("city", &intent(199, 200)).1, Vec::<String>::new());
    }

    #[test]
    fn code_is_compared_with_every_character() {
        let sql: Vec<Value> =
            (0..9).map(|n| json!(format!("SELECT a FROM t WHERE b > {n}"))).collect();
        let python: Vec<Value> =
            (0..9).map(|n| json!(format!("def f{n}(a):\n  return a + {n}"))).collect();
        for (name, values) in
            [("query", &sql), ("answer", &python), ("canonical_solution", &python)]
        {
            let (found, notes) = answers(name, values);
            assert_eq!(found, Answers::Programs, "{name}");
            assert!(!found.score().contains("lower") && !found.score().contains("strip"));
            assert!(notes[0].contains("code"), "{notes:?}");
        }
        let lines: Vec<Value> = (0..9).map(|n| json!(format!("ls -l {n}"))).collect();
        assert_eq!(answers("code", &lines).0, Answers::Programs);
    }

    #[test]
    fn free_texts_are_said_to_be_hard_to_score() {
        let short: Vec<Value> =
            (0..9).map(|n| json!(format!("The house number {n} is red."))).collect();
        let (found, notes) = answers("translation", &short);
        assert!(
            notes[0].contains("free texts")
                && !found.baseline("translation", false).contains("briefly")
        );
        let names: Vec<Value> = (0..9).map(|n| json!(format!("King Charles the {n}"))).collect();
        assert_eq!(answers("answer", &names).0, Answers::Texts);
        let values = [json!("a long letter ".repeat(20)), json!("another letter ".repeat(20))];
        assert!(answers("answer", &values).1[0].contains("free texts"));
    }
}
