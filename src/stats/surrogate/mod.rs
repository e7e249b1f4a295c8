//! Predicts the score of unscored prompts: regressions of means on features.
//!
//! For dropping the worse half of a large pool before rows are spent on it, as TRIPLE-GSE does (Shi
//! et al. 2024, section 4.2). Not for claims, and not for ranking the best few: with some tens of
//! prompts a regression is inaccurate, as [`Ensemble::r_squared`] shows.

mod boosting;
mod eigen;
mod network;
mod ridge;

pub use boosting::Boosting;
pub use network::Network;
pub use ridge::Ridge;

use crate::seed::Seed;
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// The number of cross-validation folds.
const FOLDS: usize = 5;
/// The fewest observations for a fit.
const FEWEST: usize = 4;

/// Observations: one row of features each, a value and a weight.
#[derive(Clone, Debug)]
struct Sample<'a> {
    rows: Vec<(&'a [f64], f64, f64)>,
}

impl<'a> Sample<'a> {
    /// Observations without weight are left out; `None` if fewer than two are left, the slices do
    /// not fit each other, or a number is not finite.
    fn new(features: &'a [Vec<f64>], values: &[f64], weights: &[f64]) -> Option<Self> {
        let n = features.len();
        let dimensions = features.first()?.len();
        let finite = |numbers: &[f64]| numbers.iter().all(|x| x.is_finite());
        let sound = values.len() == n
            && weights.len() == n
            && features.iter().all(|row| row.len() == dimensions && finite(row))
            && finite(weights);
        let rows: Vec<(&[f64], f64, f64)> = features
            .iter()
            .zip(values.iter().zip(weights))
            .filter(|(_, (_, weight))| **weight > 0.0)
            .map(|(row, (value, weight))| (&row[..], *value, *weight))
            .collect();
        let sound = sound && rows.len() > 1 && rows.iter().all(|(_, value, _)| value.is_finite());
        sound.then_some(Self { rows })
    }

    fn iter(&self) -> impl Iterator<Item = (&'a [f64], f64, f64)> {
        self.rows.iter().copied()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn dimensions(&self) -> usize {
        self.rows.first().map_or(0, |(row, ..)| row.len())
    }

    fn features(&self, i: usize) -> &'a [f64] {
        self.rows[i].0
    }

    fn weight(&self, i: usize) -> f64 {
        self.rows[i].2
    }
}

/// One of the three kinds of regression.
#[derive(Clone, Debug)]
enum Member {
    Ridge(Ridge),
    Boosting(Boosting),
    Network(Network),
}

impl Member {
    const KINDS: usize = 3;

    fn fit(kind: usize, sample: &Sample, seed: Seed) -> Self {
        match kind {
            0 => Self::Ridge(Ridge::fit(sample)),
            1 => Self::Boosting(Boosting::fit(sample)),
            _ => Self::Network(Network::fit(sample, seed)),
        }
    }

    fn predict(&self, features: &[f64]) -> f64 {
        match self {
            Self::Ridge(ridge) => ridge.predict(features).0,
            Self::Boosting(boosting) => boosting.predict(features),
            Self::Network(network) => network.predict(features),
        }
    }
}

/// [`Ridge`], [`Boosting`] and [`Network`] together, each with a weight of softmax(R²).
///
/// R² is out of fold: each observation is predicted from four fifths that do not hold it. TRIPLE
/// takes that of the training set, which the most flexible of the three would always win.
#[derive(Clone, Debug)]
pub struct Ensemble {
    members: Vec<(Member, f64)>,
    member_r_squared: Vec<f64>,
    r_squared: f64,
    mse: f64,
}

