//! A candidate's answers to one split: a cell for each row, and their sum.

use super::measured::MeasuredRows;
use crate::id::{EventNumber, RowIx};
use std::collections::BTreeMap;

/// One answer's place in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Cell {
    /// Not asked.
    #[default]
    Empty,
    /// Asked, not folded.
    Issued,
    /// Scored.
    Scored {
        /// The value in [0, 1].
        score: f32,
        /// The event that holds the answer.
        answer: EventNumber,
    },
    /// The model could not be asked.
    Missing,
}

impl Cell {
    /// Whether the answer is not wholly right.
    #[must_use]
    pub fn is_flawed(self) -> bool {
        self.score().is_some_and(|score| score < 1.0 - 1e-6)
    }

    /// The value, where there is one.
    #[must_use]
    pub fn score(self) -> Option<f64> {
        match self {
            Self::Scored { score, .. } => Some(f64::from(score)),
            _ => None,
        }
    }

    /// The event that holds the answer, where it has a score.
    #[must_use]
    pub fn answer(self) -> Option<EventNumber> {
        match self {
            Self::Scored { answer, .. } => Some(answer),
            _ => None,
        }
    }
}

/// One candidate's answers to one split, one replicate.
#[derive(Clone, Debug, Default)]
pub struct Column {
    cells: Vec<Cell>,
    /// Rows asked.
    pub issued: u32,
    /// Rows folded, missing ones included.
    pub folded: u32,
    /// Rows with a score.
    pub scored: u32,
    /// The sum of their scores, each times the weight of its row.
    pub sum: f64,
    /// The sum of their weights: `scored` where all rows have equal weight.
    pub weight: f64,
    /// What the measures of the goal's bounds came to.
    pub measured: MeasuredRows,
    /// The numbers that stand for what answers say, where the goal asks for consistency.
    pub(super) said: BTreeMap<RowIx, u32>,
}

impl Column {
    /// A column without answers.
    pub(super) const EMPTY: Self = Self {
        cells: Vec::new(),
        issued: 0,
        folded: 0,
        scored: 0,
        sum: 0.0,
        weight: 0.0,
        measured: MeasuredRows::EMPTY,
        said: BTreeMap::new(),
    };

    /// A row's cell.
    #[must_use]
    pub fn cell(&self, row: RowIx) -> Cell {
        self.cells.get(row.index()).copied().unwrap_or_default()
    }

    /// All cells by row; rows beyond the end are empty.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The mean over scored rows, by their weights.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.sum / self.weight)
    }

    /// Rows that were asked, and have no score.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.folded - self.scored
    }

    /// Whether too many of its rows are missing for any conclusion: more than a fifth.
    #[must_use]
    pub fn is_unmeasured(&self) -> bool {
        self.missing() * 5 > self.folded
    }

    /// Whether nothing is out.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.folded == self.issued
    }

    pub(super) fn set(&mut self, row: RowIx, cell: Cell) {
        if self.cells.len() <= row.index() {
            self.cells.resize(row.index() + 1, Cell::Empty);
        }
        self.cells[row.index()] = cell;
    }
}
