//! Which operator is next: by weights, or by what each has brought for its cost.

use super::State;
use crate::memory::{Cost, Gain};
use crate::recipe::{Choose, Recipe, ThompsonChoose, UcbChoose};
use crate::seed::Seed;
use crate::stats::bandit::{AsymmetricUcb, Discounted, thompson_normal};

/// The chance of each operator, up to a factor: 0 for those that may not be used. What is learnt
/// counts times the operator's weight.
pub(super) fn weights(recipe: &Recipe, state: &State, eligible: &[bool], seed: Seed) -> Vec<f64> {
    let fixed: Vec<f64> = eligible
        .iter()
        .zip(&recipe.operator)
        .map(|(eligible, operator)| if *eligible { operator.common.weight } else { 0.0 })
        .collect();
    let arms: Vec<usize> = (0..fixed.len()).filter(|place| fixed[*place] > 0.0).collect();
    let gains = state.memory.gains.results();
    let learnt = match &recipe.choose {
        Choose::Fixed(_) | Choose::Each(_) => return fixed,
        Choose::Thompson(kind) => thompson(kind, gains, &arms, seed),
        Choose::Ucb(kind) => ucb(kind, gains, &arms),
    };
    let mut weights = vec![0.0; fixed.len()];
    for (arm, chance) in arms.into_iter().zip(learnt) {
        weights[arm] = fixed[arm] * chance;
    }
    weights
}

/// Whether operators are drawn by what they brought.
pub(super) fn is_learnt(recipe: &Recipe) -> bool {
    matches!(recipe.choose, Choose::Thompson(_) | Choose::Ucb(_))
}

/// What a use cost in one unit: dollars where anything costs any, else calls.
fn price(gains: &[Gain]) -> impl Fn(&Cost) -> f64 + use<> {
    let is_paid = gains.iter().any(|gain| gain.cost.usd > 0.0);
    move |cost| if is_paid { cost.usd } else { cost.calls as f64 }
}

/// Draws from what is believed of the operators, to learn how often each of them is the best.
const DRAWS: u64 = 128;
/// The spread of gains that is believed in before there are any, and the least one later.
const SPREAD: f64 = 0.05;
/// What all operators brought together counts as so many uses of each of them.
const PRIOR: f64 = 1.0;

/// Thompson sampling (Thompson 1933) on gain per cost: the mean gain of an operator is normal around
/// its own discounted mean, shrunk to that of all; its cost is taken for known. The chance of being
/// drawn is that of being the best, and never below the floor.
fn thompson(kind: &ThompsonChoose, gains: &[Gain], arms: &[usize], seed: Seed) -> Vec<f64> {
    let price = price(gains);
    let (mut all, mut all_costs) = (Discounted::default(), Discounted::default());
    let mut own = vec![(Discounted::default(), Discounted::default()); arms.len()];
    for gain in gains {
        let (reward, cost) = (gain.over_parent.max(0.0), price(&gain.cost));
        all.push(reward);
        all_costs.push(cost);
        if let Some(arm) = arms.iter().position(|arm| *arm == usize::from(gain.operator)) {
            let (rewards, costs) = &mut own[arm];
            rewards.fade(kind.discount);
            costs.fade(kind.discount);
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
    let floor = kind.floor.min(1.0 / arms.len().max(1) as f64);
    best.iter().map(|chance| floor + (1.0 - floor * arms.len() as f64) * chance).collect()
}

/// Asymmetric upper confidence bounds (ShinkaEvolve, arXiv:2509.19349, section 3.3): the reward is what
/// a child gains over the better one of its parent and the seed, and a loss is no reward.
fn ucb(kind: &UcbChoose, gains: &[Gain], arms: &[usize]) -> Vec<f64> {
    let mut bandit = AsymmetricUcb::new(arms.len());
    bandit.c = kind.c;
    bandit.epsilon = kind.epsilon;
    bandit.decay = kind.discount;
    for gain in gains {
        if let Some(arm) = arms.iter().position(|arm| *arm == usize::from(gain.operator)) {
            bandit.result(arm, gain.over_parent.min(gain.over_seed), 0.0, 0.0);
        }
    }
    bandit.probabilities()
}

/// Uses of operators on each parent.
pub(super) fn operators_per_parent(recipe: &Recipe) -> usize {
    match &recipe.choose {
        Choose::Each(_) => {
            recipe.operator.iter().map(|operator| operator.common.weight as usize).sum()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(operator: u16, over_parent: f64, over_seed: f64, calls: u64) -> Gain {
        let cost = Cost { usd: 0.0, calls };
        Gain { operator, chance: None, over_parent, over_seed, cost }
    }

    #[test]
    fn thompson_prefers_the_same_gain_for_less_and_keeps_the_floor() {
        let kind = ThompsonChoose::default();
        let of = |gains: &[Gain]| thompson(&kind, gains, &[0, 1], Seed(1));
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
        let remembered = ThompsonChoose { discount: 1.0, ..kind.clone() };
        assert!(thompson(&remembered, &turned, &[0, 1], Seed(1))[0] > 0.9);
        let even = ThompsonChoose { floor: 0.5, ..kind.clone() };
        assert_eq!(thompson(&even, &worse, &[0, 1], Seed(1)), [0.5, 0.5]);
    }

    #[test]
    fn dollars_count_where_anything_costs_any() {
        let mut gains = vec![gain(0, 0.1, 0.1, 100), gain(1, 0.1, 0.1, 1)];
        assert_eq!(price(&gains)(&gains[0].cost), 100.0);
        gains[1].cost.usd = 0.5;
        assert_eq!(price(&gains)(&gains[0].cost), 0.0);
        assert_eq!(price(&gains)(&gains[1].cost), 0.5);
    }

    /// Section 3.3: first every arm once; then the best index has 1 − ε, the others share ε. A gain over
    /// the parent that is none over the seed is no reward.
    #[test]
    fn ucb_rewards_only_what_beats_parent_and_seed() {
        let kind = UcbChoose { c: 0.0, ..UcbChoose::default() };
        assert_eq!(ucb(&kind, &[gain(0, 0.2, 0.2, 1)], &[0, 1, 2]), [0.0, 0.5, 0.5]);
        let all = [gain(0, 0.1, 0.2, 1), gain(1, 0.5, -0.1, 1), gain(2, 0.0, 0.0, 1)];
        let chances = ucb(&kind, &all, &[0, 1, 2]);
        assert!((chances[0] - 0.8).abs() < 1e-12 && (chances[1] - 0.1).abs() < 1e-12);
        // Operators that may not be used now are no arms.
        assert_eq!(ucb(&kind, &all, &[0, 2]).len(), 2);
        assert!((ucb(&kind, &all, &[1]).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