impl Ensemble {
    /// The fit to `means` (one per prompt, of `weights` pulls each) on `features` (one row of equal
    /// length per prompt, some tens of numbers). `seed` cuts the folds and starts the network.
    ///
    /// A prompt without pulls is left out, whatever its mean. `None` with fewer than four others,
    /// for slices that do not fit each other, and for numbers that are not finite. The eighteen
    /// regressions run in parallel.
    #[must_use]
    pub fn fit(features: &[Vec<f64>], means: &[f64], weights: &[f64], seed: Seed) -> Option<Self> {
        let sample = Sample::new(features, means, weights).filter(|all| all.len() >= FEWEST)?;
        let folds = FOLDS.min(sample.len());
        let mut order: Vec<usize> = (0..sample.len()).collect();
        order.shuffle(&mut seed.child("folds", 0).rng());
        // Where a prompt stands in the order says in which fold it is left out.
        let left_out = |fold: usize| order.iter().copied().skip(fold).step_by(folds);
        let jobs: Vec<(usize, Option<usize>)> = (0..Member::KINDS)
            .flat_map(|kind| (0..folds).map(Some).chain([None]).map(move |fold| (kind, fold)))
            .collect();
        let fitted: Vec<Member> = jobs
            .par_iter()
            .map(|(kind, fold)| {
                let mut rows = sample.rows.clone();
                if let Some(fold) = fold {
                    let out: Vec<usize> = left_out(*fold).collect();
                    let kept = (0..rows.len()).filter(|i| !out.contains(i));
                    rows = kept.map(|i| sample.rows[i]).collect();
                }
                let number = fold.map_or(0, |fold| fold as u64 + 1);
                Member::fit(*kind, &Sample { rows }, seed.child("network", number))
            })
            .collect();

        let mut predictions = vec![vec![0.0; sample.len()]; Member::KINDS];
        let mut members = Vec::new();
        for ((kind, fold), member) in jobs.into_iter().zip(fitted) {
            let Some(fold) = fold else {
                members.push(member);
                continue;
            };
            for i in left_out(fold) {
                predictions[kind][i] = member.predict(sample.features(i));
            }
        }
        let member_r_squared: Vec<f64> =
            predictions.iter().map(|each| sample.quality(each).0).collect();
        let shares = softmax(&member_r_squared);
        let together: Vec<f64> = (0..sample.len())
            .map(|i| predictions.iter().zip(&shares).map(|(each, share)| share * each[i]).sum())
            .collect();
        let (r_squared, mse) = sample.quality(&together);
        let members = members.into_iter().zip(shares).collect();
        Some(Self { members, member_r_squared, r_squared, mse })
    }

    /// The predicted mean of each row. Numbers missing at the end of a row are taken as average.
    #[must_use]
    pub fn predict(&self, features: &[Vec<f64>]) -> Vec<f64> {
        let of = |row: &Vec<f64>| {
            self.members.iter().map(|(member, share)| share * member.predict(row)).sum()
        };
        features.iter().map(of).collect()
    }

    /// What the ridge, the trees and the network predict for each row.
    #[must_use]
    pub fn predict_each(&self, features: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let of = |member: &Member| features.iter().map(|row| member.predict(row)).collect();
        self.members.iter().map(|(member, _)| of(member)).collect()
    }

    /// Out of fold: 1 less the weighted squared error over the weighted variance, at most 1. Below
    /// 0, the overall mean predicts better. 0 if all means are equal.
    #[must_use]
    pub fn r_squared(&self) -> f64 {
        self.r_squared
    }

    /// The weighted mean squared error, out of fold.
    #[must_use]
    pub fn mse(&self) -> f64 {
        self.mse
    }

    /// (R² out of fold, share) of the ridge, the trees and the network; the shares sum to 1.
    #[must_use]
    pub fn members(&self) -> Vec<(f64, f64)> {
        let shares = self.members.iter().map(|(_, share)| *share);
        self.member_r_squared.iter().copied().zip(shares).collect()
    }
}

