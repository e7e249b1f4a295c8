//! Means and intervals of paired differences.

use promptsearch::seed::Seed;
use rand::Rng;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 4_000;

/// A mean with the ends of its 95 % interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, n), it| (sum + it, n + 1.0));
    sum / count
}

/// The mean over files of values by file, split and seed. The files are fixed: splits are drawn again
/// within each file, and seeds within each split.
pub(crate) fn over_splits(files: &[Vec<Vec<f64>>], seed: Seed) -> Estimate {
    let of_file = |splits: &Vec<Vec<f64>>| mean(splits.iter().map(|it| mean(it.iter().copied())));
    let point = mean(files.iter().map(of_file));
    let mut rng = seed.child("splits and seeds", 0).rng();
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut of_file = |splits: &Vec<Vec<f64>>| {
                mean((0..splits.len()).map(|_| {
                    let seeds = &splits[rng.random_range(0..splits.len())];
                    mean((0..seeds.len()).map(|_| seeds[rng.random_range(0..seeds.len())]))
                }))
            };
            mean(files.iter().map(&mut of_file))
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn[((RESAMPLES - 1) as f64 * share).round() as usize];
    Estimate { mean: point, low: at(0.025), high: at(0.975) }
}

/// The mean over files, where these are a sample of others: Student's t. `None` for fewer than two.
pub(crate) fn over_files(files: &[Vec<Vec<f64>>]) -> Option<Estimate> {
    let means: Vec<f64> = files.iter().map(|file| mean(file.iter().flatten().copied())).collect();
    let count = means.len() as f64;
    let t = StudentsT::new(0.0, 1.0, count - 1.0).ok()?.inverse_cdf(0.975);
    let point = mean(means.iter().copied());
    let squares: f64 = means.iter().map(|it| (it - point).powi(2)).sum();
    let half = t * (squares / (count - 1.0) / count).sqrt();
    Some(Estimate { mean: point, low: point - half, high: point + half })
}
