//! A tree-structured Parzen estimator over tuples of choices: proposes the next combination.
//!
//! For candidates that are composed of parts, such as (instruction, set of examples) per module,
//! when some combinations have been scored. A choice is a number; no two choices are more similar
//! than others.
//!
//! Bergstra, Bardenet, Bengio and Kégl (2011), *Algorithms for hyper-parameter optimization*,
//! section 4, in the multivariate form of Falkner, Klein and Hutter (2018), *BOHB*, section 3.2:
//! the good combinations have a density l over whole tuples, all others a density g, and of some
//! draws from l the one with the largest l/g is next, which under the model has the largest
//! expected improvement. The constants are those of Optuna's sampler, except that all observations
//! have the same weight, regardless of age.

use super::bandit::draw;
use crate::seed::Seed;
use rand::Rng;

/// The settings of the sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tpe {
    /// Combinations drawn at random before the model is used.
    pub startup: usize,
    /// Draws from l, of which the best is suggested.
    pub draws: u64,
}

impl Default for Tpe {
    fn default() -> Self {
        Self { startup: 10, draws: 24 }
    }
}

/// The weight of the uniform component, where each observation has 1, and also what a kernel
/// spreads over all choices.
const PRIOR: f64 = 1.0;

/// The combination to try next: one choice below `sizes[i]` for each i.
///
/// `history` is what was tried, with its score (larger is better); an entry with another number of
/// choices, a choice out of range or a score that is not finite is left out. The draw depends on
/// `seed` and the length of `history`. Combinations may repeat, which is useful with noisy scores;
/// a caller that needs new ones can try another seed. A dimension without choices gives 0.
#[must_use]
pub fn suggest(of: Tpe, history: &[(Vec<usize>, f64)], sizes: &[usize], seed: Seed) -> Vec<usize> {
    let seed = seed.child("tpe", history.len() as u64);
    let fits = |choices: &[usize]| {
        choices.len() == sizes.len() && choices.iter().zip(sizes).all(|(c, size)| c < size)
    };
    let mut tried: Vec<&(Vec<usize>, f64)> =
        history.iter().filter(|(choices, score)| fits(choices) && score.is_finite()).collect();
    if tried.len() < of.startup.max(2) {
        let mut rng = seed.rng();
        return sizes.iter().map(|size| rng.random_range(0..(*size).max(1))).collect();
    }
    // The best first; of equals, the earlier.
    tried.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (good, others) = tried.split_at(good_ones(tried.len()));
    let parzen = |tried: &[&(Vec<usize>, f64)]| {
        Parzen::new(tried.iter().map(|(choices, _)| choices.clone()).collect(), sizes)
    };
    let (l, g) = (parzen(good), parzen(others));
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for number in 0..of.draws.max(1) {
        let choices = l.draw(seed.child("draw", number));
        let ratio = l.ln_density(&choices) - g.ln_density(&choices);
        // Strictly above, so that of equals the first one stays.
        if ratio > best.0 {
            best = (ratio, choices);
        }
    }
    best.1
}

/// How many of `tried` combinations count as good: ⌈0.1 n⌉, 25 at most.
fn good_ones(tried: usize) -> usize {
    tried.div_ceil(10).min(25)
}

/// A density over tuples of choices: a mixture of one kernel per observation and a uniform one.
///
/// A kernel is a product over dimensions, each as Aitchison and Aitken (1976) have it: most of its
/// mass on the observed choice, the rest on all alike. With n components over s choices, the
/// observed one has (1 + 1/n) / (1 + s/n), each other (1/n) / (1 + s/n).
struct Parzen {
    observations: Vec<Vec<usize>>,
    sizes: Vec<f64>,
}

impl Parzen {
    fn new(observations: Vec<Vec<usize>>, sizes: &[usize]) -> Self {
        Self { observations, sizes: sizes.iter().map(|size| *size as f64).collect() }
    }

    /// What a kernel gives every choice before it is normalised; the observed one has 1 more.
    fn spread(&self) -> f64 {
        PRIOR / (self.observations.len() as f64 + 1.0)
    }

    fn ln_density(&self, choices: &[usize]) -> f64 {
        let spread = self.spread();
        let kernel = |observed: &Vec<usize>| -> f64 {
            let each = observed.iter().zip(choices).zip(&self.sizes).map(|((a, b), size)| {
                ((spread + f64::from(u8::from(a == b))) / (1.0 + size * spread)).ln()
            });
            each.sum()
        };
        let uniform = PRIOR.ln() - self.sizes.iter().map(|size| size.ln()).sum::<f64>();
        let all: Vec<f64> = self.observations.iter().map(kernel).chain([uniform]).collect();
        let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = all.iter().map(|ln| (ln - most).exp()).sum();
        most + (sum / (self.observations.len() as f64 + PRIOR)).ln()
    }

