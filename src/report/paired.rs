//! A prompt beside another one on the rows that both answered.
//!
//! Means over different rows are never subtracted. Nothing is claimed: an interval shows how sure a difference is.

use crate::seed::Seed;
use crate::stats::Interval;
use crate::stats::weighted::{self, Weighted};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowChange {
    /// Its score is higher.
    Better,
    /// Its score is the same.
    Same,
    /// Its score is lower.
    Worse,
}

impl RowChange {
    /// From one score of a row to another one.
    #[must_use]
    pub fn between(before: f64, after: f64) -> Self {
        match after.total_cmp(&before) {
            Ordering::Greater => Self::Better,
            Ordering::Equal => Self::Same,
            Ordering::Less => Self::Worse,
        }
    }
}

/// The scores of a row that two prompts answered, each in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScorePair {
    /// The baseline's, or the earlier one.
    pub before: f64,
    /// The prompt's.
    pub after: f64,
    /// How much the row counts, above 0.
    pub weight: f64,
}

/// A prompt against the baseline on the rows that both answered. Means and difference are by the weights of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedScores {
    /// How many rows, at least 1.
    pub rows: usize,
    /// The prompt's mean, in [0, 1].
    pub mean: f64,
    /// The baseline's mean on the same rows.
    pub baseline_mean: f64,
    /// `mean` minus `baseline_mean`, in [−1, 1], with its 95 % interval: [`weighted::of_differences`].
    pub difference: Interval,
    /// Rows with a higher score than the baseline's.
    pub better: usize,
    /// Rows with a lower one.
    pub worse: usize,
}

impl PairedScores {
    /// From the scores of each row. `None` without rows.
    #[must_use]
    pub fn of(pairs: &[ScorePair], seed: Seed) -> Option<Self> {
        let values = |value: fn(&ScorePair) -> f64| -> Vec<Weighted> {
            pairs.iter().map(|it| Weighted { value: value(it), weight: it.weight }).collect()
        };
        let difference = weighted::of_differences(&values(|it| it.after - it.before), seed)?;
        let count = |change: RowChange| {
            let is_it = |it: &&ScorePair| RowChange::between(it.before, it.after) == change;
            pairs.iter().filter(is_it).count()
        };
        Some(Self {
            rows: pairs.len(),
            mean: weighted::mean(&values(|it| it.after)),
            baseline_mean: weighted::mean(&values(|it| it.before)),
            difference,
            better: count(RowChange::Better),
            worse: count(RowChange::Worse),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_paired_by_row() {
        let pairs = [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (0.0, 0.25), (0.0, 0.0)];
        let pairs = pairs.map(|(before, after)| ScorePair { before, after, weight: 1.0 });
        let paired = PairedScores::of(&pairs, Seed(1)).unwrap();
        assert_eq!((paired.rows, paired.better, paired.worse), (5, 2, 1));
        assert!((paired.mean - 0.35).abs() < 1e-12 && (paired.baseline_mean - 0.3).abs() < 1e-12);
        assert!((paired.difference.mean - 0.05).abs() < 1e-12, "{paired:?}");
        assert!(paired.difference.low < 0.0 && paired.difference.high > 0.05);
        assert_eq!(PairedScores::of(&[], Seed(1)), None);
        // The row that was lost counts as much as all others.
        let heavy = [0, 1, 2, 3, 4]
            .map(|row| ScorePair { weight: if row == 2 { 4.0 } else { 1.0 }, ..pairs[row] });
        let paired = PairedScores::of(&heavy, Seed(1)).unwrap();
        assert_eq!((paired.better, paired.worse), (2, 1));
        assert_eq!((paired.mean, paired.baseline_mean), (1.75 / 8.0, 4.5 / 8.0));
        assert!((paired.difference.mean + 2.75 / 8.0).abs() < 1e-12, "{paired:?}");
    }
}
