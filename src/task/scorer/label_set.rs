//! `label-set`: the answer names the row's labels and no others, in any order.
//!
//! How a label is named is the business of `label`. The row's answer is a list of labels, or a text that
//! lists them; it may be empty. The score is the F1 of the two sets (example-based F1: Godbole and
//! Sarawagi 2004, section 4), so that an answer with two labels of three counts for something;
//! JSON in the answer counts before its words: the items of a list, and the true keys of an object.

use super::answer_filter::AnswerFilter;
use super::find_json::{self, Wanted};
use super::json;
use super::kind::{FromTable, Kind};
use super::label::Labels;
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::units::Score;
use serde_json::Value;
use std::collections::BTreeSet;

/// What separates labels in the text of a row's answer.
const SEPARATORS: [char; 4] = [',', ';', '|', '\n'];

/// The words with which an answer says that none applies, unless the table has others. Of these a word
/// that is a label is that label.
const NONE: &[&str] =
    &["none", "nothing", "null", "nil", "no label", "no labels", "n/a", "not applicable"];

/// Where an object also gives a reason or a confidence, what its list or label is called.
const ANSWER_KEYS: [&str; 6] = ["labels", "label", "answer", "answers", "categories", "category"];

/// The metrics of a verdict.
const METRICS: [&str; 3] = ["precision", "recall", "exact"];

#[derive(Clone, Debug)]
pub(super) struct LabelSet {
    labels: Labels,
    /// What says that none applies, as it is written.
    none: Vec<String>,
}

impl FromTable for LabelSet {
    const NAME: &'static str = "label-set";
    const KEYS: &'static [&'static str] = &["labels", "none"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
        let labels = Labels::new(table, filter)?;
        let Some(none) = table.none.clone() else {
            let free = NONE.iter().filter(|word| labels.place_of(word, filter).is_none());
            let none = free.map(|word| (*word).to_owned()).collect();
            return Ok(Self { labels, none });
        };
        for phrase in &none {
            let wrong =
                |message: String, help: &str| Err(ScorerError::new("none", message).help(help));
            if words(phrase).is_empty() {
                let message = format!("`{phrase}` in `none` has no word");
                return wrong(message, "write words, such as `none = [\"none\", \"keine\"]`");
            }
            if labels.place_of(phrase, filter).is_some() {
                let message = format!("`{phrase}` in `none` is a label");
                return wrong(message, "remove it from `none` or from `labels`");
            }
        }
        Ok(Self { labels, none })
    }
}

impl Kind for LabelSet {
    /// Checks that a row's answer lists labels alone.
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        let listed = self.listed(expected, filter);
        listed.iter().try_for_each(|label| self.labels.check(label, filter))
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected: BTreeSet<usize> = self
            .listed(expected, filter)
            .iter()
            .filter_map(|label| self.labels.place_of(&value_text(label), filter))
            .collect();
        if answer.trim().is_empty() {
            return InvalidReason::Empty.verdict(&self.shown(&expected));
        }
        let named = self.named(answer, filter);
        // A refusal names no label either, and is no answer.
        if named.is_empty() && expected.is_empty() && !self.says_none(answer) {
            let wanted = match self.none.first() {
                Some(word) => format!("`{word}`, or an empty list"),
                None => "an empty list".to_owned(),
            };
            return InvalidReason::NoLabel(wanted).verdict(&self.shown(&expected));
        }
        let both = expected.intersection(&named).count() as f64;
        // Of an empty set nothing is missed, and nothing in it is wrong.
        let share = |of: &BTreeSet<usize>| if of.is_empty() { 1.0 } else { both / of.len() as f64 };
        let (precision, recall) = (share(&named), share(&expected));
        let sum = (expected.len() + named.len()) as f64;
        let f1 = if sum == 0.0 { 1.0 } else { 2.0 * both / sum };
        let is_exact = expected == named;
        let feedback = (!is_exact)
            .then(|| format!("Expected {}, got {}.", self.shown(&expected), self.shown(&named)));
        let mut verdict = Verdict::scored(Score::new(f1).unwrap_or(Score::ZERO), feedback);
        let values = [precision, recall, f64::from(u8::from(is_exact))];
        let metrics = METRICS.into_iter().zip(values);
        verdict.metrics = metrics.map(|(name, value)| (name.to_owned(), value)).collect();
        verdict
    }

    fn metrics(&self) -> &'static [&'static str] {
        &METRICS
    }

    fn labels(&self) -> &[String] {
        self.labels.labels()
    }
}

