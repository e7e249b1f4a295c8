//! Multi-armed bandits: which arm to pull next, by indices, rejections and weights.
//!
//! For spending rows on a pool of candidates, and for choosing among operators, mutators or
//! islands. An arm's *pulls* are the number of its trials; its *mean* is the mean of its rewards,
//! in `[0, 1]` unless stated otherwise. Not for claims: the means of preferred arms are biased
//! upwards.

use crate::seed::Seed;
use rand::Rng;
use rand_distr::{Beta, Distribution, Gamma, StandardNormal};
use serde::{Deserialize, Serialize};

/// Added to the pulls in [`ucb`], so that an arm without pulls has a finite index.
const PULL: f64 = 1e-3;

/// The upper confidence bound μ + c √(ln(total) / (pulls + 0.001)), at least `mean`.
///
/// UCB1 of Auer, Cesa-Bianchi and Fischer (2002), *Finite-time analysis of the multiarmed bandit
/// problem*, section 2, where c = √2, as it is used by APE (Zhou et al. 2022, appendix) and ProTeGi
/// (Pryzant et al. 2023, algorithm 3) with c = 1. `total` is the pulls of all arms; both counts may
/// be discounted ones. With a total of at most 1, the index is the mean.
#[must_use]
pub fn ucb(mean: f64, pulls: f64, total: f64, c: f64) -> f64 {
    mean + c * (total.max(1.0).ln() / (pulls.max(0.0) + PULL)).sqrt()
}

/// The index μ + √(a / pulls) of UCB-E; infinite without pulls.
///
/// Audibert, Bubeck and Munos (2010), *Best arm identification in multi-armed bandits*, figure 1.
/// A good value of a is about 25 n / 36 H for n pulls in all and arms of hardness H = Σ 1/Δ².
#[must_use]
pub fn ucb_e(mean: f64, pulls: f64, a: f64) -> f64 {
    if pulls > 0.0 { mean + (a / pulls).sqrt() } else { f64::INFINITY }
}

/// ½ + Σ 1/i for i from 2 to `arms`: the normaliser of [`successive_rejects`] and [`reject`]. For 2
/// arms it is 1.
#[must_use]
pub fn log_bar(arms: usize) -> f64 {
    0.5 + (2..=arms).map(|i| 1.0 / i as f64).sum::<f64>()
}

/// G(β) = 1/√β − 1: the gap above which [`reject`] rejects. Infinite at β = 0, 0 at 1, above −1.
#[must_use]
pub fn rejection_gap(beta: f64) -> f64 {
    1.0 / beta.max(0.0).sqrt() - 1.0
}

/// The gap that [`reject`] uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejects {
    /// CR-A: from the worst arm to the mean of the others.
    Average,
    /// CR-C: from the worst arm to the next, which is more cautious.
    Closest,
}

/// Continuous rejects: the arm that may be rejected now, if any, as a position in `means`.
///
/// Wang, Tzeng and Proutiere (2023), *Best arm identification with fixed budget: a large deviation
/// perspective*, algorithm 1, as in TRIPLE-CR (Shi et al. 2024). `means` and `pulls` are those of
/// the arms still active, `rejected_pulls` those of the rejected arms, `budget` the total of all
/// pulls. The worst arm ℓ is rejected if it has more pulls than any rejected arm, and its gap
/// exceeds G(β) with β = Σ pulls · log_bar(active) / (budget − Σ rejected pulls). Call it after
/// each pull of the least-pulled active arm. The last arm is never rejected; of equal arms, the
/// last one is.
#[must_use]
pub fn reject(
    means: &[f64],
    pulls: &[usize],
    rejected_pulls: &[usize],
    budget: usize,
    rule: Rejects,
) -> Option<usize> {
    let arms = means.len();
    if arms < 2 || pulls.len() != arms || means.iter().any(|mean| mean.is_nan()) {
        return None;
    }
    let worst = (0..arms).rev().min_by(|a, b| means[*a].total_cmp(&means[*b]))?;
    if rejected_pulls.iter().any(|rejected| pulls[worst] <= *rejected) || pulls[worst] == 0 {
        return None;
    }
    let others = || (0..arms).filter(|arm| *arm != worst).map(|arm| means[arm]);
    let from = match rule {
        Rejects::Average => others().sum::<f64>() / (arms - 1) as f64,
        Rejects::Closest => others().fold(f64::INFINITY, f64::min),
    };
    let left = budget.saturating_sub(rejected_pulls.iter().sum()) as f64;
    let beta = pulls.iter().sum::<usize>() as f64 * log_bar(arms) / left;
    (from - means[worst] > rejection_gap(beta)).then_some(worst)
}

