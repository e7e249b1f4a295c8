//! `top_k`: the best few.

use crate::event::Generation;
use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// The best of population and children together (μ + λ).
    "top_k": "The best few.",
    TopK {
        /// How many.
        capacity: usize = 10 => positive,
    }
}

impl Archive for TopK {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.best_of(search.judged(), self.capacity)
    }

    /// A contest has already said who is left.
    fn first_members(&self, search: &Search<'_>) -> Option<Vec<CandidateIx>> {
        let survivors = search.state.memory.contests.survivors();
        (search.slots.evaluate.rounds().is_some() && !survivors.is_empty())
            .then(|| survivors.iter().copied().take(self.capacity).collect())
    }

    fn next_members(&self, search: &Search<'_>, last: &Generation) -> Vec<CandidateIx> {
        self.first_members(search).unwrap_or_else(|| {
            search.best_of(last.members.iter().copied().chain(search.born()), self.capacity)
        })
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.capacity)
    }

    fn survivors(&self) -> Option<usize> {
        Some(self.capacity)
    }
}
