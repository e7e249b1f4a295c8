//! `ucb`: by an upper confidence bound of what each mutator's children gained, whatever they cost.

use crate::id::MutatorIx;
use crate::memory::Mutators;
use crate::seed::Seed;
use crate::stats::bandit::AsymmetricUcb;
use crate::strategy::search::Writers;

kind! {
    /// Asymmetric upper confidence bounds: only gains over parent and baseline count, and dollars do not;
    /// chances are times the weights of the mutators (ShinkaEvolve; arXiv:2509.19349, section 3.3).
    "ucb": "By an upper confidence bound of what each brought.",
    Ucb {
        /// The weight of exploration.
        c: f64 = 1.0 => not_negative,
        /// The chance of all but the best together.
        epsilon: f64 = 0.2 => share,
        /// What an older gain counts for each later child.
        discount: f64 = 0.95 => share,
    }
}

impl Writers for Ucb {
    /// The reward is what a child gains over the better one of its parent and the baseline; a loss, or
    /// no child, is no reward.
    fn chances(&self, earned: &Mutators, arms: &[MutatorIx], _: Seed) -> Option<Vec<f64>> {
        let mut bandit = AsymmetricUcb::new(arms.len());
        bandit.c = self.c;
        bandit.epsilon = self.epsilon;
        bandit.decay = self.discount;
        for child in earned.written() {
            if let Some(arm) = arms.iter().position(|arm| *arm == child.mutator) {
                bandit.result(arm, child.over_parent.min(child.over_baseline), 0.0, 0.0);
            }
        }
        Some(bandit.probabilities())
    }
}