/// Successive rejects: the pulls of each remaining arm in each of the `arms` − 1 phases, after
/// which the worst arm is rejected.
///
/// Audibert, Bubeck and Munos (2010), figure 3: an arm that is rejected after phase k has nₖ =
/// ⌈(budget − arms) / (log_bar(arms) (arms + 1 − k))⌉ pulls; the result holds the steps nₖ − nₖ₋₁.
/// All phases together stay within `budget`. Empty below two arms; zeros if the budget has no pull
/// for every arm.
#[must_use]
pub fn successive_rejects(arms: usize, budget: usize) -> Vec<usize> {
    let spare = budget.saturating_sub(arms) as f64 / log_bar(arms);
    let mut before = 0;
    (1..arms)
        .map(|phase| {
            let pulls = (spare / (arms + 1 - phase) as f64).ceil() as usize;
            pulls - std::mem::replace(&mut before, pulls)
        })
        .collect()
}

/// A Thompson draw for rewards of 0 and 1, in `[0, 1]`: Beta(`successes` + 1, `failures` + 1), the
/// posterior under a uniform prior (Thompson 1933). Counts may be fractions; below 0 they are 0.
#[must_use]
pub fn thompson_beta(successes: f64, failures: f64, seed: Seed) -> f64 {
    let shape = |count: f64| if count.is_finite() { count.max(0.0) + 1.0 } else { 1.0 };
    // Shapes of 1 and above are always valid; the mean is only a fallback.
    let (a, b) = (shape(successes), shape(failures));
    Beta::new(a, b).map_or(a / (a + b), |beta| beta.sample(&mut seed.rng()))
}

/// A Thompson draw from a normal posterior N(`mean`, `variance`); a variance that is not above 0
/// gives the mean.
#[must_use]
pub fn thompson_normal(mean: f64, variance: f64, seed: Seed) -> f64 {
    let z: f64 = StandardNormal.sample(&mut seed.rng());
    mean + variance.max(0.0).sqrt() * z
}

/// A Thompson draw of a rate, 0 or more: Gamma(`shape`, `rate`), with mean shape / rate. Both are above
/// 0, or the mean is returned.
#[must_use]
pub fn thompson_gamma(shape: f64, rate: f64, rng: &mut impl Rng) -> f64 {
    Gamma::new(shape, rate.recip()).map_or(shape / rate, |gamma| gamma.sample(rng))
}

/// The position drawn from weights (0 or more, of any sum), `None` if they are all 0 or one is not
/// finite.
#[must_use]
pub fn draw(weights: &[f64], seed: Seed) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if !total.is_finite() || total <= 0.0 || weights.iter().any(|w| *w < 0.0) {
        return None;
    }
    let mut left = seed.rng().random::<f64>() * total;
    let chosen = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    // Rounding may leave a small remainder, which belongs to the last arm that can be drawn.
    chosen.or_else(|| weights.iter().rposition(|weight| *weight > 0.0))
}

/// Exponential weights for arms whose rewards may change as the search goes on.
///
/// Discounted sums of rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Discounted {
    /// Σ of the weights, which is the number of rewards without a discount.
    pub weight: f64,
    /// Σ of weight × reward.
    pub sum: f64,
    /// Σ of weight × reward².
    pub sum_of_squares: f64,
}

impl Discounted {
    /// Multiplies all sums by `factor` in `[0, 1]` (clamped).
    pub fn fade(&mut self, factor: f64) {
        let factor = factor.clamp(0.0, 1.0);
        self.weight *= factor;
        self.sum *= factor;
        self.sum_of_squares *= factor;
    }

    /// Adds a reward of weight 1; one that is not finite is left out.
    pub fn push(&mut self, reward: f64) {
        if reward.is_finite() {
            self.weight += 1.0;
            self.sum += reward;
            self.sum_of_squares += reward * reward;
        }
    }

    /// The weighted mean; `None` without rewards.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// The weighted variance (divisor Σ weight); `None` without rewards.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let mean = self.mean()?;
        Some((self.sum_of_squares / self.weight - mean * mean).max(0.0))
    }
}

