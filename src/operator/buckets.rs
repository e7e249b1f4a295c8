//! Rows on which runs differ: what there is to learn from (SIMBA).
//!
//! Where the recipe runs its population on training rows before each generation, a *bucket* is one of
//! these rows with its runs; else it is any training row with the first answer of each candidate to
//! it.

use super::draw::{Draw, PlannedRun};
use crate::id::{CandidateIx, RowIx};
use crate::task::example::Split;
use serde::{Deserialize, Serialize};

/// One answer to a training row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) row: RowIx,
    pub(super) candidate: CandidateIx,
    pub(super) replicate: u16,
    pub(super) score: f64,
}

/// A row with its best and its worst run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    pub(super) best: Run,
    pub(super) worst: Run,
    /// How far the best is from the mean.
    lead: f64,
}

impl Bucket {
    fn of(runs: &[Run]) -> Option<Self> {
        let best = *runs.iter().reduce(|a, b| if b.score > a.score { b } else { a })?;
        let worst = *runs.iter().reduce(|a, b| if b.score <= a.score { b } else { a })?;
        let mean = runs.iter().map(|run| run.score).sum::<f64>() / runs.len() as f64;
        Some(Self { best, worst, lead: best.score - mean })
    }

    fn gap(&self) -> f64 {
        self.best.score - self.worst.score
    }
}

/// All buckets, those that teach most first, and where the scores of their runs lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// By the gap between best and worst, by the best, by the best's lead over the mean.
    sorted: Vec<Bucket>,
    /// A tenth of the runs scored less.
    pub(super) low: f64,
    /// A tenth of them scored more.
    pub(super) high: f64,
}

impl Buckets {
    /// The buckets at this moment.
    pub(super) fn now(draw: &Draw<'_>) -> Self {
        let state = draw.state;
        let run = |(row, candidate, replicate): PlannedRun| {
            let column = state.standing(candidate).column(Split::Train, replicate);
            Some(Run { row, candidate, replicate, score: column.cell(row).score()? })
        };
        Self::of(match draw.breeding.runs() {
            Some(rows) => {
                rows.into_iter().map(|runs| runs.into_iter().filter_map(run).collect()).collect()
            }
            None => (0..draw.setting.train_rows)
                .map(|row| {
                    let of = |(candidate, _)| run((RowIx(row), candidate, 0));
                    state.numbered().filter_map(of).collect()
                })
                .collect(),
        })
    }

    fn of(rows: Vec<Vec<Run>>) -> Self {
        let mut scores: Vec<f64> = rows.iter().flatten().map(|run| run.score).collect();
        scores.sort_by(f64::total_cmp);
        let mut sorted: Vec<Bucket> = rows.iter().filter_map(|runs| Bucket::of(runs)).collect();
        sorted.sort_by(|a, b| {
            let by_gap = b.gap().total_cmp(&a.gap());
            by_gap.then(b.best.score.total_cmp(&a.best.score)).then(b.lead.total_cmp(&a.lead))
        });
        Self { sorted, low: quantile(&scores, 0.1), high: quantile(&scores, 0.9) }
    }

    /// The bucket that the next use of an operator learns from: each use of a generation has its
    /// own.
    pub(super) fn of_turn(&self, draw: &Draw<'_>) -> Option<Bucket> {
        let turn = if draw.breeding.has_generations() {
            draw.state.memory.uses.in_generation() as usize
        } else {
            draw.state.memory.uses.total() as usize % self.sorted.len().max(1)
        };
        self.sorted.get(turn).copied()
    }
}

/// A quantile of sorted values, between the two nearest ones where it lies between them.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}
#[cfg(test)]
mod tests {
    use super::*;

    fn runs(row: u32, scores: &[f64]) -> Vec<Run> {
        let run = |(candidate, score): (u32, &f64)| Run {
            row: RowIx(row),
            candidate: CandidateIx(candidate),
            replicate: 0,
            score: *score,
        };
        (0..).zip(scores).map(run).collect()
    }

    #[test]
    fn buckets_are_sorted_by_gap_then_best_then_lead() {
        // Gaps 0, 1, 0.5, 0.5, 1; of the two with gap 0.5 the better best goes first, of the two with
        // gap 1 the one whose best stands out more: 1 − 1/3 against 1 − 2/3.
        let buckets = Buckets::of(vec![
            runs(0, &[1.0, 1.0, 1.0]),
            runs(1, &[1.0, 0.0, 1.0]),
            runs(2, &[0.0, 0.5, 0.0]),
            runs(3, &[0.5, 1.0, 0.5]),
            runs(4, &[0.0, 0.0, 1.0]),
        ]);
        let order: Vec<u32> = buckets.sorted.iter().map(|bucket| bucket.best.row.0).collect();
        assert_eq!(order, [4, 1, 3, 2, 0]);
        let first = buckets.sorted[0];
        assert_eq!((first.best.candidate.0, first.worst.candidate.0), (2, 1));
        // The first of the best runs, the last of the worst ones.
        let last = buckets.sorted[4];
        assert_eq!((last.best.candidate.0, last.worst.candidate.0), (0, 2));
        // 15 scores: 5 × 0, 3 × 0.5, 7 × 1; a tenth of the way lies at place 1.4, nine tenths at 12.6.
        assert_eq!((buckets.low, buckets.high), (0.0, 1.0));
    }

    #[test]
    fn a_quantile_lies_between_the_two_nearest_values() {
        assert_eq!(quantile(&[], 0.1), 0.0);
        assert_eq!(quantile(&[3.0], 0.9), 3.0);
        // At place 0.4 and at 3.6.
        assert!((quantile(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.1) - 0.4).abs() < 1e-12);
        assert!((quantile(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.9) - 3.6).abs() < 1e-12);
    }
}
