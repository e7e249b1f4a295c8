//! `product`: candidates are combinations of an instruction and a set of demonstrations.
//!
//! `init` brings the ingredients. What is tried is a *round* that journals who takes part; which rows
//! they get follows from it. A round from 0 is a trial, later ones give more rows to whoever did well.

use super::fit;
use crate::event::{Event, StopReason};
use crate::grammar::Misuse;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Search, Slots};

family! {
    /// What `init` brings are ingredients: instructions and sets of demonstrations. The sampler says
    /// which of them are put together and tried.
    "product": "Candidates are combinations of an instruction and a set of demonstrations.",
    Product, 32 ahead {
    }
}

impl Family for Product {
    fn check(&self, slots: &Slots) -> Result<(), Misuse> {
        fit::not_bred(slots)?;
        fit::all(slots)
    }

    fn combines(&self) -> bool {
        true
    }

    fn trial(&self, search: &Search<'_>) -> Option<Vec<Plan>> {
        search.trial_under_way()
    }

    fn owed(&self, search: &Search<'_>) -> Option<Plan> {
        search.slots.evaluate.trials()?.promotion(search)
    }

    /// Ingredients are tried when a sampler says so.
    fn holds_back(&self, _: &Search<'_>, candidate: CandidateIx) -> bool {
        candidate != CandidateIx::BASELINE
    }

    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        let trials = search.slots.evaluate.trials();
        let next = trials.and_then(|trials| trials.next(search, &search.space()));
        let reason = StopReason::PoolDone;
        vec![next.unwrap_or(Plan::Decide(Event::SearchEnded { reason }))]
    }
}