/// Chooses mutators by upper confidence bounds on gains, where a loss counts as 0: ShinkaEvolve
/// (Lange et al. 2025), section 3.3.
///
/// The reward is max(0, f − max(parent, baseline)), transformed to e^reward − 1 so that one large
/// gain counts more than several small ones; every reward discounts the sums of all arms by 0.95;
/// means are relative to the largest reward, which is also discounted; and the index is
/// mean + c √(2 ln t / pulls) with undiscounted pulls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsymmetricUcb {
    /// Rewards, one per arm.
    pub arms: Vec<Discounted>,
    /// Results, one per arm, undiscounted.
    pub pulls: Vec<usize>,
    /// The largest reward, discounted.
    pub largest: f64,
    /// c, 0 or more.
    pub c: f64,
    /// ε in `[0, 1]`: the probability of an arm that is not the best.
    pub epsilon: f64,
    /// The discount per reward, in `[0, 1]`.
    pub decay: f64,
}

impl AsymmetricUcb {
    /// No results yet, with the published c = 1, ε = 0.2 and decay = 0.95.
    #[must_use]
    pub fn new(arms: usize) -> Self {
        Self {
            arms: vec![Discounted::default(); arms],
            pulls: vec![0; arms],
            largest: 0.0,
            c: 1.0,
            epsilon: 0.2,
            decay: 0.95,
        }
    }

    /// Adds a result: `arm` made a child that scored `score` from a parent that scored `parent`.
    /// `baseline` is a score that must be beaten in any case, such as the baseline's. A score that
    /// is not finite counts as no gain. An unknown arm changes nothing.
    pub fn result(&mut self, arm: usize, score: f64, parent: f64, baseline: f64) {
        if arm >= self.arms.len() {
            return;
        }
        let gain = (score - parent.max(baseline)).max(0.0);
        let reward = if gain.is_finite() { gain.exp_m1().min(f64::MAX) } else { 0.0 };
        self.arms.iter_mut().for_each(|arm| arm.fade(self.decay));
        self.largest = (self.largest * self.decay).max(reward);
        self.arms[arm].push(reward);
        self.pulls[arm] += 1;
    }

    /// The index of each arm; infinite for one without results.
    #[must_use]
    pub fn indices(&self) -> Vec<f64> {
        let total = (self.pulls.iter().sum::<usize>() as f64).max(2.0);
        let of = |(arm, pulls): (&Discounted, &usize)| {
            let mean = arm.mean().unwrap_or(0.0);
            let relative = if self.largest > 0.0 { mean / self.largest } else { 0.0 };
            match pulls {
                0 => f64::INFINITY,
                pulls => relative.min(1.0) + self.c * (2.0 * total.ln() / *pulls as f64).sqrt(),
            }
        };
        self.arms.iter().zip(&self.pulls).map(of).collect()
    }

    /// The probability of each arm: the best by index share 1 − ε, the others ε. As long as some
    /// arms have no results, only those arms are drawn.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let indices = self.indices();
        let most = indices.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best = indices.iter().filter(|index| **index == most).count();
        let others = indices.len() - best;
        let epsilon = if others == 0 || most.is_infinite() { 0.0 } else { self.epsilon };
        let share = |index: f64| match index == most {
            true => (1.0 - epsilon) / best as f64,
            false => epsilon / others as f64,
        };
        indices.into_iter().map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    #[test]
    fn indices_by_hand() {
        // ln 100 = 4.60517; √(4.60517 / 25.001) = 0.429185.
        assert!((ucb(0.5, 25.0, 100.0, 1.0) - 0.929_185).abs() < 1e-6);
        assert_eq!(ucb(0.5, 0.0, 0.0, 1.0), 0.5);
        assert!(ucb(0.0, 0.0, 10.0, 1.0).is_finite());
        assert!(ucb(0.0, 0.0, 10.0, 1.0) > ucb(1.0, 1.0, 10.0, 1.0));
        assert_eq!(ucb_e(0.5, 16.0, 4.0), 1.0);
        assert_eq!(ucb_e(0.5, 0.0, 4.0), f64::INFINITY);
    }

    #[test]
    fn log_bar_and_gap_by_hand() {
        assert_eq!((log_bar(0), log_bar(1), log_bar(2)), (0.5, 0.5, 1.0));
        assert!((log_bar(4) - (1.0 + 1.0 / 3.0 + 0.25)).abs() < 1e-12);
        assert_eq!((rejection_gap(0.25), rejection_gap(1.0)), (1.0, 0.0));
        assert_eq!((rejection_gap(0.0), rejection_gap(f64::INFINITY)), (f64::INFINITY, -1.0));
    }

