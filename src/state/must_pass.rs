//! Which rows must pass, and whether a candidate's answers do.
//!
//! What follows for a search is the strategy's, and for a claim the engine's.

use super::candidate::CandidateState;
use super::column::Cell;
use crate::id::{EventNumber, RowIx};
use crate::task::example::Split;

/// How many rows must pass: the first ones of their split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MustPass {
    /// Of dev.
    pub dev: u32,
    /// Of the held-out ones.
    pub hold: u32,
    /// How many held-out rows there are.
    pub of_hold: u32,
}

impl MustPass {
    /// The first held-out row that stands for all of them, where this many were asked: those that must pass were picked by
    /// people, so that they stand for the others only where all were asked.
    #[must_use]
    pub fn first_drawn(self, asked: u32) -> u32 {
        if asked < self.of_hold { self.hold } else { 0 }
    }
}

impl CandidateState {
    /// The rows of dev that must pass, and that it does not: one of its answers is not wholly right, or it has none.
    #[must_use]
    pub fn fails_on_dev(&self, must_pass: MustPass) -> u32 {
        let rows = (0..must_pass.dev).map(RowIx);
        let fails = |row: &RowIx| {
            let mut cells = self.replicates(Split::Dev).map(|(_, column)| column.cell(*row));
            cells.any(|cell| cell.is_flawed() || cell == Cell::Missing)
        };
        rows.filter(fails).count() as u32
    }

    /// The rows of dev that must pass and that it was not asked.
    #[must_use]
    pub fn unasked_on_dev(&self, must_pass: MustPass) -> Vec<RowIx> {
        let rows = (0..must_pass.dev).map(RowIx);
        rows.filter(|row| self.dev().cell(*row) == Cell::Empty).collect()
    }

    /// The held-out rows that must pass, and that it does not: one of its answers is not wholly right, or it has none.
    /// Answers from `closed` on, of a look that is over, change nothing of what it showed.
    #[must_use]
    pub fn fails_on_hold(&self, must_pass: MustPass, closed: Option<EventNumber>) -> usize {
        let in_time = |cell: Cell| {
            let is_late = |it: EventNumber| closed.is_some_and(|closed| it >= closed);
            if cell.answer().is_some_and(is_late) { Cell::Missing } else { cell }
        };
        let fails = |row: &RowIx| {
            let first = in_time(self.column(Split::Hold, 0).cell(*row));
            let mut all =
                self.replicates(Split::Hold).map(|(_, column)| in_time(column.cell(*row)));
            first.score().is_none() || all.any(Cell::is_flawed)
        };
        (0..must_pass.hold).map(RowIx).filter(fails).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_people_picked_stand_for_others_only_among_all() {
        let must_pass = MustPass { dev: 2, hold: 6, of_hold: 60 };
        assert_eq!([59, 60].map(|asked| must_pass.first_drawn(asked)), [6, 0]);
        assert_eq!(MustPass::default().first_drawn(10), 0);
    }
}
