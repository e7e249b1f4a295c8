//! The confirmation: winner and baseline on held-out rows, once, after the search's last event.

use super::requests::Rows;
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::state::Cell;
use crate::stats::{Interval, PairedTest, interval, paired};
use crate::strategy::BLOCK;
use crate::task::example::Split;

/// With fewer rows nothing is called confirmed.
const FEWEST_ROWS: usize = 30;
/// The level of the one-sided test.
const ALPHA: f64 = 0.05;

/// The next held-out rows: winner and baseline together, row by row. `None`: all are issued.
pub(super) fn next(state: &State) -> Option<Rows> {
    let (winner, _, rows) = state.winner?;
    let sides: &[CandidateIx] =
        if winner == CandidateIx::BASELINE { &[winner] } else { &[winner, CandidateIx::BASELINE] };
    for from in (0..rows).step_by(BLOCK) {
        let to = (from + BLOCK as u32).min(rows);
        for &candidate in sides {
            let column = state.standing(candidate).column(Split::Hold, 0);
            let rows: Vec<RowIx> =
                (from..to).map(RowIx).filter(|row| column.cell(*row) == Cell::Empty).collect();
            if !rows.is_empty() {
                return Some(Rows { candidate, split: Split::Hold, replicate: 0, rows });
            }
        }
    }
    None
}

/// The result of the confirmation.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// The winner's mean.
    pub winner: Option<Interval>,
    /// The baseline's mean.
    pub baseline: Option<Interval>,
    /// The gain and its test; `None` if the winner is the baseline.
    pub gain: Option<(Interval, PairedTest)>,
    /// Whether the gain is shown: p ≤ 0.05 and an interval above 0, on at least 30 rows.
    pub is_shown: bool,
}

/// Evaluates the confirmation. A row with one side missing is left out of both.
#[must_use]
pub fn confirmed(state: &State, seed: Seed) -> Option<Confirmed> {
    let (winner, _, _) = state.winner?;
    let column = |candidate: CandidateIx| state.standing(candidate).column(Split::Hold, 0);
    let (mine, theirs) = (column(winner), column(CandidateIx::BASELINE));
    let rows: Vec<(f64, f64)> = mine
        .cells()
        .iter()
        .zip(theirs.cells())
        .filter_map(|(mine, theirs)| Some((mine.score()?, theirs.score()?)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let seed = seed.child("hold", 0);
    let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
    let differences: Vec<f64> = rows.iter().map(|(mine, theirs)| mine - theirs).collect();
    let is_binary = rows.iter().all(|(a, b)| [*a, *b].iter().all(|s| *s == 0.0 || *s == 1.0));
    let gain = (winner != CandidateIx::BASELINE)
        .then(|| {
            let test = paired::test(&differences, is_binary, seed.child("test", 0));
            let interval = interval::of_differences(&differences, seed.child("gain", 0))?;
            Some((interval, test))
        })
        .flatten();
    let is_shown = rows.len() >= FEWEST_ROWS
        && gain.as_ref().is_some_and(|(gain, test)| test.p_value <= ALPHA && gain.low > 0.0);
    Some(Confirmed {
        winner: interval::of_scores(&mine, seed.child("winner", 0)),
        baseline: interval::of_scores(&theirs, seed.child("seed", 0)),
        gain,
        is_shown,
    })
}
