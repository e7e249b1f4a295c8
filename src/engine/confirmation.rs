//! The confirmation: winner and baseline on held-out rows, once, after the search's last event.
//!
//! What these rows show is `claim`'s.

use super::budget::Budget;
use super::requests::Rows;
use crate::caps::Caps;
use crate::event::{NoAnswer, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::ledger::Finale;
use crate::memory::State;
use crate::state::{Cell, Column, FailedCalls, Phase, Status};
use crate::strategy::BLOCK;
use crate::task::Task;
use crate::task::example::Split;
use crate::task::model::ModelRole;
use crate::text::plural;
use std::sync::Arc;

/// The next held-out rows, each with as many answers as said: all that are compared together, row by row. `None`: all are issued.
pub(super) fn next(state: &State, answers: u16) -> Option<Rows> {
    let rows = state.confirming.rows;
    for from in (0..rows).step_by(BLOCK) {
        let to = (from + BLOCK as u32).min(rows);
        for candidate in state.confirming.sides() {
            for replicate in 0..answers {
                let column = state.standing(candidate).column(Split::Hold, replicate);
                let rows: Vec<RowIx> =
                    (from..to).map(RowIx).filter(|row| column.cell(*row) == Cell::Empty).collect();
                if !rows.is_empty() {
                    return Some(Rows { candidate, split: Split::Hold, replicate, rows });
                }
            }
        }
    }
    None
}

/// What candidates of a finished run can be asked of the held-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfirmationRoom {
    /// How many rows, from the first on, the caps have room for.
    pub rows: u32,
    /// What all rows need of each cap that is set, by mean costs and with some to spare.
    pub needed: Caps,
}

impl ConfirmationRoom {
    /// Of these candidates and the baseline, within what is left of these caps.
    #[must_use]
    pub fn of(task: &Arc<Task>, caps: Caps, state: &State, asked: &[CandidateIx]) -> Self {
        let budget = Budget::new(caps, Arc::clone(task), Finale::default());
        let (rows, needed) = budget.family_rows(state, asked);
        Self { rows, needed }
    }
}

/// Why too little is known to go on: a kind of trouble, and what happened.
type Unmeasured = (StopReason, String);

/// Why a search does not go on with a baseline of which too little is known, if so.
pub(super) fn unmeasured_baseline(state: &State) -> Option<Unmeasured> {
    let baseline = state.baseline();
    let is_done = baseline.status != Status::Open || state.phase != Phase::Searching;
    let is_measured = is_done && baseline.dev().is_quiet();
    is_measured.then(|| unmeasured_so_far(state)).flatten()
}

/// Why nothing could be concluded from the baseline's dev rows as they are now, if so.
pub(super) fn unmeasured_so_far(state: &State) -> Option<Unmeasured> {
    unmeasured(state, state.baseline().dev(), "the baseline's dev rows")
}

/// Why nothing is concluded from held-out rows of which too many are missing, if so.
pub(super) fn unmeasured_side(state: &State) -> Option<Unmeasured> {
    let side = |candidate: CandidateIx, rows: &str| {
        unmeasured(state, state.standing(candidate).column(Split::Hold, 0), rows)
    };
    let whose = if state.is_concluded { "a candidate's" } else { "the winner's" };
    side(CandidateIx::BASELINE, "the baseline's held-out rows").or_else(|| {
        let asked = state.confirming.asked.iter();
        asked.copied().find_map(|candidate| side(candidate, &format!("{whose} held-out rows")))
    })
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
