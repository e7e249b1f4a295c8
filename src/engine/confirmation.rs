//! The confirmation: winner and baseline on held-out rows, once, after the search's last event.

use super::requests::Rows;
use crate::event::{NoAnswer, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::state::{Cell, Column, FailedCalls, Phase, Status};
use crate::stats::{Interval, PairedTest, interval, paired};
use crate::strategy::BLOCK;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::text::plural;

/// With fewer held-out rows nothing is called confirmed.
pub const MIN_HOLD_ROWS: usize = 30;
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

/// Why too little is known to go on: a kind of trouble, and what happened.
type Unmeasured = (StopReason, String);

/// Why a search does not go on with a baseline of which too little is known, if so.
pub(super) fn unmeasured_baseline(state: &State) -> Option<Unmeasured> {
    let baseline = state.baseline();
    let is_done = baseline.status != Status::Open || state.phase != Phase::Searching;
    let is_measured = is_done && baseline.dev().is_quiet();
    is_measured.then(|| unmeasured(state, baseline.dev(), "the baseline's dev rows")).flatten()
}

/// Why nothing is concluded from held-out rows of which too many are missing, if so.
pub(super) fn unmeasured_side(state: &State) -> Option<Unmeasured> {
    let (winner, ..) = state.winner?;
    let side = |candidate: CandidateIx, rows| {
        unmeasured(state, state.standing(candidate).column(Split::Hold, 0), rows)
    };
    side(CandidateIx::BASELINE, "the baseline's held-out rows")
        .or_else(|| side(winner, "the winner's held-out rows"))
}

/// Why nothing is concluded from these rows, if more than a fifth of them are missing.
fn unmeasured(state: &State, column: &Column, rows: &str) -> Option<Unmeasured> {
    if !column.is_unmeasured() {
        return None;
    }
    let of_task = |failed: &FailedCalls| failed.calls.get(&ModelRole::Task).copied().unwrap_or(0);
    let failed = state.counts.failed_calls.iter().filter(|(cause, _)| !cause.is_invalid());
    let (reason, why) = match failed.max_by_key(|(_, failed)| of_task(failed)) {
        Some((cause, failed)) => {
            let calls = plural(of_task(failed) as usize, "call");
            let reason = match cause {
                NoAnswer::NoBudget => StopReason::OverBudget,
                NoAnswer::NoTime => StopReason::BudgetWall,
                _ => StopReason::NoAnswers,
            };
            let example = failed.examples.get(&ModelRole::Task).map_or("", String::as_str);
            (reason, format!(": {calls} {}, such as: {example}", cause.in_words()))
        }
        None => (StopReason::NoAnswers, String::new()),
    };
    let (missing, folded) = (column.missing(), column.folded);
    let room = match state.to_ask_again.is_empty() {
        true => "",
        false => "; the budget has no room to ask for them again",
    };
    Some((reason, format!("{missing} of {folded} of {rows} have no answer{why}{room}")))
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
    let is_changed = winner != CandidateIx::BASELINE;
    (!rows.is_empty()).then(|| Confirmed::of(&rows, is_changed, seed.child("hold", 0)))
}

impl Confirmed {
    /// Evaluates the scores of winner and baseline on the same rows; `is_changed`: the winner is another
    /// prompt than the baseline.
    #[must_use]
    pub fn of(rows: &[(f64, f64)], is_changed: bool, seed: Seed) -> Self {
        let (mine, theirs): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
        let differences: Vec<f64> = rows.iter().map(|(mine, theirs)| mine - theirs).collect();
        let is_binary = rows.iter().all(|(a, b)| [*a, *b].iter().all(|s| *s == 0.0 || *s == 1.0));
        let gain = is_changed
            .then(|| {
                let test = paired::test(&differences, is_binary, seed.child("test", 0));
                let interval = interval::of_differences(&differences, seed.child("gain", 0))?;
                Some((interval, test))
            })
            .flatten();
        let is_shown = rows.len() >= MIN_HOLD_ROWS
            && gain.as_ref().is_some_and(|(gain, test)| test.p_value <= ALPHA && gain.low > 0.0);
        Self {
            winner: interval::of_scores(&mine, seed.child("winner", 0)),
            baseline: interval::of_scores(&theirs, seed.child("seed", 0)),
            gain,
            is_shown,
        }
    }
}
