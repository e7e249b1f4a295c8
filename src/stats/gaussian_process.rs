//! Exact Gaussian process regression: predicts a candidate's score with its uncertainty.
//!
//! For choosing which candidate of a pool to score next: up to some hundreds of observations,
//! because the cost grows with their cube. It learns no features: distances between the inputs must
//! be meaningful.
//!
//! Rasmussen and Williams, *Gaussian Processes for Machine Learning* (2006), algorithm 2.1, with
//! the Matérn-5/2 kernel (equation 4.17) of one length scale per *group* of dimensions, as HbBoPs
//! has for instructions and demonstrations (Schneider et al. 2024): k = σ² (1 + √5 r + 5r²/3)
//! e^(−√5 r), r² = Σ over groups of squared distance / ℓ². Values are standardised; each brings its
//! own noise variance, and a common one is fitted on top.

use super::linalg::{Lower, cholesky, dot, solve_lower, solve_transposed};
use super::{bandit, normal};
use crate::seed::Seed;
use argmin::core::{CostFunction, Error, Executor, State};
use argmin::solver::neldermead::NelderMead;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

/// Steps of each of the two searches for hyperparameters; each factorises a matrix once or twice.
const STEPS: u64 = 120;
/// Natural logarithms between which a length scale (relative to the median distance), the signal
/// variance and the noise variance are fitted.
const LENGTH: (f64, f64) = (-3.0, 3.0);
const SIGNAL: (f64, f64) = (-3.0, 3.0);
const NOISE: (f64, f64) = (-13.8, 0.0);
/// Where the two searches start: smooth with some noise, and wiggly with little.
const STARTS: [[f64; 3]; 2] = [[0.0, 0.0, -4.6], [-1.2, 0.0, -9.2]];

/// The hyperparameters of a Gaussian process, in the unit of standardised values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// The length scales ℓ, one per group of dimensions, above 0.
    pub lengthscales: Vec<f64>,
    /// The signal variance σ², above 0.
    pub signal_variance: f64,
    /// The noise variance common to all observations, 0 or more.
    pub noise_variance: f64,
}

/// A Gaussian process given observations.
#[derive(Clone, Debug)]
pub struct GaussianProcess {
    inputs: Vec<Vec<f64>>,
    groups: Vec<usize>,
    hyperparameters: Hyperparameters,
    /// Mean and standard deviation of the values.
    shift: f64,
    scale: f64,
    lower: Lower,
    /// K⁻¹ y.
    weights: Vec<f64>,
    log_marginal_likelihood: f64,
}

impl GaussianProcess {
    /// The process with the hyperparameters of the largest marginal likelihood, found by
    /// Nelder-Mead (1965) from two starts within bounds.
    ///
    /// `inputs` has one row per observation, `values` what was observed there, `noise` the variance
    /// of each observation (0 or more, in the unit of values², such as s²/n of a mean), `groups`
    /// the group of each dimension, counted from 0 and below the number of dimensions. `None` below
    /// two observations, for slices that do not fit each other, and for numbers that are not
    /// finite.
    #[must_use]
    pub fn fit(
        inputs: &[Vec<f64>],
        values: &[f64],
        noise: &[f64],
        groups: &[usize],
    ) -> Option<Self> {
        let data = Data::new(inputs, values, noise, groups)?;
        let found = STARTS.map(|[length, signal, noise]| {
            let mut start = vec![length; data.apart.len()];
            start.extend([signal, noise]);
            data.search(Array1::from(start))
        });
        // Of equally likely ones, the first.
        let [first, second] = found.map(|at| (data.cost(&at), at));
        let (_, best) = if second.0 < first.0 { second } else { first };
        let hyperparameters = data.hyperparameters(&best);
        Self::of(&data, hyperparameters)
    }

    /// The process with given hyperparameters; `None` as for [`fit`](Self::fit), for one length
    /// scale too few, and where the covariance is singular, as for equal inputs without noise.
    #[must_use]
    pub fn with(
        hyperparameters: Hyperparameters,
        inputs: &[Vec<f64>],
        values: &[f64],
        noise: &[f64],
        groups: &[usize],
    ) -> Option<Self> {
        let data = Data::new(inputs, values, noise, groups)?;
        let enough = hyperparameters.lengthscales.len() >= data.apart.len();
        if enough { Self::of(&data, hyperparameters) } else { None }
    }

