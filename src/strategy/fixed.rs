//! Evaluates the seed on all of dev and stops: what `eval` runs.

use super::plan::{Plan, Strategy};
use super::search::BLOCK;
use crate::event::{Event, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::ledger::Remaining;
use crate::memory::State;
use crate::state::{Phase, Status};
use crate::task::example::Split;

/// No search at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed;

impl Strategy for Fixed {
    fn is_evaluation(&self) -> bool {
        true
    }

    fn ask(&self, state: &State, _remaining: Remaining) -> Vec<Plan> {
        match state.phase {
            Phase::Searching => {
                let seed = state.baseline();
                if seed.status == Status::Finished && !seed.dev().is_quiet() {
                    return Vec::new();
                }
                if seed.status == Status::Finished {
                    let reason = StopReason::PoolDone;
                    return vec![Plan::Decide(Event::SearchEnded { reason })];
                }
                let from = seed.dev().issued;
                let to = (from + BLOCK as u32).min(state.dev_rows);
                let rows: Vec<RowIx> = (from..to).map(RowIx).collect();
                if rows.is_empty() {
                    return Vec::new();
                }
                let candidate = CandidateIx::BASELINE;
                vec![Plan::Evaluate { candidate, split: Split::Dev, replicate: 0, rows }]
            }
            Phase::Choosing if state.is_quiet() => {
                vec![Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None }]
            }
            _ => Vec::new(),
        }
    }
}
