//! Draws that several kinds of selection share.

use crate::id::CandidateIx;
use crate::stats::weighted;
use crate::strategy::search::Search;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Any of them.
pub(super) fn any(pool: &[CandidateIx], rng: &mut ChaCha8Rng) -> Option<CandidateIx> {
    (!pool.is_empty()).then(|| pool[rng.random_range(0..pool.len())])
}

/// In proportion to the fitness; `None` where all have none.
pub(in crate::strategy) fn by_fitness(
    search: &Search<'_>,
    pool: &[CandidateIx],
    rng: &mut ChaCha8Rng,
) -> Option<CandidateIx> {
    let fitness = |candidate: &CandidateIx| search.fitness(*candidate).unwrap_or(0.0).max(0.0);
    let weights: Vec<f64> = pool.iter().map(fitness).collect();
    weighted(&weights, rng).map(|place| pool[place])
}

/// By the number of rows on which a candidate is among the best, dominated candidates removed
/// (GEPA, arXiv:2507.19457, algorithm 2). The incumbent while nothing is finished.
pub(super) fn of_front(
    search: &Search<'_>,
    min_unique: usize,
    rng: &mut ChaCha8Rng,
) -> CandidateIx {
    let front = search.front();
    let strong: Vec<_> = front.iter().copied().filter(|(_, rows)| *rows >= min_unique).collect();
    let pool = if strong.is_empty() { front } else { strong };
    let counts: Vec<f64> = pool.iter().map(|(_, rows)| *rows as f64).collect();
    weighted(&counts, rng).map_or(search.state.incumbent, |place| pool[place].0)
}
