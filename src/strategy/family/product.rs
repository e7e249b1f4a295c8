//! `product`: candidates are combinations of an instruction and a set of demonstrations.
//!
//! `init` brings the ingredients. What is tried is a *round* that journals who takes part; which rows
//! they get follows from it. A round from 0 is a trial, later ones give more rows to whoever did well.

use super::{LOOKAHEAD, Order, PROPOSAL_LAG, fit};
use crate::event::{Event, StopReason};
use crate::grammar::Misuse;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Lookahead, Search, Slots};

kind! {
    /// What `init` brings are ingredients: instructions and sets of demonstrations. The sampler says
    /// which of them are put together and tried.
    "product": "Candidates are combinations of an instruction and a set of demonstrations.",
    Product {
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

impl Family for Product {
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

    fn combines(&self) -> bool {
        true
    }

    fn under_way(&self, search: &Search<'_>) -> Option<Vec<Plan>> {
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
