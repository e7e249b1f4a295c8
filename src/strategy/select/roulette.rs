//! `roulette`: in proportion to the score.

use super::draws::{any, by_fitness};
use crate::id::CandidateIx;
use crate::strategy::search::{Search, Select};
use rand_chacha::ChaCha8Rng;

kind! {
    /// In proportion to the score, with replacement between children, two different ones for one
    /// child (EvoPrompt; arXiv:2309.08532, section 3.2).
    "roulette": "In proportion to the score.",
    Roulette {}
}

impl Select for Roulette {
    /// Where nothing has a score, all are alike.
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        by_fitness(search, pool, rng).or_else(|| any(pool, rng))
    }
}
