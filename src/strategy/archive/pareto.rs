//! `pareto`: those that are among the best on some row.

use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// Those that are among the best on some row.
    "pareto": "Those that are among the best on some row.",
    Pareto {
        /// The most candidates, the best by mean.
        capacity: usize = 24 => positive,
    }
}

impl Archive for Pareto {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.front().into_iter().map(|(candidate, _)| candidate).collect()
    }

    fn front_size(&self) -> Option<usize> {
        Some(self.capacity)
    }
}
