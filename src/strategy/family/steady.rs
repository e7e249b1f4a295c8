//! `steady`: children are bred continuously.

use super::fit;
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::strategy::Plan;
use crate::strategy::search::{Family, Search, Slots};

family! {
    /// Children are bred until something stops the run.
    "steady": "Children are bred continuously.",
    Steady, 4 ahead {
        /// No proposal while this many candidates have no folded block.
        waiting: usize = 4 => positive,
        /// No proposal while this many children may still get rows: fewer decide on fresher
        /// knowledge, more keep more requests busy.
        open: usize = 1_000_000 => positive,
    }
}

impl Family for Steady {
    fn check(&self, slots: &Slots) -> Result<(), Misuse> {
        fit::bred(slots)?;
        fit::one_by_one(slots)?;
        fit::child_by_child(slots)?;
        fit::all(slots)
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
