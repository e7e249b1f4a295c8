//! The held-out rows that a candidate and the baseline are compared on, with all that is known of their answers.
//!
//! What they show is `claim`'s.

use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::state::{CandidateState, Cell, Look};
use crate::task::example::Split;
use crate::task::goal::Goal;
use crate::task::measure::Measure;

/// With fewer held-out rows nothing is called confirmed.
pub const MIN_HOLD_ROWS: usize = 30;
/// One held-out row that winner and baseline both have a score for.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOutRow {
    /// The winner's score, in [0, 1].
    pub winner: f64,
    /// The baseline's.
    pub baseline: f64,
    /// How much the row counts in a mean score, above 0. What calls cost, and the measures of bounds, count each row once.
    pub weight: f64,
    /// What 1,000 such calls cost in dollars, of winner and baseline.
    pub usd_per_1k: Option<(f64, f64)>,
    /// What the measures of the goal came to, of winner and baseline, in the goal's order.
    pub measured: Vec<(Option<f64>, Option<f64>)>,
}

/// The first held-out rows, as many as said, that a candidate and the baseline both have a score for: those of this look,
/// if it is over, since later answers change nothing of what it showed.
pub(super) fn held_out_rows(
    state: &State,
    goal: &Goal,
    candidate: CandidateIx,
    rows: u32,
    look: Option<&Look>,
) -> Vec<HeldOutRow> {
    let closed = look.and_then(|look| look.closed);
    let score = |cell: &Cell| match cell {
        Cell::Scored { answer, .. } if closed.is_some_and(|closed| *answer >= closed) => None,
        cell => cell.score(),
    };
    let (mine, theirs) = (state.standing(candidate), state.baseline());
    let usd = |row: RowIx| {
        let of = |usd: &crate::units::Usd| usd.dollars() * 1_000.0;
        Some((mine.hold_usd.get(&row).map(of)?, theirs.hold_usd.get(&row).map(of)?))
    };
    let columns = [mine, theirs].map(|standing| standing.column(Split::Hold, 0));
    let cells = columns[0].cells().iter().zip(columns[1].cells());
    let measured = |row: RowIx| {
        let of = |side: &CandidateState, measure: &Measure| match measure {
            // Answers to a row may come at several looks.
            Measure::Consistency(answers) => side.agreement(Split::Hold, row, *answers, closed),
            _ => side.measured(goal, measure, Split::Hold, row),
        };
        goal.measures().map(|measure| (of(mine, &measure), of(theirs, &measure))).collect()
    };
    (0..rows)
        .map(RowIx)
        .zip(cells)
        .skip(state.must_pass.first_drawn(rows) as usize)
        .filter_map(|(row, (mine, theirs))| {
            let (winner, baseline) = (score(mine)?, score(theirs)?);
            let (usd_per_1k, measured) = (usd(row), measured(row));
            let weight = state.weights.of(Split::Hold, row);
            Some(HeldOutRow { winner, baseline, weight, usd_per_1k, measured })
        })
        .collect()
}
