//! `label-set`: the answer names the row's labels and no others, in any order.
//!
//! How a label is named is the business of `label`. The row's answer is a list of labels, or a text that
//! lists them; it may be empty. The score is the F1 of the two sets (example-based F1: Godbole and
//! Sarawagi 2004, section 4), so that an answer with two labels of three counts for something;
//! `extract` and a JSON list in the answer are no different from words.

use super::answer_filter::AnswerFilter;
use super::json;
use super::kind::{FromTable, Kind};
use super::label::Labels;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use crate::units::Score;
use serde_json::Value;
use std::collections::BTreeSet;

/// What separates labels in the text of a row's answer.
const SEPARATORS: [char; 4] = [',', ';', '|', '\n'];

#[derive(Clone, Debug)]
pub(super) struct LabelSet {
    labels: Labels,
}

impl FromTable for LabelSet {
    const NAME: &'static str = "label-set";
    const KEYS: &'static [&'static str] = &["labels"];

    fn new(table: &ScoreTable, filter: &AnswerFilter) -> Result<Self, ScorerError> {
        Labels::new(table, filter).map(|labels| Self { labels })
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
        let named: BTreeSet<usize> =
            self.labels.named(&filter.normalized(answer)).into_iter().collect();
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
            let verdict = kind.score(&answer.join(" + "), &json!(picked), &filter);
            prop_assert!(verdict.score.is_perfect(), "{verdict:?}");
        }
    }
}
