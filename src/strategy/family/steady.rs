//! `steady`: children are bred all the time.

use super::{LOOKAHEAD, Order, PROPOSAL_LAG, fit};
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Lookahead, Search, Slots};

kind! {
    /// Children are bred until something stops the run.
    "steady": "Children are bred all the time.",
    Steady {
        /// `issue`: decisions never depend on what has arrived.
        order: Order = Order::Issue,
        /// Evaluations that may be issued and not folded.
        lookahead: usize = LOOKAHEAD,
        /// Proposals that may be drafted or issued and not folded.
        proposal_lookahead: usize = 4,
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = PROPOSAL_LAG,
        /// No proposal while this many candidates have no folded block.
        waiting: usize = 4,
        /// No proposal while this many children may still get rows: fewer decide on fresher
        /// knowledge, more keep more requests busy.
        open: usize = 1_000_000,
    }
}

impl Family for Steady {
    fn lookahead(&self) -> Lookahead {
        Lookahead {
            evaluations: self.lookahead,
            proposals: self.proposal_lookahead,
            lag: self.proposal_lag,
        }
    }

    fn check(&self, slots: &Slots) -> Result<(), Misuse> {
        fit::bred(slots)?;
        fit::one_by_one(slots)?;
        fit::all(slots)?;
        fit::busy(self.waiting > 0 && self.open > 0)
    }

    fn breeds(&self) -> bool {
        true
    }

    fn has_room(&self, search: &Search<'_>) -> bool {
        search.state.waiting() < self.waiting && search.state.open.len() < self.open
    }

    fn bred(&self, search: &Search<'_>) -> Option<Draft> {
        search.next_use()
    }

    /// Nothing is left to do.
    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        vec![search.end(StopReason::PoolDone)]
    }
}
