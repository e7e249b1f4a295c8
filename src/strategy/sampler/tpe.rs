//! `tpe`: tree-structured Parzen estimators.

use crate::stats::tpe::{self, Tpe};
use crate::strategy::search::{Sampler, Search, Trial};
use crate::strategy::space::Combination;

/// Draws of the estimator until one is among the choices; what it favours may all be taken.
const ATTEMPTS: u64 = 64;

kind! {
    /// Multivariate tree-structured Parzen estimators over the two lists (Bergstra et al. 2011; as
    /// MIPROv2 uses them, arXiv:2406.11695, section 3.2).
    "tpe": "Tree-structured Parzen estimators.",
    TreeParzen {
        /// Random trials before the first estimate.
        startup: usize = 10,
        /// Combinations drawn for each trial.
        draws: usize = 24 => positive,
    }
}

impl Sampler for TreeParzen {
    fn observations(&self) -> Option<usize> {
        Some(self.startup)
    }

    /// What it asks for again gets other rows.
    fn repeats(&self) -> bool {
        true
    }

    fn suggest(&self, _: &Search<'_>, trial: &Trial<'_>) -> Option<Combination> {
        let sizes = [trial.space.texts.len(), trial.space.sets.len()];
        let history: Vec<(Vec<usize>, f64)> = trial
            .known
            .iter()
            .map(|seen| (vec![seen.combination.text, seen.combination.set], seen.mean))
            .collect();
        let estimator = Tpe { startup: self.startup, draws: self.draws as u64 };
        (0..ATTEMPTS).find_map(|attempt| {
            let seed = trial.seed.child("attempt", attempt);
            let drawn = tpe::suggest(estimator, &history, &sizes, seed);
            let drawn = Combination { text: *drawn.first()?, set: *drawn.get(1)? };
            trial.choices.contains(&drawn).then_some(drawn)
        })
    }
}
