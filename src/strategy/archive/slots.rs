//! `slots`: places, each with one candidate.

use crate::event::Generation;
use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// Places: a child takes the place that it was bred for, where `accept` lets it.
    "slots": "Places, each with one candidate.",
    Places {
        /// How many; filled with the best of `init`.
        capacity: usize = 10 => positive,
    }
}

impl Archive for Places {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.best_of(search.judged(), self.capacity)
    }

    /// Who holds the places may be known from the phase before.
    fn first_members(&self, search: &Search<'_>) -> Option<Vec<CandidateIx>> {
        let carried = search.state.memory.generations.carried();
        (!carried.is_empty()).then(|| carried.iter().copied().take(self.capacity).collect())
    }

    /// Each child takes the place that it was bred for, unless `accept` wants it to be better than
    /// who is there.
    fn next_members(&self, search: &Search<'_>, last: &Generation) -> Vec<CandidateIx> {
        let mut places = last.members.clone();
        let fitness = |candidate| search.fitness(candidate).unwrap_or(f64::NEG_INFINITY);
        for child in search.born() {
            let place = search.state.memory.births.of(child).place.map(usize::from);
            if let Some(place) = place.filter(|place| *place < places.len())
                && search.slots.accept.takes_place(fitness(child), fitness(places[place]))
            {
                places[place] = child;
            }
        }
        places
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.capacity)
    }
}
