//! `pool`: all candidates come from `init`; nothing is bred.

use super::fit;
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Search, Slots};
use crate::strategy::space::combine;

family! {
    /// All candidates come from `init`.
    "pool": "All candidates come from `init`; nothing is bred.",
    Pooled, 32 ahead {
    }
}

impl Family for Pooled {
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
