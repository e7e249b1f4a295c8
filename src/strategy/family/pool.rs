//! `pool`: all candidates come from `init`; nothing is bred.

use super::{LOOKAHEAD, Order, PROPOSAL_LAG, fit};
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Lookahead, Search, Slots};
use crate::strategy::space::combine;

kind! {
    /// All candidates come from `init`.
    "pool": "All candidates come from `init`; nothing is bred.",
    Pooled {
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = 32,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
    }
}

impl Family for Pooled {
    fn lookahead(&self) -> Lookahead {
        Lookahead {
            evaluations: self.lookahead,
            proposals: self.proposal_lookahead,
            lag: self.proposal_lag,
        }
    }

    fn check(&self, slots: &Slots) -> Result<(), Misuse> {
        fit::not_bred(slots)?;
        fit::all(slots)
    }

    /// Each set of demonstrations with the baseline's texts is a candidate; without demonstrations it
    /// is the baseline itself.
    fn combined(&self, search: &Search<'_>) -> Option<Draft> {
        let memory = &search.state.memory;
        let mut sets = memory.demo_sets.collected()?.iter().filter(|set| !set.is_empty());
        let set = sets.nth(memory.uses.combinations() as usize)?;
        Some(combine(search.state, CandidateIx::BASELINE, set.clone()))
    }

    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        vec![search.end(StopReason::PoolDone)]
    }
}