    fn of(data: &Data<'_>, hyperparameters: Hyperparameters) -> Option<Self> {
        let (lower, weights, log_marginal_likelihood) = data.posterior(&hyperparameters)?;
        Some(Self {
            inputs: data.inputs.to_vec(),
            groups: data.groups.to_vec(),
            hyperparameters,
            shift: data.shift,
            scale: data.scale,
            lower,
            weights,
            log_marginal_likelihood,
        })
    }

    /// Mean and variance of the true value at `input`, without the noise of an observation. Numbers
    /// missing at the end of `input` do not count.
    #[must_use]
    pub fn predict(&self, input: &[f64]) -> (f64, f64) {
        let Hyperparameters { lengthscales, signal_variance, .. } = &self.hyperparameters;
        let covariance = |row: &Vec<f64>| {
            let each = row.iter().zip(input).zip(&self.groups);
            let squared = each.map(|((a, b), group)| ((a - b) / lengthscales[*group]).powi(2));
            signal_variance * matern(squared.sum())
        };
        let covariances: Vec<f64> = self.inputs.iter().map(covariance).collect();
        let mean = dot(&covariances, &self.weights);
        let known = solve_lower(&self.lower, covariances);
        let variance = (signal_variance - dot(&known, &known)).max(0.0);
        (self.shift + self.scale * mean, self.scale * self.scale * variance)
    }

    /// ln p(standardised values | inputs).
    #[must_use]
    pub fn log_marginal_likelihood(&self) -> f64 {
        self.log_marginal_likelihood
    }

    /// The hyperparameters.
    #[must_use]
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }
}

/// The expected improvement over `best` of a value N(`mean`, `variance`), 0 or more:
/// (mean − best) Φ(z) + s φ(z), z = (mean − best) / s (Jones, Schonlau and Welch 1998, equation
/// 15).
#[must_use]
pub fn expected_improvement(mean: f64, variance: f64, best: f64) -> f64 {
    let (lead, deviation) = (mean - best, variance.max(0.0).sqrt());
    if deviation == 0.0 {
        return lead.max(0.0);
    }
    let z = lead / deviation;
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    // Far below the best, the two terms cancel and leave rounding.
    (lead * normal::cdf(z) + deviation * density).max(0.0)
}

/// The optimistic value mean + `kappa` × deviation (Srinivas et al. 2010, equation 6, with
/// κ = √β).
#[must_use]
pub fn upper_confidence(mean: f64, variance: f64, kappa: f64) -> f64 {
    mean + kappa * variance.max(0.0).sqrt()
}

/// A Thompson draw of one candidate's value, independent of other candidates' draws: give each its
/// own seed.
#[must_use]
pub fn thompson(mean: f64, variance: f64, seed: Seed) -> f64 {
    bandit::thompson_normal(mean, variance, seed)
}

/// (1 + √5 r + 5r²/3) e^(−√5 r), in `[0, 1]`.
fn matern(squared: f64) -> f64 {
    let scaled = (5.0 * squared).sqrt();
    (1.0 + scaled + 5.0 * squared / 3.0) * (-scaled).exp()
}

/// Observations, and what of them does not change while hyperparameters do.
struct Data<'a> {
    inputs: &'a [Vec<f64>],
    groups: &'a [usize],
    values: Vec<f64>,
    noise: Vec<f64>,
    shift: f64,
    scale: f64,
    /// Squared distances of all pairs, one matrix per group, and the median distance.
    apart: Vec<(Array2<f64>, f64)>,
}

