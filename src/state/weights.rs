//! How much each row counts in a mean score.
//!
//! A weight is known from the row's first score on; it is 1 on average over the rows of a split.

use crate::id::RowIx;
use crate::task::example::Split;
use std::collections::BTreeMap;

/// The weights of rows, by split. Those that count 1 are not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowWeights(BTreeMap<(Split, RowIx), f64>);

impl RowWeights {
    /// How much a row counts.
    #[must_use]
    pub fn of(&self, split: Split, row: RowIx) -> f64 {
        self.0.get(&(split, row)).copied().unwrap_or(1.0)
    }

    pub(super) fn set(&mut self, split: Split, row: RowIx, weight: f64) {
        if weight != 1.0 {
            self.0.insert((split, row), weight);
        }
    }
}
