//! `steady`: children are bred continuously.

use super::fit;
use crate::event::{Draft, StopReason};
use crate::grammar::Misuse;
use crate::strategy::search::{Family, Paced, Search, Slots};
use crate::strategy::{Lookahead, Order, Plan};

/// The most candidates that are tried side by side. More of them would be written from an older incumbent, and
/// their blocks keep as many requests busy as most providers take.
const TRIED: usize = 3;

kind! {
    /// Children are bred until something stops the run.
    "steady": "Children are bred continuously.",
    Steady {
        /// Children that are bred side by side: fewer decide on fresher knowledge, more take less time. At most
        /// this many proposals are out, and at most three candidates are tried at a time. 0 = chosen when a run
        /// starts, from its concurrency and its budget, and the same from then on.
        width: usize = 0 => [0.0, 4_096.0],
        /// Evaluations that may be issued and not folded.
        lookahead: usize = 128 => [1.0, 1_000_000.0],
        /// In which order results are folded. With `arrival` more requests are busy, and a killed run goes on from
        /// what its journal has, but the same seed and the same answers may give another run.
        order: Order = Order::Issue,
    }
}

impl Paced for Steady {
    fn lookahead(&self) -> Lookahead {
        let (evaluations, proposals) = (self.lookahead, self.width.max(1));
        Lookahead { evaluations, proposals, tried: self.tried(), order: self.order }
    }

    fn width(&self) -> Option<usize> {
        Some(self.width)
    }
}

impl Steady {
    fn tried(&self) -> usize {
        let width = self.width.max(1);
        (width + width / 2).min(TRIED)
    }
}

/// Whether the budget is likely to have room for another child after those that are under way, at what
/// children cost so far.
fn can_try_another(search: &Search<'_>) -> bool {
    let state = search.state;
    let (decided, under_way) =
        (state.memory.turns.decided(), state.proposals_out() + state.open.len());
    let known = f64::from(decided);
    decided == 0 || under_way == 0 || (known + under_way as f64) * search.remaining.spent < known
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
        let state = search.state;
        state.waiting() < self.width.max(1)
            && state.open.len() < self.tried()
            && can_try_another(search)
    }

    fn bred(&self, search: &Search<'_>) -> Option<Draft> {
        search.next_use()
    }

    /// Nothing is left to do.
    fn judged(&self, search: &Search<'_>) -> Vec<Plan> {
        vec![search.end(StopReason::PoolDone)]
    }
}
