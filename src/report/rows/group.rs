//! The scores of some rows: of all, and of the slices that a column makes.

use super::row::AnsweredRow;
use crate::prompt::value_text;
use crate::report::paired::{PairedScores, ScorePair};
use crate::run::score_interval;
use crate::seed::Seed;
use crate::stats::Interval;
use crate::stats::weighted::Weighted;
use crate::task::example::Example;
use serde::Serialize;
use std::collections::BTreeMap;

/// The scores of some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RowGroupScore {
    /// How many rows.
    pub rows: usize,
    /// How many of them are wholly right.
    pub correct: usize,
    /// How many answers cannot be read.
    pub invalid: usize,
    /// The mean score with its 95 % interval, as in the run's summary; null without rows.
    pub score: Option<Interval>,
    /// Against the baseline, on the rows that both answered; null without such rows, and for the baseline.
    pub against_baseline: Option<PairedScores>,
}

/// The rows that have the same value in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// The value as text, in full; null for rows without one.
    pub value: Option<String>,
    /// Its scores.
    #[serde(flatten)]
    pub score: RowGroupScore,
}

impl RowGroupScore {
    /// The scores of rows in the order in which they were asked, given the run's seed.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a AnsweredRow>, seed: Seed) -> Self {
        let rows: Vec<&AnsweredRow> = rows.into_iter().collect();
        let weighted = |row: &&AnsweredRow| Weighted { value: row.score, weight: row.weight };
        let scores: Vec<Weighted> = rows.iter().map(weighted).collect();
        let pair = |row: &&AnsweredRow| {
            let (before, after) = (row.baseline.as_ref()?.score, row.score);
            Some(ScorePair { before, after, weight: row.weight })
        };
        let pairs = rows.iter().filter_map(pair);
        Self {
            rows: rows.len(),
            correct: rows.iter().filter(|row| row.is_correct()).count(),
            invalid: rows.iter().filter(|row| row.invalid.is_some()).count(),
            score: score_interval(&scores, seed),
            against_baseline: PairedScores::of(&pairs.collect::<Vec<_>>(), difference_seed(seed)),
        }
    }
}

/// The seed of the intervals of differences.
pub(super) fn difference_seed(seed: Seed) -> Seed {
    seed.child("rows against the baseline", 0)
}

/// The slices of a column, the largest first.
pub(super) fn slices(column: &str, rows: &[(&Example, AnsweredRow)], seed: Seed) -> Vec<Slice> {
    let mut groups: BTreeMap<Option<String>, Vec<&AnsweredRow>> = BTreeMap::new();
    for (example, row) in rows {
        let value = example.columns.get(column).filter(|value| !value.is_null());
        groups.entry(value.map(|it| value_text(it).into_owned())).or_default().push(row);
    }
    let slice = |(value, rows)| Slice { value, score: RowGroupScore::of::<'_>(rows, seed) };
    let mut slices: Vec<Slice> = groups.into_iter().map(slice).collect();
    slices.sort_by(|a, b| b.score.rows.cmp(&a.score.rows).then_with(|| a.value.cmp(&b.value)));
    slices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ExampleId;
    use serde_json::json;

    #[test]
    fn slices_are_made_of_whole_values() {
        let long = |end: &str| json!(format!("{}{end}", "x".repeat(80)));
        let example = |value: serde_json::Value| Example {
            id: ExampleId::new("r"),
            columns: serde_json::from_value(json!({"place": value})).unwrap(),
            numbers: Vec::new(),
            answer: json!("a"),
            feedback: None,
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        };
        let examples = [long("a"), long("b"), long("b"), json!(""), json!(null)].map(example);
        let rows: Vec<(&Example, AnsweredRow)> =
            examples.iter().map(|it| (it, AnsweredRow::default())).collect();
        let slices = slices("place", &rows, Seed(1));
        let found: Vec<(Option<&str>, usize)> =
            slices.iter().map(|it| (it.value.as_deref(), it.score.rows)).collect();
        let (a, b) = (long("a"), long("b"));
        assert_eq!(found, [(b.as_str(), 2), (None, 1), (Some(""), 1), (a.as_str(), 1)]);
    }
}