impl<'a> Data<'a> {
    fn new(
        inputs: &'a [Vec<f64>],
        values: &[f64],
        noise: &[f64],
        groups: &'a [usize],
    ) -> Option<Self> {
        let n = inputs.len();
        let finite = |row: &[f64]| row.iter().all(|x| x.is_finite());
        let sound = inputs.iter().all(|row| row.len() == groups.len() && finite(row))
            && finite(values)
            && noise.iter().all(|variance| variance.is_finite() && *variance >= 0.0)
            && values.len() == n
            && noise.len() == n
            && groups.iter().all(|group| *group < groups.len());
        if n < 2 || !sound {
            return None;
        }
        let shift = values.iter().sum::<f64>() / n as f64;
        let spread = values.iter().map(|y| (y - shift).powi(2)).sum::<f64>() / n as f64;
        // Equal values have no unit of their own.
        let scale = if spread.sqrt() > 1e-9 * shift.abs() { spread.sqrt() } else { 1.0 };
        let count = groups.iter().max().map_or(0, |most| most + 1);
        Some(Self {
            inputs,
            groups,
            values: values.iter().map(|y| (y - shift) / scale).collect(),
            noise: noise.iter().map(|variance| variance / (scale * scale)).collect(),
            shift,
            scale,
            apart: (0..count).map(|group| distances(inputs, groups, group)).collect(),
        })
    }

    /// The hyperparameters at a point of the search, which bounds them.
    fn hyperparameters(&self, at: &Array1<f64>) -> Hyperparameters {
        let within = |x: f64, (low, high): (f64, f64)| x.clamp(low, high).exp();
        let count = self.apart.len();
        let length = |(x, (_, median)): (&f64, &(_, f64))| median * within(*x, LENGTH);
        Hyperparameters {
            lengthscales: at.iter().zip(&self.apart).map(length).collect(),
            signal_variance: within(at[count], SIGNAL),
            noise_variance: within(at[count + 1], NOISE),
        }
    }

    /// L, K⁻¹ y and the log marginal likelihood (Rasmussen and Williams, equation 2.30).
    fn posterior(&self, of: &Hyperparameters) -> Option<(Lower, Vec<f64>, f64)> {
        let n = self.values.len();
        let mut covariance = Array2::<f64>::zeros((n, n));
        for ((squared, _), length) in self.apart.iter().zip(&of.lengthscales) {
            covariance.scaled_add(1.0 / (length * length), squared);
        }
        covariance.mapv_inplace(|squared| of.signal_variance * matern(squared));
        for (i, own) in self.noise.iter().enumerate() {
            covariance[(i, i)] += of.noise_variance + own;
        }
        let lower = cholesky(&covariance)?;
        let half = solve_lower(&lower, self.values.clone());
        let determinant: f64 = lower.iter().filter_map(|row| row.last()).map(|x| x.ln()).sum();
        let constant = 0.5 * n as f64 * std::f64::consts::TAU.ln();
        let likelihood = -0.5 * dot(&half, &half) - determinant - constant;
        let weights = solve_transposed(&lower, half);
        Some((lower, weights, likelihood))
    }

    fn cost(&self, at: &Array1<f64>) -> f64 {
        let count = self.apart.len();
        // Outside the bounds only this penalty changes, which leads back inside.
        let beyond = |(i, x): (usize, &f64)| {
            let (low, high) = match i {
                i if i < count => LENGTH,
                i if i == count => SIGNAL,
                _ => NOISE,
            };
            (x - x.clamp(low, high)).powi(2)
        };
        let outside: f64 = at.iter().enumerate().map(beyond).sum();
        let fit = self.posterior(&self.hyperparameters(at)).map_or(1e12, |(.., ln)| -ln);
        fit + outside
    }

    /// The best point that Nelder-Mead visits, which is never worse than its start.
    fn search(&self, start: Array1<f64>) -> Array1<f64> {
        let corner = |i: usize| {
            let mut corner = start.clone();
            corner[i] += 1.0;
            corner
        };
        let simplex = std::iter::once(start.clone()).chain((0..start.len()).map(corner)).collect();
        let run = || -> Result<Option<Array1<f64>>, Error> {
            let solver = NelderMead::new(simplex).with_sd_tolerance(1e-4)?;
            let problem = Likelihood { data: self };
            let run =
                Executor::new(problem, solver).configure(|state| state.max_iters(STEPS)).run()?;
            Ok(run.state.get_best_param().cloned())
        };
        run().ok().flatten().unwrap_or(start)
    }
}

