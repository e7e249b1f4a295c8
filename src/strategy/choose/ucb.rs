//! `ucb`: by an upper confidence bound of what each brought.

use crate::memory::Gain;
use crate::seed::Seed;
use crate::stats::bandit::AsymmetricUcb;
use crate::strategy::search::Choose;

kind! {
    /// Asymmetric upper confidence bounds: only gains over parent and baseline count; chances are times
    /// the weights of the operators (ShinkaEvolve; arXiv:2509.19349, section 3.3).
    "ucb": "By an upper confidence bound of what each brought.",
    Ucb {
        /// The weight of exploration.
        c: f64 = 1.0 => not_negative,
        /// The chance of any of them.
        epsilon: f64 = 0.2 => share,
        /// What an older gain counts for each later child.
        discount: f64 = 0.95 => share,
    }
}

impl Choose for Ucb {
    fn learns(&self) -> bool {
        true
    }

    /// Asymmetric upper confidence bounds (ShinkaEvolve, arXiv:2509.19349, section 3.3): the reward is what
    /// a child gains over the better one of its parent and the seed, and a loss is no reward.
    fn chances(&self, gains: &[Gain], arms: &[usize], _: Seed) -> Option<Vec<f64>> {
        let mut bandit = AsymmetricUcb::new(arms.len());
        bandit.c = self.c;
        bandit.epsilon = self.epsilon;
        bandit.decay = self.discount;
        for gain in gains {
            if let Some(arm) = arms.iter().position(|arm| *arm == gain.operator()) {
                bandit.result(arm, gain.over_parent.min(gain.over_baseline), 0.0, 0.0);
            }
        }
        Some(bandit.probabilities())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(operator: u16, over_parent: f64, over_baseline: f64, calls: u64) -> Gain {
        let usd = calls as f64 * 1e-4;
        Gain { operator, chance: None, over_parent, over_baseline, usd }
    }

    /// Section 3.3: first every arm once; then the best index has 1 − ε, the others share ε. A gain over
    /// the parent that is none over the seed is no reward.
    #[test]
    fn ucb_rewards_only_what_beats_parent_and_seed() {
        let kind = Ucb { c: 0.0, ..Ucb::default() };
        let of = |gains: &[Gain], arms: &[usize]| kind.chances(gains, arms, Seed(1)).unwrap();
        assert_eq!(of(&[gain(0, 0.2, 0.2, 1)], &[0, 1, 2]), [0.0, 0.5, 0.5]);
        let all = [gain(0, 0.1, 0.2, 1), gain(1, 0.5, -0.1, 1), gain(2, 0.0, 0.0, 1)];
        let chances = of(&all, &[0, 1, 2]);
        assert!((chances[0] - 0.8).abs() < 1e-12 && (chances[1] - 0.1).abs() < 1e-12);
        // Operators that may not be used now are no arms.
        assert_eq!(of(&all, &[0, 2]).len(), 2);
        assert!((of(&all, &[1]).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
