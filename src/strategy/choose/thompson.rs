//! `thompson`: by what each brought for its cost, drawn from what is believed of it.

use crate::memory::Gain;
use crate::seed::Seed;
use crate::stats::bandit::{Discounted, thompson_normal};
use crate::strategy::search::Choose;

kind! {
    /// Thompson sampling on gain per cost: the children of an operator have brought gains over their
    /// parents, older ones count less, and its chance is that of being the best, times its weight.
    "thompson": "By what each brought for its cost, drawn from what is believed of it.",
    Thompson {
        /// What an older gain counts for each later one of the same operator.
        discount: f64 = 0.95 => share,
        /// The least chance of each.
        floor: f64 = 0.05 => share,
    }
}

/// Draws from what is believed of the operators, to learn how often each of them is the best.
const DRAWS: u64 = 128;
/// The spread of gains that is believed in before there are any, and the least one later.
const SPREAD: f64 = 0.05;
/// The mean result of all operators counts as this many uses of each.
const PRIOR: f64 = 1.0;

impl Choose for Thompson {
    fn learns(&self) -> bool {
        true
    }

    /// Thompson sampling (Thompson 1933) on gain per cost: the mean gain of an operator is normal around
    /// its own discounted mean, shrunk to that of all; its cost is taken for known. The chance of being
    /// drawn is that of being the best, and never below the floor.
    fn chances(&self, gains: &[Gain], arms: &[usize], seed: Seed) -> Option<Vec<f64>> {
        let (mut all, mut all_costs) = (Discounted::default(), Discounted::default());
        let mut own = vec![(Discounted::default(), Discounted::default()); arms.len()];
        for gain in gains {
            let (reward, cost) = (gain.over_parent.max(0.0), gain.usd);
            all.push(reward);
            all_costs.push(cost);
            if let Some(arm) = arms.iter().position(|arm| *arm == gain.operator()) {
                let (rewards, costs) = &mut own[arm];
                rewards.fade(self.discount);
                costs.fade(self.discount);
                rewards.push(reward);
                costs.push(cost);
            }
        }
        let spread = all.variance().unwrap_or(0.0).max(SPREAD * SPREAD);
        let shrunk = |own: &Discounted, all: &Discounted| {
            (own.sum + PRIOR * all.mean().unwrap_or(0.0)) / (own.weight + PRIOR)
        };
        let believed: Vec<(f64, f64, f64)> = own
            .iter()
            .map(|(rewards, costs)| {
                let variance = spread / (rewards.weight + PRIOR);
                (shrunk(rewards, &all), variance, shrunk(costs, &all_costs))
            })
            .collect();
        let mut best = vec![0.0; arms.len()];
        for draw in 0..DRAWS {
            let seed = seed.child("thompson", draw);
            let rates = believed.iter().zip(0..).map(|((mean, variance, cost), arm)| {
                // An operator that has cost nothing is no better than one that costs next to nothing.
                thompson_normal(*mean, *variance, seed.child("arm", arm)) / cost.max(1e-12)
            });
            let winner = rates.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((winner, _)) = winner {
                best[winner] += 1.0 / DRAWS as f64;
            }
        }
        let floor = self.floor.min(1.0 / arms.len().max(1) as f64);
        let chance = |best: &f64| floor + (1.0 - floor * arms.len() as f64) * best;
        Some(best.iter().map(chance).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(operator: u16, over_parent: f64, over_baseline: f64, calls: u64) -> Gain {
        let usd = calls as f64 * 1e-4;
        Gain { operator, chance: None, over_parent, over_baseline, usd }
    }

    #[test]
    fn thompson_prefers_the_same_gain_for_less_and_keeps_the_floor() {
        let kind = Thompson::default();
        let of = |gains: &[Gain]| kind.chances(gains, &[0, 1], Seed(1)).unwrap();
        let sums_to_one = |chances: &[f64]| (chances.iter().sum::<f64>() - 1.0).abs() < 1e-9;
        // Nothing is known: either is as likely as the other, as far as 128 draws tell.
        let none = of(&[]);
        assert!(none.iter().all(|chance| (0.3..0.7).contains(chance)) && sums_to_one(&none));
        // Both bring ten points, one at a tenth of the cost.
        let alike: Vec<Gain> =
            (0..20).flat_map(|_| [gain(0, 0.1, 0.1, 10), gain(1, 0.1, 0.1, 100)]).collect();
        let cheap = of(&alike);
        assert!(cheap[0] > 0.9 && cheap[1] >= kind.floor && sums_to_one(&cheap), "{cheap:?}");
        // One brings nothing, or worse; a loss counts as nothing.
        let worse: Vec<Gain> =
            (0..20).flat_map(|_| [gain(0, -0.5, 0.0, 10), gain(1, 0.1, 0.1, 10)]).collect();
        assert!(of(&worse)[1] > 0.9);
        // What it brought long ago counts for little.
        let turned: Vec<Gain> = (0..120)
            .flat_map(|n| {
                let (first, second) = if n < 60 { (0.2, 0.0) } else { (0.0, 0.1) };
                [gain(0, first, 0.0, 10), gain(1, second, 0.0, 10)]
            })
            .collect();
        assert!(of(&turned)[1] > 0.9, "{:?}", of(&turned));
        let remembered = Thompson { discount: 1.0, ..kind.clone() };
        assert!(remembered.chances(&turned, &[0, 1], Seed(1)).unwrap()[0] > 0.9);
        let even = Thompson { floor: 0.5, ..kind.clone() };
        assert_eq!(even.chances(&worse, &[0, 1], Seed(1)).unwrap(), [0.5, 0.5]);
    }
}