    fn draw(&self, seed: Seed) -> Vec<usize> {
        let mut weights = vec![1.0; self.observations.len()];
        weights.push(PRIOR);
        let kernel = draw(&weights, seed.child("kernel", 0));
        // Past the observations stands the uniform component.
        let observed = kernel.and_then(|kernel| self.observations.get(kernel));
        let mut rng = seed.child("choices", 0).rng();
        let mut choices = Vec::with_capacity(self.sizes.len());
        for (dimension, size) in self.sizes.iter().enumerate() {
            // The same mass in other words: the observed choice, or one of all alike.
            let any = rng.random_range(0..(*size as usize).max(1));
            let stays = rng.random::<f64>() * (1.0 + size * self.spread()) < 1.0;
            choices.push(observed.filter(|_| stays).map_or(any, |observed| observed[dimension]));
        }
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    #[test]
    fn good_ones_by_hand() {
        assert_eq!([1, 10, 11, 249, 250, 1_000].map(good_ones), [1, 1, 2, 25, 25, 25]);
    }

    #[test]
    fn a_density_by_hand() {
        // One observation (0, 2) over 2 × 3 choices: n = 2 components, ½ spread over each.
        let parzen = Parzen::new(vec![vec![0, 2]], &[2, 3]);
        let (first, second) = (1.5 / 2.0, 1.5 / 2.5);
        let expected = 0.5 * first * second + 0.5 / 6.0;
        assert!((parzen.ln_density(&[0, 2]).exp() - expected).abs() < 1e-12);
        let expected = 0.5 * (0.5 / 2.0) * second + 0.5 / 6.0;
        assert!((parzen.ln_density(&[1, 2]).exp() - expected).abs() < 1e-12);
    }

    #[test]
    fn draws_follow_the_density() {
        let parzen = Parzen::new(vec![vec![0, 2], vec![1, 1], vec![0, 2]], &[2, 3]);
        let mut counts = [[0.0; 3]; 2];
        for i in 0..20_000 {
            let choices = parzen.draw(Seed(6).child("draw", i));
            counts[choices[0]][choices[1]] += 1.0 / 20_000.0;
        }
        for (a, row) in counts.iter().enumerate() {
            for (b, share) in row.iter().enumerate() {
                let density = parzen.ln_density(&[a, b]).exp();
                assert!((share - density).abs() < 0.015, "({a}, {b}): {share} for {density}");
            }
        }
    }

    /// The score of a combination in a search that is separable but for one interaction.
    fn score(choices: &[usize]) -> f64 {
        let quality = [0.1, 0.5, 0.2, 0.9, 0.3, 0.4, 0.6, 0.0, 0.7, 0.2];
        let bonus = if choices == [3, 8] { 0.3 } else { 0.0 };
        quality[choices[0]] + 0.8 * quality[(choices[1] + 5) % 10] + bonus
    }

    #[test]
    fn it_finds_better_combinations_than_chance() {
        let sizes = [10, 10];
        let mean_of_late = |model: bool| {
            let (mut sum, runs) = (0.0, 30);
            for run in 0..runs {
                let seed = Seed(11).child("run", run);
                let mut history: Vec<(Vec<usize>, f64)> = Vec::new();
                for _ in 0..40 {
                    let known = if model { &history[..] } else { &[] };
                    let seed = seed.child("step", history.len() as u64);
                    let choices = suggest(Tpe::default(), known, &sizes, seed);
                    let found = score(&choices);
                    history.push((choices, found));
                }
                sum += history[25..].iter().map(|(_, score)| score).sum::<f64>() / 15.0;
            }
            sum / runs as f64
        };
        let (model, chance) = (mean_of_late(true), mean_of_late(false));
        assert!(model > chance + 0.3, "{model} against {chance}");
    }

    #[test]
    fn degenerate_spaces_and_histories() {
        assert!(suggest(Tpe::default(), &[], &[], Seed(1)).is_empty());
        let empty = vec![(vec![], 0.5); 12];
        assert!(suggest(Tpe::default(), &empty, &[], Seed(1)).is_empty());
        assert_eq!(suggest(Tpe::default(), &[], &[0, 1], Seed(1)), [0, 0]);
        // Invalid entries do not count, so this is still the random start.
        let mut odd = vec![(vec![9, 0], 0.5); 9];
        odd.extend(vec![(vec![0], 0.5); 9]);
        odd.extend(vec![(vec![0, 0], f64::NAN); 9]);
        assert!(suggest(Tpe::default(), &odd, &[2, 2], Seed(1)).iter().all(|choice| *choice < 2));
        let same = vec![(vec![0, 0], 0.5); 30];
        assert_eq!(suggest(Tpe::default(), &same, &[1, 1], Seed(1)), [0, 0]);
    }

    #[test]
    fn the_random_start_is_not_the_same_every_time() {
        let history: Vec<(Vec<usize>, f64)> = vec![(vec![0, 0, 0], 0.5)];
        assert_ne!(
            suggest(Tpe::default(), &[], &[99; 3], Seed(1)),
            suggest(Tpe::default(), &history, &[99; 3], Seed(1))
        );
    }

    proptest! {
        #[test]
        fn suggestions_are_in_range_and_repeatable(
            sizes in prop::collection::vec(1..6_usize, 1..4), tried in 0..40_usize, seed: u64,
        ) {
            let mut rng = Seed(seed).rng();
            let history: Vec<(Vec<usize>, f64)> = (0..tried)
                .map(|_| {
                    let choices = sizes.iter().map(|size| rng.random_range(0..*size)).collect();
                    (choices, rng.random())
                })
                .collect();
            let choices = suggest(Tpe::default(), &history, &sizes, Seed(seed));
            prop_assert_eq!(choices.len(), sizes.len());
            prop_assert!(choices.iter().zip(&sizes).all(|(choice, size)| choice < size));
            prop_assert_eq!(choices, suggest(Tpe::default(), &history, &sizes, Seed(seed)));
        }

        #[test]
        fn a_density_sums_to_one(
            observed in prop::collection::vec((0..3_usize, 0..4_usize), 0..9),
        ) {
            let observed = observed.into_iter().map(|(a, b)| vec![a, b]).collect();
            let parzen = Parzen::new(observed, &[3, 4]);
            let all = (0..3).flat_map(|a| (0..4).map(move |b| [a, b]));
            let sum: f64 = all.map(|choices| parzen.ln_density(&choices).exp()).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }
}