    #[test]
    fn rejection_by_hand() {
        // Two arms, 40 of 80 pulls: β = ½, G = 0.4142.
        let two = |gap: f64| reject(&[0.9, 0.9 - gap], &[20, 20], &[], 80, Rejects::Closest);
        assert_eq!((two(0.41), two(0.42)), (None, Some(1)));
        // Three arms, β = 60 · 4/3 / 120 = ⅔, G = 0.2247: the average is 0.3 away, the next 0.1.
        let three = |rule| reject(&[0.9, 0.4, 0.5], &[20; 3], &[], 120, rule);
        assert_eq!((three(Rejects::Average), three(Rejects::Closest)), (Some(1), None));
        // As many pulls as one let go before is not enough; and those pulls are spent.
        let after = |pulls| reject(&[0.9, 0.1], &[pulls; 2], &[20], 100, Rejects::Closest);
        assert_eq!((after(20), after(21)), (None, Some(1)));
        // Nothing to reject, and a budget that is gone.
        assert_eq!(reject(&[0.1], &[9], &[], 10, Rejects::Average), None);
        assert_eq!(reject(&[], &[], &[], 0, Rejects::Average), None);
        assert_eq!(reject(&[0.5; 3], &[0; 3], &[], 0, Rejects::Average), None);
        assert_eq!(reject(&[0.5; 3], &[2; 3], &[1, 1], 2, Rejects::Closest), Some(2));
    }

    /// Six arms and 240 pulls: continuous rejects find the best arm more often than uniform pulls.
    #[test]
    fn continuous_rejects_find_the_best_arm() {
        let truths = [0.5, 0.55, 0.45, 0.62, 0.4, 0.42];
        let budget = 240;
        let best = |means: &[f64], active: &[usize]| {
            active.iter().copied().max_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap()
        };
        let found = |rejecting: bool| {
            let found = (0..600).filter(|run| {
                let mut rng = Seed(5).child("bandit", *run).rng();
                let mut active: Vec<usize> = (0..truths.len()).collect();
                let (mut pulls, mut wins) = ([0; 6], [0.0; 6]);
                let mut means = [0.0; 6];
                let mut rejected = Vec::new();
                for _ in 0..budget {
                    let arm = active.iter().copied().min_by_key(|arm| pulls[*arm]).unwrap();
                    pulls[arm] += 1;
                    wins[arm] += f64::from(u8::from(rng.random_bool(truths[arm])));
                    means[arm] = wins[arm] / f64::from(u32::try_from(pulls[arm]).unwrap());
                    let of = |all: &[usize]| active.iter().map(|arm| all[*arm]).collect::<Vec<_>>();
                    let theirs: Vec<f64> = active.iter().map(|arm| means[*arm]).collect();
                    let out = reject(&theirs, &of(&pulls), &rejected, budget, Rejects::Average);
                    if let Some(out) = out.filter(|_| rejecting) {
                        rejected.push(pulls[active.remove(out)]);
                    }
                }
                assert!(!rejecting || active.len() < truths.len());
                best(&means, &active) == 3
            });
            found.count()
        };
        let (rejecting, uniform) = (found(true), found(false));
        assert!(rejecting > uniform + 15, "{rejecting} against {uniform} of 600");
    }

    #[test]
    fn successive_rejects_by_hand() {
        // K = 4, n = 104: log_bar = 19/12, 100 / log_bar = 63.16: n₁ = 16, n₂ = 22, n₃ = 32.
        assert_eq!(successive_rejects(4, 104), [16, 6, 10]);
        assert_eq!(successive_rejects(3, 2), [0, 0]);
        assert!(successive_rejects(1, 50).is_empty() && successive_rejects(0, 50).is_empty());
    }

    #[test]
    fn thompson_draws_have_their_moments() {
        let draws = |of: &dyn Fn(Seed) -> f64| -> (f64, f64) {
            let all: Vec<f64> = (0..4_000).map(|i| of(Seed(3).child("thompson", i))).collect();
            let mean = all.iter().sum::<f64>() / 4_000.0;
            (mean, all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4_000.0)
        };
        // Beta(8, 4): mean 2/3, variance 32 / (144 · 13).
        let (mean, variance) = draws(&|seed| thompson_beta(7.0, 3.0, seed));
        assert!((mean - 2.0 / 3.0).abs() < 0.01 && (variance - 32.0 / 1_872.0).abs() < 0.002);
        let (mean, variance) = draws(&|seed| thompson_normal(0.3, 0.04, seed));
        assert!((mean - 0.3).abs() < 0.015 && (variance - 0.04).abs() < 0.003);
        assert_eq!(thompson_normal(0.3, -1.0, Seed(1)), 0.3);
        assert!((0.0..=1.0).contains(&thompson_beta(f64::NAN, -5.0, Seed(1))));
    }

