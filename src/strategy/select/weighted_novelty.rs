//! `weighted_novelty`: better than the median, and not bred from yet.

use crate::id::CandidateIx;
use crate::stats::weighted;
use crate::strategy::search::{Search, Select};
use rand_chacha::ChaCha8Rng;

kind! {
    /// Weight sigmoid(lambda × (score − median) / MAD) / (1 + children) (ShinkaEvolve;
    /// arXiv:2509.19349, section 3.1).
    "weighted_novelty": "Better than the median, and not bred from yet.",
    WeightedNovelty {
        /// Steepness.
        lambda: f64 = 10.0 => not_negative,
    }
}

impl Select for WeightedNovelty {
    fn one(
        &self,
        search: &Search<'_>,
        pool: &[CandidateIx],
        rng: &mut ChaCha8Rng,
    ) -> Option<CandidateIx> {
        let fit = |candidate: &CandidateIx| search.fitness(*candidate).unwrap_or(0.0);
        let scores: Vec<f64> = pool.iter().map(fit).collect();
        let middle = median(&scores)?;
        let spread = median(&scores.iter().map(|s| (s - middle).abs()).collect::<Vec<f64>>())?;
        let weights: Vec<f64> = pool
            .iter()
            .zip(&scores)
            .map(|(candidate, score)| {
                let z = self.lambda * (score - middle) / spread.max(1e-6);
                let children = search.state.memory.children.of(*candidate);
                1.0 / (1.0 + (-z).exp()) / (1.0 + f64::from(children))
            })
            .collect();
        weighted(&weights, rng).map(|place| pool[place])
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}