impl LabelSet {
    /// The labels of a row's answer, one by one.
    fn listed(&self, expected: &Value, filter: &AnswerFilter) -> Vec<Value> {
        let is_label = |text: &str| self.labels.place_of(text, filter).is_some();
        match expected {
            Value::Array(list) => list.clone(),
            Value::Null => Vec::new(),
            Value::String(text) => match json::parse(text) {
                Ok(Value::Array(list)) => list,
                // A label may hold a comma.
                _ if is_label(text) => vec![expected.clone()],
                _ if self.none.iter().any(|phrase| words(phrase) == words(text)) => Vec::new(),
                _ => text
                    .split(SEPARATORS)
                    .map(str::trim)
                    .filter(|label| !label.is_empty())
                    .map(Value::from)
                    .collect(),
            },
            other => vec![other.clone()],
        }
    }

    /// The labels that an answer names: the items of a list, alone or in an object, the true keys of an
    /// object whose values say yes or no, else those in its words.
    fn named(&self, answer: &str, filter: &AnswerFilter) -> BTreeSet<usize> {
        let in_words =
            |text: &str| self.labels.named(&filter.normalized(text)).into_iter().collect();
        let of_item = |text: &str| match self.labels.place_of(text, filter) {
            Some(place) => BTreeSet::from([place]),
            None => in_words(text),
        };
        match json_in(answer) {
            Some(Value::Array(items)) if !items.is_empty() && items.iter().all(is_plain) => {
                items.iter().flat_map(|item| of_item(&value_text(item))).collect()
            }
            Some(Value::Object(object)) if is_choice(&object) => {
                let chosen = object.iter().filter(|(_, value)| choice(value) == Some(true));
                chosen.flat_map(|(name, _)| of_item(name)).collect()
            }
            Some(Value::Object(object)) => match answer_in(&object) {
                Some(items) => items.iter().flat_map(|item| of_item(&value_text(item))).collect(),
                None => in_words(answer),
            },
            _ => in_words(answer),
        }
    }

