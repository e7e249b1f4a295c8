//! `improve`: only a candidate that beats a certain other one.

use super::always::best_mean;
use crate::event::Event;
use crate::strategy::Plan;
use crate::strategy::search::{Accept, Search};

kind! {
    /// A child that is not better than what it competes with is not kept.
    "improve": "Only a candidate that beats a certain other one.",
    Improve {
        /// With whom it competes: the incumbent, or the member of the population whose place it
        /// would take.
        against: Against = Against::Incumbent,
        /// Whether being as good is enough.
        or_equal: bool = false,
    }
}

choice! {
    /// With whom a child competes.
    Against {
        /// The incumbent.
        Incumbent = "incumbent",
        /// The member whose place it would take.
        Slot = "slot",
    }
}

impl Accept for Improve {
    /// A child that was judged and is better than the incumbent, or as good where that is enough.
    /// A candidate becomes the incumbent at most once, so this ends.
    fn change(&self, search: &Search<'_>) -> Option<Plan> {
        if self.against == Against::Slot || !self.or_equal {
            return best_mean(search);
        }
        let state = search.state;
        let mine = search.fitness(state.incumbent)?;
        let next = state.memory.fronts.finished().iter().copied().find(|candidate| {
            let was = state.incumbents.iter().any(|(earlier, _)| earlier == candidate);
            !was && *candidate > state.incumbent
                && search.fitness(*candidate).is_some_and(|theirs| theirs >= mine - 1e-9)
        })?;
        let mean = search.fitness(next)?;
        let why = format!("mean {mean:.4}, not below {mine:.4}");
        Some(Plan::Decide(Event::IncumbentChanged { candidate: next, why }))
    }

    fn takes_place(&self, mine: f64, theirs: f64) -> bool {
        match (self.against, self.or_equal) {
            (Against::Incumbent, _) => true,
            (Against::Slot, true) => mine >= theirs - 1e-9,
            (Against::Slot, false) => mine > theirs + 1e-9,
        }
    }
}