    #[test]
    fn draws_follow_the_weights() {
        let mut counts = [0; 3];
        for i in 0..3_000 {
            counts[draw(&[1.0, 0.0, 2.0], Seed(9).child("draw", i)).unwrap()] += 1;
        }
        assert!(counts[1] == 0 && (counts[0] - 1_000_i32).abs() < 100, "{counts:?}");
        for none in [&[][..], &[0.0; 2], &[f64::NAN, 1.0], &[-1.0, 2.0], &[f64::INFINITY]] {
            assert_eq!(draw(none, Seed(1)), None, "{none:?}");
        }
    }

    #[test]
    fn discounted_sums_by_hand() {
        let mut rewards = Discounted::default();
        assert_eq!((rewards.mean(), rewards.variance()), (None, None));
        for reward in [1.0, f64::NAN, 0.0] {
            rewards.fade(0.5);
            rewards.push(reward);
        }
        // 1 has faded twice, 0 not at all.
        assert_eq!(rewards, Discounted { weight: 1.25, sum: 0.25, sum_of_squares: 0.25 });
        assert_eq!((rewards.mean(), rewards.variance()), (Some(0.2), Some(0.16)));
    }

    #[test]
    fn asymmetric_ucb_by_hand() {
        let mut ucb = AsymmetricUcb::new(3);
        assert_eq!(ucb.probabilities(), [1.0 / 3.0; 3]);
        ucb.result(0, 0.7, 0.5, 0.6);
        // The others have no results, so it is their turn.
        assert_eq!(ucb.probabilities(), [0.0, 0.5, 0.5]);
        ucb.result(1, 0.5, 0.6, 0.0);
        ucb.result(2, f64::NAN, 0.6, 0.0);
        ucb.result(9, 1.0, 0.0, 0.0);
        // Only the first gained, against the larger of its parent and the baseline.
        let gain = (0.7_f64 - 0.6).exp_m1();
        assert!((ucb.arms[0].sum - gain * 0.95 * 0.95).abs() < 1e-12);
        assert_eq!((ucb.arms[1].sum, ucb.arms[2].sum), (0.0, 0.0));
        let bonus = (2.0 * 3.0_f64.ln()).sqrt();
        // Its mean did not fade, while the largest reward did: relative to it, 1 at most.
        assert!((ucb.indices()[0] - 1.0 - bonus).abs() < 1e-12, "{:?}", ucb.indices());
        assert!((ucb.indices()[1] - bonus).abs() < 1e-12);
        assert_eq!(ucb.probabilities(), [0.8, 0.1, 0.1]);
        assert!(AsymmetricUcb::new(0).probabilities().is_empty());
    }

    proptest! {
        #[test]
        fn successive_rejects_stay_within_budget(arms in 2..40_usize, budget in 0..5_000_usize) {
            let phases = successive_rejects(arms, budget);
            prop_assert_eq!(phases.len(), arms - 1);
            let spent: usize = phases.iter().zip((2..=arms).rev()).map(|(p, left)| p * left).sum();
            prop_assert!(spent <= budget, "{} of {}", spent, budget);
        }

        #[test]
        fn only_the_worst_arm_is_ever_rejected(
            arms in prop::collection::vec((0.0..1.0_f64, 1..50_usize), 0..9),
            rejected in prop::collection::vec(0..50_usize, 0..4), budget in 0..500_usize,
        ) {
            let (means, pulls): (Vec<f64>, Vec<usize>) = arms.into_iter().unzip();
            let by = |rule| reject(&means, &pulls, &rejected, budget, rule);
            if let Some(out) = by(Rejects::Average) {
                prop_assert!(means.iter().all(|mean| *mean >= means[out]));
            }
            // The cautious rule rejects only where the other does.
            prop_assert!(by(Rejects::Closest).is_none() || by(Rejects::Average).is_some());
        }

        #[test]
        fn probabilities_sum_to_one(
            results in prop::collection::vec((0..4_usize, -1.0..2.0_f64), 0..60),
        ) {
            let mut ucb = AsymmetricUcb::new(4);
            for (arm, score) in results {
                ucb.result(arm, score, 0.3, 0.2);
                let p = ucb.probabilities();
                prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", p);
                prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", p);
            }
        }
    }
}