/// The squared distances of all pairs of `inputs` in one group, and the median distance of those
/// that are apart, which is where a length scale is looked for.
fn distances(inputs: &[Vec<f64>], groups: &[usize], group: usize) -> (Array2<f64>, f64) {
    let n = inputs.len();
    let squared = |(i, j): (usize, usize)| -> f64 {
        let each = inputs[i].iter().zip(&inputs[j]).zip(groups);
        each.filter(|(_, of)| **of == group).map(|((a, b), _)| (a - b).powi(2)).sum()
    };
    let mut all = Array2::zeros((n, n));
    let mut positive = Vec::new();
    for i in 0..n {
        for j in 0..i {
            let squared = squared((i, j));
            all[(i, j)] = squared;
            all[(j, i)] = squared;
            positive.extend(Some(squared).filter(|squared| *squared > 0.0));
        }
    }
    positive.sort_unstable_by(f64::total_cmp);
    let median = positive.get(positive.len() / 2).map_or(1.0, |squared| squared.sqrt());
    (all, median)
}

struct Likelihood<'a> {
    data: &'a Data<'a>,
}

impl CostFunction for Likelihood<'_> {
    type Param = Array1<f64>;
    type Output = f64;

    fn cost(&self, at: &Self::Param) -> Result<f64, Error> {
        Ok(self.data.cost(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn hyperparameters(lengthscales: &[f64], noise_variance: f64) -> Hyperparameters {
        Hyperparameters {
            lengthscales: lengthscales.to_vec(),
            signal_variance: 1.5,
            noise_variance,
        }
    }

    #[test]
    fn two_points_by_hand() {
        // Values 1 and 3 are −1 and 1 when standardised.
        let (inputs, noise) = (vec![vec![0.0], vec![1.0]], [0.1, 0.1]);
        let assumed = hyperparameters(&[0.8], 0.05);
        let process = GaussianProcess::with(assumed, &inputs, &[1.0, 3.0], &noise, &[0]).unwrap();
        let k = |d: f64| {
            let r = d.abs() / 0.8;
            let root = 5.0_f64.sqrt();
            1.5 * (1.0 + root * r + 5.0 * r * r / 3.0) * (-root * r).exp()
        };
        let (own, cross) = (1.5 + 0.15, k(1.0));
        for x in [-0.5, 0.0, 0.3, 1.0, 4.0] {
            let (k0, k1) = (k(x), k(x - 1.0));
            let mean = 2.0 + (k1 - k0) / (own - cross);
            let explained =
                (own * (k0 * k0 + k1 * k1) - 2.0 * cross * k0 * k1) / (own * own - cross * cross);
            let (m, v) = process.predict(&[x]);
            assert!((m - mean).abs() < 1e-12 && (v - (1.5 - explained)).abs() < 1e-12, "{x}");
        }
        // −½ yᵀK⁻¹y − ½ ln |K| − ln 2π.
        let ln = -1.0 / (own - cross)
            - 0.5 * (own * own - cross * cross).ln()
            - std::f64::consts::TAU.ln();
        assert!((process.log_marginal_likelihood() - ln).abs() < 1e-12);
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // GaussianProcessRegressor(1.5 * Matern([0.7, 2.0], nu=2.5), alpha=[…], optimizer=None).
        let inputs: Vec<Vec<f64>> =
            (0..6).map(|i| vec![f64::from(i * i % 7) / 3.0, f64::from(i) / 2.0]).collect();
        let values: Vec<f64> = (0..6).map(|i| f64::from(i * 5 % 11) / 10.0).collect();
        let (shift, scale) = (0.516_666_666_666_666_6, 0.343_592_135_468_138_4);
        let noise: Vec<f64> = (1..=6).map(|i| 0.02 * f64::from(i) * scale * scale).collect();
        let assumed = hyperparameters(&[0.7, 2.0], 0.01);
        let process = GaussianProcess::with(assumed, &inputs, &values, &noise, &[0, 1]).unwrap();
        assert!((process.log_marginal_likelihood() - -13.497_774_372_525_69).abs() < 1e-9);
        let (mean, variance) = process.predict(&[0.5, 1.2]);
        assert!((mean - (shift + scale * 0.122_636_803_463_471_5)).abs() < 1e-9);
        assert!((variance.sqrt() - scale * 0.290_389_181_120_502_8).abs() < 1e-9);
    }

    #[test]
    fn without_noise_it_passes_through_what_was_seen() {
        let inputs: Vec<Vec<f64>> = (0..8).map(|i| vec![f64::from(i) * 0.5]).collect();
        let values: Vec<f64> = inputs.iter().map(|x| x[0].sin()).collect();
        let process =
            GaussianProcess::with(hyperparameters(&[1.0], 0.0), &inputs, &values, &[0.0; 8], &[0])
                .unwrap();
        for (input, value) in inputs.iter().zip(&values) {
            let (mean, variance) = process.predict(input);
            assert!((mean - value).abs() < 1e-8 && variance < 1e-8, "{mean} for {value}");
        }
        let (between, _) = process.predict(&[1.75]);
        assert!((between - 1.75_f64.sin()).abs() < 0.01);
        // Far away, it is back at the mean with all its variance.
        let (mean, variance) = process.predict(&[1e6]);
        assert!((mean - process.shift).abs() < 1e-9);
        assert!((variance - 1.5 * process.scale.powi(2)).abs() < 1e-9);
    }

    fn noisy(n: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut rng = Seed(seed).rng();
        let inputs: Vec<Vec<f64>> =
            (0..n).map(|_| (0..4).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
        let value = |x: &Vec<f64>| {
            let z: f64 = StandardNormal.sample(&mut rng);
            (2.5 * x[0]).sin() + 0.5 * x[1] + 0.1 * z
        };
        let values = inputs.iter().map(value).collect();
        (inputs, values)
    }

    /// Two dimensions that matter and two that do not.
    #[test]
    fn a_fit_learns_which_group_matters() {
        let groups = [0, 0, 1, 1];
        let (inputs, values) = noisy(60, 3);
        let process = GaussianProcess::fit(&inputs, &values, &[0.0; 60], &groups).unwrap();
        let found = process.hyperparameters();
        assert!(found.lengthscales[1] > 3.0 * found.lengthscales[0], "{found:?}");
        // True noise of 0.1.
        let noise = found.noise_variance.sqrt() * process.scale;
        assert!((0.05..0.2).contains(&noise), "{noise}");
        let (others, truths) = noisy(200, 4);
        let mut error = 0.0;
        let mut inside = 0;
        for (input, truth) in others.iter().zip(&truths) {
            let (mean, variance) = process.predict(input);
            error += (mean - truth).powi(2) / 200.0;
            inside += usize::from((mean - truth).powi(2) < 4.0 * (variance + noise * noise));
        }
        // The values have a variance near 0.6, of which 0.01 is noise.
        assert!(error < 0.04, "{error}");
        assert!((180..=200).contains(&inside), "{inside} of 200 within two deviations");
    }

    #[test]
    fn a_noisy_observation_counts_less() {
        let inputs = vec![vec![0.0], vec![0.1], vec![3.0]];
        let of = |noise: &[f64]| {
            let assumed = hyperparameters(&[1.0], 1e-6);
            let all = GaussianProcess::with(assumed, &inputs, &[0.0, 1.0, 0.5], noise, &[0]);
            all.unwrap().predict(&[0.05]).0
        };
        assert!(of(&[1.0, 0.001, 0.0]) > 0.8 && of(&[0.001, 1.0, 0.0]) < 0.2);
    }

    #[test]
    fn degenerate_observations() {
        let rows = vec![vec![1.0], vec![1.0], vec![1.0]];
        assert!(GaussianProcess::fit(&[], &[], &[], &[]).is_none());
        assert!(GaussianProcess::fit(&rows[..1], &[1.0], &[0.0], &[0]).is_none());
        assert!(GaussianProcess::fit(&rows, &[1.0, f64::NAN, 0.0], &[0.0; 3], &[0]).is_none());
        assert!(GaussianProcess::fit(&rows, &[1.0; 3], &[-0.1; 3], &[0]).is_none());
        assert!(GaussianProcess::fit(&rows, &[1.0; 3], &[0.0; 3], &[]).is_none());
        assert!(GaussianProcess::fit(&rows, &[1.0; 3], &[0.0; 3], &[usize::MAX]).is_none());
        let assumed = Hyperparameters { lengthscales: vec![], ..hyperparameters(&[], 0.0) };
        assert!(GaussianProcess::with(assumed, &rows, &[1.0; 3], &[0.0; 3], &[0]).is_none());
        let singular = hyperparameters(&[1.0], 0.0);
        let without = GaussianProcess::with(singular, &rows, &[1.0, 2.0, 3.0], &[0.0; 3], &[0]);
        assert!(without.is_none_or(|process| process.predict(&[1.0]).0.is_finite()));
        // Equal inputs are fitted, with noise; equal values as well, and inputs without dimensions.
        let equal = GaussianProcess::fit(&rows, &[1.0, 2.0, 3.0], &[0.0; 3], &[0]).unwrap();
        assert!((equal.predict(&[1.0]).0 - 2.0).abs() < 1e-6);
        let flat = GaussianProcess::fit(&rows, &[0.4; 3], &[0.01; 3], &[0]).unwrap();
        assert!((flat.predict(&[9.0]).0 - 0.4).abs() < 1e-9);
        let none = GaussianProcess::fit(&[vec![], vec![]], &[0.0, 1.0], &[0.1; 2], &[]).unwrap();
        assert!((none.predict(&[]).0 - 0.5).abs() < 1e-9);
    }

    #[test]
    fn acquisitions_by_hand() {
        assert_eq!(expected_improvement(0.7, 0.0, 0.5), 0.7 - 0.5);
        assert_eq!(expected_improvement(0.3, -1.0, 0.5), 0.0);
        // At the best itself, s φ(0).
        assert!((expected_improvement(0.5, 0.04, 0.5) - 0.2 * 0.398_942_28).abs() < 1e-8);
        assert_eq!(upper_confidence(0.5, 0.04, 2.0), 0.9);
        assert_eq!(thompson(0.5, 0.0, Seed(1)), 0.5);
        assert_ne!(thompson(0.5, 1.0, Seed(1)), thompson(0.5, 1.0, Seed(2)));
    }

    proptest! {
        #[test]
        fn expected_improvement_equals_its_integral(
            mean in -2.0..2.0_f64, deviation in 0.01..2.0_f64, best in -2.0..2.0_f64,
        ) {
            // Σ (x − best)⁺ φ(x) dx over ten deviations on either side.
            let step = deviation / 500.0;
            let integral: f64 = (-5_000..5_000)
                .map(|i| {
                    let x = mean + (f64::from(i) + 0.5) * step;
                    let z = (x - mean) / deviation;
                    let density = (-0.5 * z * z).exp() / (std::f64::consts::TAU.sqrt() * deviation);
                    (x - best).max(0.0) * density * step
                })
                .sum();
            let closed = expected_improvement(mean, deviation * deviation, best);
            prop_assert!((closed - integral).abs() < 1e-5, "{} for {}", closed, integral);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_fit_is_at_least_as_likely_as_its_starts(n in 2..16_usize, seed: u64) {
            let (inputs, values) = noisy(n, seed);
            let noise = vec![0.001; n];
            let groups = [0, 0, 1, 1];
            let process = GaussianProcess::fit(&inputs, &values, &noise, &groups).unwrap();
            let data = Data::new(&inputs, &values, &noise, &groups).unwrap();
            for [length, signal, own] in STARTS {
                let start = data.hyperparameters(&Array1::from(vec![length, length, signal, own]));
                let at_start = GaussianProcess::of(&data, start).unwrap();
                prop_assert!(
                    process.log_marginal_likelihood() >= at_start.log_marginal_likelihood() - 1e-9
                );
            }
            let (_, variance) = process.predict(&inputs[0]);
            let (_, far) = process.predict(&[1e9; 4]);
            prop_assert!(variance <= far + 1e-12);
        }
    }
}
