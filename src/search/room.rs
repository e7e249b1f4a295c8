//! What the budget still allows: the plan's side of the ledger, from folded facts alone.
//!
//! Not whether an attempt may be sent: that is the wallet's to say.

use crate::budget::{Amount, Caps, Share};
use crate::event::StopReason;
use crate::id::CandidateIx;
use crate::memory::State;
use crate::provider::call::worst_case;
use crate::state::{CandidateState, Phase};
use crate::strategy::Remaining;
use crate::task::Task;
use crate::task::model::ModelRole;
use crate::units::{Tokens, Usd};

/// The largest share of a cap that is set aside for held-out rows.
const MOST_HOLD: f64 = 0.4;
/// What is set aside above the measured mean.
const HOLD_MARGIN: f64 = 1.3;
/// Stands for "no limit" where a number is needed.
const UNLIMITED: u64 = u64::MAX;

/// Caps with what is set aside.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    caps: Caps,
    hold_rows: u64,
    finale_share: f64,
    /// Bytes of the longest row of dev, so that no step has to look for it.
    longest_row: usize,
}

/// Held-out calls of a run: winner and seed.
#[must_use]
pub fn hold_calls(rows: u64) -> u64 {
    2 * rows
}

impl Limits {
    /// For a run on a task that keeps a share for its `final`.
    #[must_use]
    pub fn new(caps: Caps, task: &Task, finale_share: f64) -> Self {
        let longest_row = task.splits.dev.iter().map(Task::row_bytes).max().unwrap_or(0);
        Self { caps, hold_rows: task.splits.hold.len() as u64, finale_share, longest_row }
    }

    /// The caps.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Calls that are set aside for hold.
    #[must_use]
    pub fn hold_calls(&self) -> u64 {
        let wanted = hold_calls(self.hold_rows);
        match self.caps.calls {
            Some(cap) => wanted.min((cap as f64 * MOST_HOLD) as u64),
            None => wanted,
        }
    }

    /// Money and tokens that are set aside for hold: twice the rows at the measured mean × 1.3, and
    /// one worst case; before the first folded block the worst case for all.
    #[must_use]
    pub fn hold_amount(&self, state: &State, task: &Task) -> Amount {
        if self.hold_rows == 0 {
            return Amount::ZERO;
        }
        let worst = self.worst_task_call(state, task);
        let side = |candidate: CandidateIx| -> Option<Amount> {
            let standing = state.candidates.get(candidate.index())?;
            mean_call(standing).map(|mean| Amount {
                usd: mean.usd.saturating_mul(self.hold_rows).scaled(HOLD_MARGIN),
                tokens: scaled(Tokens(mean.tokens.0.saturating_mul(self.hold_rows))),
            })
        };
        let both = match (side(CandidateIx::BASELINE), side(state.incumbent)) {
            (Some(seed), Some(incumbent)) => seed + incumbent + worst,
            (Some(seed), None) => seed.times(2) + worst,
            _ => worst.times(hold_calls(self.hold_rows)),
        };
        let most = |cap: u64| (cap as f64 * MOST_HOLD) as u64;
        Amount {
            usd: self
                .caps
                .usd
                .map_or(both.usd, |cap| both.usd.min(Usd::from_nanos(most(cap.nanos())))),
            tokens: self
                .caps
                .tokens
                .map_or(both.tokens, |cap| both.tokens.min(Tokens(most(cap.0)))),
        }
    }

    /// Why some work does not fit, if it does not.
    #[must_use]
    pub fn misfit(
        &self,
        state: &State,
        task: &Task,
        share: Share,
        worst: Amount,
        calls: u64,
        proposals: u64,
    ) -> Option<StopReason> {
        let plan = &state.plan;
        let taken = plan.taken(Share::Search) + plan.taken(Share::Hold) + worst;
        let made = plan.calls(Share::Search) + plan.calls(Share::Hold) + calls;
        let (mut kept, mut kept_calls) = (Amount::ZERO, 0);
        if share == Share::Search {
            kept = self.hold_amount(state, task).less(plan.taken(Share::Hold));
            kept_calls = self.hold_calls();
            if state.phase == Phase::Searching {
                kept += self.finale_amount();
                kept_calls += self.caps.calls.map_or(0, |cap| self.finale_calls(cap));
            }
        }
        let total = taken + kept;
        if self.caps.usd.is_some_and(|cap| total.usd > cap) {
            return Some(StopReason::BudgetUsd);
        }
        if self.caps.calls.is_some_and(|cap| made + kept_calls > cap) {
            return Some(StopReason::BudgetCalls);
        }
        if self.caps.tokens.is_some_and(|cap| total.tokens > cap) {
            return Some(StopReason::BudgetTokens);
        }
        if proposals > 0 && self.caps.proposals.is_some_and(|cap| plan.proposals + proposals > cap)
        {
            return Some(StopReason::BudgetProposals);
        }
        None
    }

