//! `uniform`: any earlier candidate.

use super::draws::any;
use crate::id::CandidateIx;
use crate::strategy::search::{Search, Select};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

kind! {
    /// Uniform over what the archive keeps; with `any`, over all earlier candidates, dropped ones
    /// included.
    "uniform": "Any earlier candidate.",
    Uniform {
        /// All earlier candidates, dropped ones included.
        any: bool = false,
    }
}

impl Select for Uniform {
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        if !self.any {
            return any(pool, rng);
        }
        let count = u32::try_from(search.state.candidates.len()).ok()?;
        (count > 0).then(|| CandidateIx(rng.random_range(0..count)))
    }
}
