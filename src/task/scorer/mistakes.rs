//! What kinds of mistakes cost: `mistakes` of a `label` scorer, so that its score is the business's.
//!
//! A mistake that no entry names costs 1. The score of a wrong label is 1 − cost / the dearest cost, so that a mean score s
//! means a mean cost of (1 − s) × the dearest cost. An answer without a label costs as much as the dearest mistake.

use super::table::{MistakeTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::text;
use crate::units::Score;

/// What a mistake costs that no entry names.
const USUAL: f64 = 1.0;

/// What each kind of mistake costs.
#[derive(Clone, Debug)]
pub(super) struct Mistakes {
    entries: Vec<Entry>,
    dearest: f64,
}

/// Labels are places in the scorer's list; `None`: any.
#[derive(Clone, Copy, Debug)]
struct Entry {
    expected: Option<usize>,
    answered: Option<usize>,
    cost: f64,
}

impl Mistakes {
    /// Reads the entries of a scorer with these labels.
    ///
    /// # Errors
    /// No label, or one that the scorer does not have, a cost below 0, or two entries for one kind of mistake.
    pub(super) fn new(
        tables: &[MistakeTable],
        labels: &[String],
        place_of: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, ScorerError> {
        let mut entries: Vec<Entry> = Vec::with_capacity(tables.len());
        for table in tables {
            let place = |label: &Option<String>| match label {
                None => Ok(None),
                Some(label) => place_of(label).map(Some).ok_or_else(|| {
                    let known: Vec<&str> = labels.iter().map(String::as_str).collect();
                    let message = format!("a mistake names {}, which is no label", quoted(label));
                    ScorerError::new("mistakes", message).help(text::suggestion(label, &known))
                }),
            };
            let (expected, answered) = (place(&table.expected)?, place(&table.answered)?);
            if expected.is_none() && answered.is_none() {
                let message = "a mistake names no label".to_owned();
                return Err(ScorerError::new("mistakes", message).help(
                    "write `expected`, `answered` or both; a mistake that is not listed costs 1, so give the others \
                     their costs beside that",
                ));
            }
            let cost = table.cost;
            if !(cost.is_finite() && cost >= 0.0) {
                let message = format!("a mistake cannot cost {cost}");
                return Err(ScorerError::new("mistakes", message)
                    .help("a cost is 0 or more; a mistake that is not listed costs 1"));
            }
            if expected.is_some() && expected == answered {
                let message = "an answer as expected is no mistake".to_owned();
                return Err(ScorerError::new("mistakes", message));
            }
            let is_same = |other: &Entry| (other.expected, other.answered) == (expected, answered);
            if entries.iter().any(is_same) {
                let message = "two entries are for the same mistake".to_owned();
                return Err(ScorerError::new("mistakes", message));
            }
            entries.push(Entry { expected, answered, cost });
        }
        let dearest = entries.iter().map(|entry| entry.cost).fold(USUAL, f64::max);
        Ok(Self { entries, dearest })
    }

    /// What one mistake costs: by the entry that names both labels, or else the right one, or else the answered one.
    fn cost(&self, expected: Option<usize>, answered: usize) -> f64 {
        let fits = |entry: &&Entry| {
            (entry.expected.is_none() || entry.expected == expected)
                && entry.answered.is_none_or(|place| place == answered)
        };
        let named = |entry: &&Entry| (entry.expected.is_some(), entry.answered.is_some());
        self.entries.iter().filter(fits).max_by_key(named).map_or(USUAL, |entry| entry.cost)
    }

    /// The verdict on a label that is not the expected one.
    pub(super) fn wrong(
        &self,
        expected: Option<usize>,
        answered: usize,
        feedback: String,
    ) -> Verdict {
        let cost = self.cost(expected, answered);
        let score = Score::new((1.0 - cost / self.dearest).clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
        let told =
            format!("{feedback} This mistake costs {cost}; the dearest costs {}.", self.dearest);
        Verdict::scored(score, Some(told))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scorer;
    use crate::task::scorer::tests::value;
    use serde_json::json;

    const LABELS: &str = "kind = 'label'\nlabels = ['fraud', 'fee', 'other']\n";

    #[test]
    fn a_mistake_costs_what_its_nearest_entry_says() {
        let costly = format!(
            "{LABELS}mistakes = [{{ expected = 'fraud', cost = 10 }}, {{ answered = 'other', cost = 2 }}, \
             {{ expected = 'fraud', answered = 'fee', cost = 4 }}]"
        );
        for (expected, answer, score) in [
            ("fraud", "Fraud.", 1.0),
            ("fraud", "fee", 0.6),
            ("fraud", "other", 0.0),
            ("fee", "other", 0.8),
            ("fee", "fraud", 0.9),
            ("fee", "I cannot tell", 0.0),
        ] {
            assert_eq!(value(&costly, answer, json!(expected)), score, "{expected}, {answer}");
        }
        // All costs below that of a mistake that is not listed.
        let cheap = format!("{LABELS}mistakes = [{{ expected = 'fee', cost = 0.25 }}]");
        assert_eq!(value(&cheap, "other", json!("fee")), 0.75);
        assert_eq!(value(&cheap, "fee", json!("other")), 0.0);
        let free = format!("{LABELS}mistakes = [{{ answered = 'other', cost = 0 }}]");
        assert_eq!(value(&free, "other", json!("fee")), 1.0);
        let row = super::super::tests::row(json!("fraud"));
        let feedback = scorer(&costly).score("fee", &row).unwrap().feedback.unwrap();
        assert_eq!(
            feedback,
            "Expected `fraud`, got `fee`. This mistake costs 4; the dearest costs 10."
        );
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for (entries, says) in [
            ("{ expected = 'frud', cost = 1 }", "`frud`, which is no label"),
            ("{ expected = 'fee', cost = -1 }", "cannot cost -1"),
            ("{ cost = 3 }", "names no label"),
            ("{ expected = 'fee', answered = 'fee', cost = 1 }", "is no mistake"),
            ("{ answered = 'fee', cost = 1 }, { answered = 'fee', cost = 2 }", "the same mistake"),
        ] {
            let text = format!("{LABELS}mistakes = [{entries}]");
            let table = toml::from_str(&text).unwrap();
            let error = crate::task::scorer::Scorer::new(&table).unwrap_err();
            assert!(error.message.contains(says), "{}", error.message);
        }
    }
}