    fn finale_calls(&self, cap: u64) -> u64 {
        (cap as f64 * self.finale_share) as u64
    }

    fn finale_amount(&self) -> Amount {
        Amount {
            usd: self.caps.usd.map_or(Usd::ZERO, |cap| cap.scaled(self.finale_share)),
            tokens: self
                .caps
                .tokens
                .map_or(Tokens::ZERO, |cap| Tokens((cap.0 as f64 * self.finale_share) as u64)),
        }
    }

    /// Rollouts that the search may still issue, at the measured mean cost of one.
    #[must_use]
    pub fn remaining(&self, state: &State, task: &Task) -> Remaining {
        let answered = state.plan.answered(ModelRole::Task);
        let mean = if answered.calls > 0 {
            Amount {
                usd: Usd::from_nanos(answered.usd.nanos().div_ceil(answered.calls)),
                tokens: Tokens(answered.usage.total().0.div_ceil(answered.calls)),
            }
        } else {
            self.worst_task_call(state, task)
        };
        let kept = self.hold_amount(state, task);
        let taken = state.plan.taken(Share::Search) + kept;
        let finale = if state.phase == Phase::Searching { self.finale_share } else { 0.0 };
        let fit = |cap: u64, taken: u64, each: u64| -> u64 {
            let cap = (cap as f64 * (1.0 - finale)) as u64;
            cap.saturating_sub(taken).checked_div(each).unwrap_or(UNLIMITED)
        };
        let mut rollouts = UNLIMITED;
        let mut total = UNLIMITED;
        if let Some(cap) = self.caps.usd {
            rollouts = rollouts.min(fit(cap.nanos(), taken.usd.nanos(), mean.usd.nanos()));
            total = total.min(cap.nanos().checked_div(mean.usd.nanos()).unwrap_or(UNLIMITED));
        }
        if let Some(cap) = self.caps.tokens {
            rollouts = rollouts.min(fit(cap.0, taken.tokens.0, mean.tokens.0));
            total = total.min(cap.0.checked_div(mean.tokens.0).unwrap_or(UNLIMITED));
        }
        if let Some(cap) = self.caps.calls {
            let made = state.plan.calls(Share::Search) + self.hold_calls();
            rollouts = rollouts.min(fit(cap, made, 1));
            total = total.min(cap);
        }
        Remaining { rollouts, total_rollouts: total }
    }

    /// The worst case of one task call: the seed with the longest row.
    fn worst_task_call(&self, state: &State, task: &Task) -> Amount {
        let model = task.task_model();
        let bytes = task.layout.bytes_without_row(&task.baseline) + self.longest_row;
        let prompt = state.plan.prompt_tokens(ModelRole::Task, bytes);
        worst_case(model.price, prompt, model.max_output_tokens)
    }

    /// How many held-out rows can be confirmed when the search is over: all where they fit, fewer
    /// where less is left.
    #[must_use]
    pub fn hold_rows(&self, state: &State, task: &Task, winner: CandidateIx) -> u32 {
        // Where the seed wins, it runs alone.
        let sides = if winner == CandidateIx::BASELINE { 1 } else { 2 };
        let mut rows = self.hold_rows;
        let taken = state.plan.taken(Share::Search);
        if let Some(cap) = self.caps.calls {
            rows = rows.min(cap.saturating_sub(state.plan.calls(Share::Search)) / sides);
        }
        let worst = self.worst_task_call(state, task);
        let mean = |candidate: CandidateIx| {
            state.candidates.get(candidate.index()).and_then(mean_call).unwrap_or(worst)
        };
        let pair = if sides == 1 {
            mean(CandidateIx::BASELINE)
        } else {
            mean(CandidateIx::BASELINE) + mean(winner)
        };
        if let Some(cap) = self.caps.usd {
            let left = cap.saturating_sub(taken.usd + worst.usd);
            rows = rows.min(left.nanos().checked_div(pair.usd.nanos()).unwrap_or(rows));
        }
        if let Some(cap) = self.caps.tokens {
            let left = cap.saturating_sub(taken.tokens + worst.tokens);
            rows = rows.min(left.0.checked_div(pair.tokens.0).unwrap_or(rows));
        }
        u32::try_from(rows).unwrap_or(u32::MAX)
    }
}

fn scaled(tokens: Tokens) -> Tokens {
    Tokens((tokens.0 as f64 * HOLD_MARGIN).ceil() as u64)
}

/// The mean cost of a candidate's folded calls.
fn mean_call(standing: &CandidateState) -> Option<Amount> {
    let used = standing.used;
    (used.calls > 0).then(|| Amount {
        usd: Usd::from_nanos(used.usd.nanos().div_ceil(used.calls)),
        tokens: Tokens(used.usage.total().0.div_ceil(used.calls)),
    })
}
