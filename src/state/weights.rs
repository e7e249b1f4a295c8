//! How much each row counts in a mean score, and which rows must pass.
//!
//! Both are known from the row's first score on. Weights are 1 on average over the rows of a split.

use crate::id::RowIx;
use crate::task::example::Split;
use std::collections::{BTreeMap, BTreeSet};

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

/// The rows that must pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MustPass(BTreeSet<(Split, RowIx)>);

impl MustPass {
    /// Whether a row must pass.
    #[must_use]
    pub fn holds(&self, split: Split, row: RowIx) -> bool {
        self.0.contains(&(split, row))
    }

    /// The rows of a split.
    pub fn rows(&self, split: Split) -> impl Iterator<Item = RowIx> {
        self.0.iter().filter(move |(of, _)| *of == split).map(|(_, row)| *row)
    }

    pub(super) fn insert(&mut self, split: Split, row: RowIx) {
        self.0.insert((split, row));
    }
}
