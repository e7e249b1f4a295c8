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

/// The words with which an answer says that none applies, unless the table has others.
const NONE: &[&str] =
    &["none", "nothing", "empty", "null", "nil", "no label", "no labels", "n/a", "not applicable"];

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
        let none = table.none.clone();
        let none = none.unwrap_or_else(|| NONE.iter().map(|it| (*it).to_owned()).collect());
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
        verdict.metrics = [("precision", precision), ("recall", recall)]
            .into_iter()
            .chain([("exact", f64::from(u8::from(is_exact)))])
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        verdict
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

    /// The labels that an answer names: the items of a list, the true keys of an object whose values say
    /// yes or no, else those in its words.
    fn named(&self, answer: &str, filter: &AnswerFilter) -> BTreeSet<usize> {
        let in_words =
            |text: &str| self.labels.named(&filter.normalized(text)).into_iter().collect();
        let of_item = |text: &str| match self.labels.place_of(text, filter) {
            Some(place) => BTreeSet::from([place]),
            None => in_words(text),
        };
        let has_bracket = answer.contains(['[', '{']);
        match has_bracket.then(|| find_json::find(answer, Wanted::List)) {
            Some(Ok(Value::Array(items))) if !items.is_empty() && items.iter().all(is_plain) => {
                items.iter().flat_map(|item| of_item(&value_text(item))).collect()
            }
            Some(Ok(Value::Object(object)))
                if !object.is_empty() && object.values().all(|it| choice(it).is_some()) =>
            {
                let chosen = object.iter().filter(|(_, value)| choice(value) == Some(true));
                chosen.flat_map(|(name, _)| of_item(name)).collect()
            }
            _ => in_words(answer),
        }
    }

    /// Whether an answer without a label says that none applies: an empty list or object, an object without
    /// a yes, or words that say so.
    fn says_none(&self, answer: &str) -> bool {
        let says = |value: &Value| match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(object) => {
                object.values().all(|it| choice(it) == Some(false) || is_empty(it))
            }
            _ => false,
        };
        let has_bracket = answer.contains(['[', '{']);
        if has_bracket && find_json::find(answer, Wanted::List).is_ok_and(|value| says(&value)) {
            return true;
        }
        let said = words(answer);
        self.none.iter().any(|phrase| {
            let phrase = words(phrase);
            said.windows(phrase.len().max(1)).any(|part| part == phrase)
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
        for answer in ["Sorry, I cannot help with that.", "[\"refunds\"]", "The text is too long."]
        {
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
