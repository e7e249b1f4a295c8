//! `softmax`: by a softmax of the score.

use crate::id::CandidateIx;
use crate::stats::weighted;
use crate::strategy::search::{Search, Select};
use rand_chacha::ChaCha8Rng;

kind! {
    /// By a softmax of the mean scores of the best few (SIMBA).
    "softmax": "By a softmax of the score.",
    Softmax {
        /// The temperature, in points of score.
        temperature: f64 = 0.2 => not_negative,
        /// How many of the best take part; the baseline does in any case, in place of the last one.
        top: usize = 6 => positive,
    }
}

impl Select for Softmax {
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        let (best, weights) = self.shares(search, pool);
        weighted(&weights, rng).map(|place| best[place])
    }

    /// The best few with the baseline, and the chance of each up to a factor: e^(score / temperature)
    /// (SIMBA's `top_k_plus_baseline` and `softmax_sample`).
    fn shares(&self, search: &Search<'_>, pool: &[CandidateIx]) -> (Vec<CandidateIx>, Vec<f64>) {
        let fit = |candidate: &CandidateIx| search.fitness(*candidate).unwrap_or(0.0);
        let mut best = search.best_of(pool.iter().copied(), self.top);
        if !best.contains(&CandidateIx::BASELINE) {
            best.truncate(self.top.saturating_sub(1));
            best.push(CandidateIx::BASELINE);
        }
        let top = best.iter().map(fit).fold(f64::NEG_INFINITY, f64::max);
        let weight = |candidate| ((fit(candidate) - top) / self.temperature.max(1e-6)).exp();
        let weights = best.iter().map(weight).collect();
        (best, weights)
    }
}