impl Sample<'_> {
    /// R² and mean squared error of predictions, both weighted.
    fn quality(&self, predictions: &[f64]) -> (f64, f64) {
        let weight: f64 = self.iter().map(|(_, _, w)| w).sum();
        let mean = self.iter().map(|(_, y, w)| w * y).sum::<f64>() / weight;
        let spread = self.iter().map(|(_, y, w)| w * (y - mean).powi(2)).sum::<f64>() / weight;
        let errors = self.iter().zip(predictions).map(|((_, y, w), p)| w * (y - p).powi(2));
        let mse = errors.sum::<f64>() / weight;
        // Without variance there is nothing to explain.
        let r_squared = if spread > 1e-18 { 1.0 - mse / spread } else { 0.0 };
        (r_squared, mse)
    }
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each: Vec<f64> = values.iter().map(|x| (x - most).exp()).collect();
    let total: f64 = each.iter().sum();
    each.into_iter().map(|x| x / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// Prompts in 16 dimensions whose quality is linear in some and bent in one, seen through some
    /// tens of right or wrong answers.
    fn pool(n: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut rng = Seed(seed).rng();
        let (mut features, mut means, mut pulls, mut truths) = (vec![], vec![], vec![], vec![]);
        for _ in 0..n {
            let row: Vec<f64> = (0..16).map(|_| StandardNormal.sample(&mut rng)).collect();
            let lift = 0.15 * row[0] - 0.1 * row[1] + 0.1 * row[2].abs();
            let truth: f64 = (0.5 + lift).clamp(0.05, 0.95);
            let rows = rng.random_range(10..60);
            let right = (0..rows).filter(|_| rng.random_bool(truth)).count();
            features.push(row);
            means.push(right as f64 / f64::from(rows));
            pulls.push(f64::from(rows));
            truths.push(truth);
        }
        (features, means, pulls, truths)
    }

    #[test]
    fn the_hopeless_half_is_recognised() {
        let (features, means, pulls, _) = pool(80, 1);
        let ensemble = Ensemble::fit(&features, &means, &pulls, Seed(1)).unwrap();
        assert!(ensemble.r_squared() > 0.3, "{:?}", ensemble.members());
        assert!(ensemble.mse() < 0.03);
        let (others, _, _, truths) = pool(200, 2);
        let predicted = ensemble.predict(&others);
        let rho = super::super::rank::spearman(&predicted, &truths).unwrap();
        assert!(rho > 0.7, "{rho}");
    }

    #[test]
    fn shares_follow_what_was_explained() {
        let (features, means, pulls, _) = pool(60, 3);
        let members = Ensemble::fit(&features, &means, &pulls, Seed(1)).unwrap().members();
        assert!((members.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
        for (r, share) in &members {
            for (s, other) in &members {
                assert!((share / other - (r - s).exp()).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn noise_explains_nothing() {
        let (features, _, pulls, _) = pool(60, 5);
        let mut rng = Seed(6).rng();
        let noise: Vec<f64> = (0..60).map(|_| rng.random()).collect();
        let ensemble = Ensemble::fit(&features, &noise, &pulls, Seed(1)).unwrap();
        assert!(ensemble.r_squared() < 0.15, "{}", ensemble.r_squared());
    }

    #[test]
    fn small_and_degenerate_pools() {
        let rows: Vec<Vec<f64>> = (0..5).map(|i| vec![f64::from(i)]).collect();
        let means = [0.1, 0.2, 0.3, 0.4, 0.5];
        let fit = |n: usize, weights: &[f64]| {
            Ensemble::fit(&rows[..n], &means[..n], &weights[..n], Seed(1))
        };
        assert!(fit(3, &[1.0; 5]).is_none() && fit(4, &[1.0; 5]).is_some());
        assert!(fit(4, &[1.0, 1.0, 1.0, 0.0, 1.0]).is_none(), "three have been pulled");
        assert!(Ensemble::fit(&[], &[], &[], Seed(1)).is_none());
        assert!(Ensemble::fit(&rows, &means[..4], &[1.0; 5], Seed(1)).is_none());
        assert!(Ensemble::fit(&rows, &means, &[f64::INFINITY; 5], Seed(1)).is_none());
        // A prompt without pulls may have no mean.
        let means = [0.1, f64::NAN, 0.3, 0.4, 0.5];
        assert!(Ensemble::fit(&rows, &means, &[1.0, 0.0, 1.0, 1.0, 1.0], Seed(1)).is_some());
        assert!(Ensemble::fit(&rows, &means, &[1.0; 5], Seed(1)).is_none());
        let equal = Ensemble::fit(&rows, &[0.5; 5], &[1.0; 5], Seed(1)).unwrap();
        assert_eq!(equal.r_squared(), 0.0);
        assert!(equal.mse() < 0.01 && (equal.predict(&[vec![2.0]])[0] - 0.5).abs() < 0.05);
        assert!(equal.predict(&[]).is_empty());
    }

    #[test]
    fn threads_change_nothing() {
        let (features, means, pulls, _) = pool(20, 7);
        let of = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let ensemble = Ensemble::fit(&features, &means, &pulls, Seed(9)).unwrap();
                (ensemble.predict(&features), ensemble.r_squared())
            })
        };
        assert_eq!(of(1), of(3));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn any_pool_gives_finite_predictions(
            rows in prop::collection::vec((prop::collection::vec(-3..3_i8, 3), 0..5_u8), 4..12),
            seed: u64,
        ) {
            let features: Vec<Vec<f64>> =
                rows.iter().map(|(row, _)| row.iter().map(|x| f64::from(*x)).collect()).collect();
            let means: Vec<f64> = rows.iter().map(|(_, mean)| f64::from(*mean) / 4.0).collect();
            let ensemble = Ensemble::fit(&features, &means, &vec![1.0; rows.len()], Seed(seed));
            let ensemble = ensemble.unwrap();
            prop_assert!(ensemble.r_squared() <= 1.0 && ensemble.mse().is_finite());
            prop_assert!(ensemble.predict(&features).iter().all(|y| y.is_finite()));
        }
    }
}
