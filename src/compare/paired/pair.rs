//! A row that two prompts have answered.

use super::{PairedRow, RowScore};
use crate::stats::weighted::Weighted;

/// A row on which both prompts have a score.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) row: &'a PairedRow,
    pub(super) a: &'a RowScore,
    pub(super) b: &'a RowScore,
}

impl Pair<'_> {
    pub(super) fn difference(&self) -> f64 {
        self.b.score - self.a.score
    }

    pub(super) fn weighted(&self) -> Weighted {
        Weighted { value: self.difference(), weight: self.row.weight }
    }
}

pub(super) fn is_whole(score: f64) -> bool {
    score == 0.0 || score == 1.0
}