    /// Whether an answer without a label says that none applies: an empty list or object, an object without
    /// a yes, or words that say so where an answer stands: at the start of a line, after a colon, or at the
    /// end. Elsewhere they are part of what a refusal says.
    fn says_none(&self, answer: &str) -> bool {
        let says = match json_in(answer) {
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(object)) => {
                object.values().all(|it| choice(it) == Some(false) || is_empty(it))
                    || answer_in(&object).is_some_and(|items| items.is_empty())
            }
            _ => false,
        };
        let starts: Vec<Vec<String>> =
            answer.lines().flat_map(|line| line.split(':')).map(words).collect();
        let all = words(answer);
        says || self.none.iter().map(|phrase| words(phrase)).any(|phrase| {
            all.ends_with(&phrase) || starts.iter().any(|said| said.starts_with(&phrase))
        })
    }

    fn shown(&self, places: &BTreeSet<usize>) -> String {
        match places.len() {
            0 => "none of the labels".to_owned(),
            _ => {
                let names = places.iter().map(|place| quoted(&self.labels.labels()[*place]));
                names.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The words of a text in lower case.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The list or object in an answer, where there is one.
fn json_in(answer: &str) -> Option<Value> {
    let has_bracket = answer.contains(['[', '{']);
    has_bracket.then(|| find_json::find(answer, Wanted::List).ok()).flatten()
}

/// Whether an object says of each key yes or no: null is a no beside others.
fn is_choice(object: &serde_json::Map<String, Value>) -> bool {
    object.values().any(|it| choice(it).is_some())
        && object.values().all(|it| it.is_null() || choice(it).is_some())
}

/// What an object with a reason or a confidence answers: the one list in it, else what is called so.
fn answer_in(object: &serde_json::Map<String, Value>) -> Option<Vec<Value>> {
    let is_list = |value: &&Value| value.as_array().is_some_and(|items| items.iter().all(is_plain));
    let mut lists = object.values().filter(is_list);
    let named = || {
        let of = |key: &&str| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        ANSWER_KEYS.iter().find_map(of).map(|(_, value)| value)
    };
    match (lists.next(), lists.next()) {
        (Some(Value::Array(only)), None) => Some(only.clone()),
        _ => match named()? {
            Value::Array(items) if items.iter().all(is_plain) => Some(items.clone()),
            Value::Null => Some(Vec::new()),
            text if is_plain(text) => Some(vec![text.clone()]),
            _ => None,
        },
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether a value may name a label by itself.
fn is_plain(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// Whether a value says yes or no.
fn choice(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(choice) => Some(*choice),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn kind(names: &[&str]) -> (LabelSet, AnswerFilter) {
        let table = ScoreTable {
            kind: "label-set".into(),
            labels: Some(names.iter().map(|it| (*it).to_owned()).collect()),
            ..ScoreTable::default()
        };
        let filter = AnswerFilter::new(&table).unwrap();
        (LabelSet::new(&table, &filter).unwrap(), filter)
    }

    const NAMES: [&str; 4] = ["billing", "late fee", "login", "Fees, other"];

    /// By hand: 2 × common ÷ (labels of the row + labels of the answer).
    #[test]
    fn order_does_not_count_and_a_part_counts_for_a_part() {
        let (kind, filter) = kind(&NAMES);
        for (answer, expected, score) in [
            ("late fee, billing", json!(["billing", "late fee"]), 1.0),
            (r#"["late_fee", "billing"]"#, json!(["billing", "late fee"]), 1.0),
            ("It is about **billing** and a late fee.", json!("billing; late fee"), 1.0),
            ("Fees, other", json!("Fees, other"), 1.0),
            ("billing", json!(["billing", "late fee"]), 2.0 / 3.0),
            ("billing, login", json!(["billing", "late fee"]), 0.5),
            ("login", json!(["billing", "late fee"]), 0.0),
            ("none", json!(["billing"]), 0.0),
            ("none of them", json!([]), 1.0),
            ("[]", json!("[]"), 1.0),
            ("login", json!(null), 0.0),
        ] {
            let verdict = kind.score(answer, &expected, &filter);
            assert!((verdict.score.value() - score).abs() < 1e-12, "{answer}: {verdict:?}");
            assert_eq!(verdict.invalid, None);
            assert_eq!(verdict.feedback.is_none(), score == 1.0, "{answer}");
        }
        let verdict = kind.score("billing, login, late fee", &json!(["login"]), &filter);
        let metric = |name: &str| verdict.metrics[name];
        assert_eq!((metric("precision"), metric("recall"), metric("exact")), (1.0 / 3.0, 1.0, 0.0));
        assert_eq!(
            verdict.feedback.as_deref(),
            Some("Expected `login`, got `billing`, `late fee`, `login`.")
        );
    }

    #[test]
    fn json_is_read_by_its_items_and_an_empty_answer_is_none() {
        let (kind, filter) = kind(&["Home", "Garden", "Home, Garden", "Pets"]);
        for (answer, expected) in [
            (r#"["Home","Garden"]"#, json!(["Home", "Garden"])),
            (r#"["Home, Garden"]"#, json!(["Home, Garden"])),
            ("So:\n```json\n[\"home\", \"garden\"]\n```", json!(["Home", "Garden"])),
            (r#"{"Home": true, "Garden": false, "Pets": true}"#, json!(["Home", "Pets"])),
            (r#"{"Home": 0, "Garden": 1, "Pets": 0}"#, json!(["Garden"])),
            (r#"{"Home": false, "Pets": false}"#, json!([])),
            (r#"{"labels": ["Home", "Pets"]}"#, json!(["Home", "Pets"])),
            (r#"{"labels": ["Home"], "reason": "no Pets"}"#, json!(["Home"])),
            (r#"{"Label": "Home", "reason": "no Pets", "confidence": 0.9}"#, json!(["Home"])),
            (r#"{"labels": [], "reason": "neither Home nor Pets"}"#, json!([])),
            (r#"{"label": null, "confidence": 0.9}"#, json!([])),
            (r#"{"Home": true, "Garden": false, "Pets": null}"#, json!(["Home"])),
            ("[Home], [Pets]", json!(["Home", "Pets"])),
        ] {
            let verdict = kind.score(answer, &expected, &filter);
            assert!(verdict.score.is_perfect(), "{answer}: {verdict:?}");
        }
        for expected in [json!([]), json!(["Pets"])] {
            assert!(kind.score(" \n", &expected, &filter).invalid.is_some(), "{expected}");
        }
    }

    #[test]
    fn where_no_label_applies_an_answer_must_say_so() {
        let (kind, filter) = kind(&NAMES);
        for answer in
            ["none", "None of the labels applies.", "[]", "So:\n[]", "{}", "No labels", "N/A"]
                .into_iter()
                .chain([r#"{"labels": []}"#, r#"{"billing": false, "login": false}"#])
        {
            let verdict = kind.score(answer, &json!([]), &filter);
            assert!(verdict.score.is_perfect(), "{answer}: {verdict:?}");
        }
        for answer in [
            "Sorry, I cannot help with that.",
            "[\"refunds\"]",
            "The text is too long.",
            "There is nothing I can do to help with that.",
            "I'm sorry, the message is empty. Please send the ticket.",
            "Unable to comply: content is null and void",
            "I have none of the context needed",
        ] {
            let verdict = kind.score(answer, &json!([]), &filter);
            assert!(verdict.invalid.is_some(), "{answer}: {verdict:?}");
            // Where labels apply, it misses them all.
            assert_eq!(kind.score(answer, &json!(["login"]), &filter).score, Score::ZERO);
        }
    }

    #[test]
    fn the_words_for_none_are_those_of_the_table() {
        let table = |none: &[&str]| ScoreTable {
            kind: "label-set".into(),
            labels: Some(vec!["Lob".into(), "Kritik".into()]),
            none: Some(none.iter().map(|it| (*it).to_owned()).collect()),
            ..ScoreTable::default()
        };
        let filter = AnswerFilter::new(&table(&[])).unwrap();
        let kind = LabelSet::new(&table(&["keine", "trifft nicht zu"]), &filter).unwrap();
        for answer in ["Keine.", "Das trifft nicht zu", "[]"] {
            assert!(kind.score(answer, &json!([]), &filter).score.is_perfect(), "{answer}");
        }
        let verdict = kind.score("none", &json!([]), &filter);
        assert!(verdict.invalid.is_some());
        assert!(verdict.feedback.is_some_and(|it| it.contains("`keine`")));
        for (none, says) in [("--", "has no word"), ("lob", "is a label")] {
            let error = LabelSet::new(&table(&[none]), &filter).unwrap_err();
            assert!(error.message.contains(says), "{error:?}");
        }
    }

    /// A data set may have a label that says “none” elsewhere, and a row may say that none applies.
    #[test]
    fn a_word_for_none_may_be_a_label_and_may_be_an_answer_of_a_row() {
        let (kind, filter) = kind(&["joy", "none", "N/A"]);
        assert_eq!(kind.check(&json!(["none"]), &filter), Ok(()));
        assert!(kind.score("none", &json!("none"), &filter).score.is_perfect());
        assert!(!kind.score("none", &json!([]), &filter).score.is_perfect());
        assert!(kind.score("nothing", &json!([]), &filter).score.is_perfect());
        let (kind, filter) = self::kind(&NAMES);
        assert_eq!(kind.check(&json!("None"), &filter), Ok(()));
        assert!(kind.score("[]", &json!("none"), &filter).score.is_perfect());
    }

    #[test]
    fn a_row_lists_labels_alone() {
        let (kind, filter) = kind(&NAMES);
        for right in [json!([]), json!("billing, login"), json!("Fees, other"), json!(["LOGIN"])] {
            assert_eq!(kind.check(&right, &filter), Ok(()), "{right}");
        }
        let complaint = kind.check(&json!(["billing", "logn"]), &filter).unwrap_err();
        assert!(complaint.contains("`logn`") && complaint.contains("did you mean `login`?"));
    }

    proptest! {
        #[test]
        fn a_set_written_in_any_order_is_right(
            picked in proptest::sample::subsequence(NAMES.to_vec(), 0..=4),
            turned in any::<prop::sample::Index>(),
        ) {
            let (kind, filter) = kind(&NAMES);
            let mut answer = picked.clone();
            if !answer.is_empty() {
                let by = turned.index(answer.len());
                answer.rotate_left(by);
            }
            let answer = match answer.is_empty() {
                true => "none".to_owned(),
                false => answer.join(" + "),
            };
            let verdict = kind.score(&answer, &json!(picked), &filter);
            prop_assert!(verdict.score.is_perfect(), "{verdict:?}");
        }
    }
}
