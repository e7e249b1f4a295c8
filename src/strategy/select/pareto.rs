//! `pareto`: by the number of rows on which a candidate is best.

use super::draws::of_front;
use crate::id::CandidateIx;
use crate::strategy::search::{Search, Select};
use rand_chacha::ChaCha8Rng;

kind! {
    /// Draws by the number of rows on which a candidate is among the best, dominated ones removed
    /// (GEPA; arXiv:2507.19457, algorithm 2).
    "pareto": "By the number of rows on which a candidate is best.",
    Pareto {
        /// A candidate needs this many rows on which it is among the best.
        min_unique: usize = 1,
    }
}

impl Select for Pareto {
    fn one(
        &self,
        search: &Search<'_>,
        _: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        Some(of_front(search, self.min_unique, rng))
    }
}
