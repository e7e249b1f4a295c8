//! A prompt beside another one on the rows that both answered.
//!
//! Means over different rows are never subtracted. Nothing is claimed: an interval shows how sure a difference is.

use crate::seed::Seed;
use crate::stats::{Interval, interval};
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

/// A prompt against the baseline on the rows that both answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedScores {
    /// How many rows, at least 1.
    pub rows: usize,
    /// The prompt's mean, in [0, 1].
    pub mean: f64,
    /// The baseline's mean on the same rows.
    pub baseline_mean: f64,
    /// `mean` minus `baseline_mean`, in [−1, 1], with its 95 % interval: [`interval::of_differences`].
    pub difference: Interval,
    /// Rows with a higher score than the baseline's.
    pub better: usize,
    /// Rows with a lower one.
    pub worse: usize,
}

impl PairedScores {
    /// From the scores of each row, the baseline's first. `None` without rows.
    #[must_use]
    pub fn of(pairs: &[(f64, f64)], seed: Seed) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(before, after)| after - before).collect();
        let difference = interval::of_differences(&differences, seed)?;
        let mean =
            |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / pairs.len() as f64;
        let count = |change: RowChange| {
            let is_it =
                |(before, after): &&(f64, f64)| RowChange::between(*before, *after) == change;
            pairs.iter().filter(is_it).count()
        };
        Some(Self {
            rows: pairs.len(),
            mean: mean(|(_, after)| *after),
            baseline_mean: mean(|(before, _)| *before),
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
        let paired = PairedScores::of(&pairs, Seed(1)).unwrap();
        assert_eq!((paired.rows, paired.better, paired.worse), (5, 2, 1));
        assert!((paired.mean - 0.35).abs() < 1e-12 && (paired.baseline_mean - 0.3).abs() < 1e-12);
        assert!((paired.difference.mean - 0.05).abs() < 1e-12, "{paired:?}");
        assert!(paired.difference.low < 0.0 && paired.difference.high > 0.05);
        assert_eq!(PairedScores::of(&[], Seed(1)), None);
    }
}
