//! `steady`: children are bred continuously.

use super::fit;
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::strategy::search::{Family, Paced, Search, Slots};
use crate::strategy::{Lookahead, Plan};

kind! {
    /// Children are bred until something stops the run.
    "steady": "Children are bred continuously.",
    Steady {
        /// Children that are bred and tried side by side: fewer decide on fresher knowledge, more keep more
        /// requests busy. At most this many proposals are out, this many candidates have no folded block,
        /// and half as many more may still get rows. 0 = chosen when a run starts, from its concurrency and
        /// its budget, and the same from then on.
        width: usize = 0 => [0.0, 4_096.0],
        /// Evaluations that may be issued and not folded.
        lookahead: usize = 128 => [1.0, 1_000_000.0],
        /// A proposal is folded at the latest when this many evaluations were folded since its issue.
        proposal_lag: u64 = 64,
    }
}

impl Paced for Steady {
    fn lookahead(&self) -> Lookahead {
        let (evaluations, proposals) = (self.lookahead, self.width.max(1));
        Lookahead { evaluations, proposals, lag: self.proposal_lag }
    }

    fn width(&self) -> Option<usize> {
        Some(self.width)
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
        let width = self.width.max(1);
        search.state.waiting() < width && search.state.open.len() < width + width / 2
    }

    fn bred(&self, search: &Search<'_>) -> Option<Draft> {
        search.next_use()
    }

    /// Nothing is left to do.
    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        vec![search.end(StopReason::PoolDone)]
    }
}
