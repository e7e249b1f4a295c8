//! The bias-corrected and accelerated (BCa) bootstrap of the mean.
//!
//! For the mean the acceleration has a closed form. Callers use `interval`.

use super::normal;
use crate::seed::Seed;
use rand::Rng;
use rayon::prelude::*;

/// Resamples drawn from one child seed. Fixed, so that the result does not depend on the number of
/// threads.
const CHUNK: usize = 250;

/// Counts that `chunk` gives for every run of [`CHUNK`] repeats, each with a seed of its own.
pub(super) fn in_chunks<T: Send>(
    repeats: usize,
    name: &str,
    seed: Seed,
    chunk: impl Fn(usize, Seed) -> T + Sync,
) -> Vec<T> {
    (0..repeats.div_ceil(CHUNK))
        .into_par_iter()
        .map(|number| {
            let size = CHUNK.min(repeats - number * CHUNK);
            chunk(size, seed.child(name, number as u64))
        })
        .collect()
}

/// Resampled means of some values: all BCa intervals of their mean.
///
/// Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), section 14.3: the percentiles
/// α = Φ(z₀ + (z₀ ± z) / (1 − a (z₀ ± z))), equations 14.10, 14.14 (z₀; ties count half) and 14.15
/// (a, which for a mean is Σ(x−x̄)³ / 6(Σ(x−x̄)²)^1.5).
pub(super) struct Bca {
    /// In ascending order.
    means: Vec<f64>,
    bias: f64,
    acceleration: f64,
}

impl Bca {
    /// From `resamples` resamples of whole items. `None` where all values are equal or one is not finite.
    pub(super) fn of(values: &[f64], resamples: usize, seed: Seed) -> Option<Self> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let (squares, cubes) = values.iter().fold((0.0, 0.0), |(squares, cubes), x| {
            let d = x - mean;
            (squares + d * d, cubes + d * d * d)
        });
        let spread = values.iter().fold(0.0_f64, |most, x| most.max((x - mean).abs()));
        if n < 2 || resamples == 0 || !squares.is_finite() || spread <= mean.abs() * 1e-12 {
            return None;
        }

        let mut means: Vec<f64> = in_chunks(resamples, "bootstrap", seed, |size, seed| {
            let mut rng = seed.rng();
            let mut one = || (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64;
            (0..size).map(|_| one()).collect::<Vec<_>>()
        })
        .concat();
        means.sort_unstable_by(f64::total_cmp);

        // A resample of the same values in another order has the same mean but for rounding.
        let tolerance = spread * 1e-9;
        let below = means.partition_point(|m| *m < mean - tolerance);
        let up_to = means.partition_point(|m| *m <= mean + tolerance);
        let half = 0.5 / resamples as f64;
        let share = (below + up_to) as f64 * half;
        let bias = normal::quantile(share.clamp(half, 1.0 - half));
        let acceleration = cubes / (6.0 * squares.powf(1.5));
        Some(Self { means, bias, acceleration })
    }

    /// How many resamples there are.
    pub(super) fn resamples(&self) -> usize {
        self.means.len()
    }

    /// The interval each end of which is exceeded with this chance, 0.025 for 95 %. It narrows as the chance grows.
    pub(super) fn ends(&self, chance: f64) -> (f64, f64) {
        let percentile = |z: f64| {
            let shifted = self.bias + z;
            // For a mean |a| < 1/6, so this stays positive wherever the bias is below 4.
            normal::cdf(self.bias + shifted / (1.0 - self.acceleration * shifted).max(0.1))
        };
        let z = normal::quantile(1.0 - chance);
        let at = |z: f64| sorted_quantile(&self.means, percentile(z));
        (at(-z), at(z))
    }
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
fn sorted_quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skewed_sample_agrees_with_scipy() {
        let sample = [0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.9, 0.95, 0.15, 0.05, 0.22];
        // scipy.stats.bootstrap(method="BCa", n_resamples=10**6) gives 0.2375 and 0.5667; the
        // plain percentile interval, 0.2208 and 0.5333, is outside the tolerance.
        let (low, high) = Bca::of(&sample, 40_000, Seed(3)).unwrap().ends(0.025);
        assert!((low - 0.2375).abs() < 0.006, "{low}");
        assert!((high - 0.5667).abs() < 0.008, "{high}");
    }

    #[test]
    fn quantiles_interpolate() {
        let sorted = [0.0, 1.0, 2.0, 4.0];
        for (p, expected) in [(0.0, 0.0), (0.5, 1.5), (0.75, 2.5), (1.0, 4.0)] {
            assert_eq!(sorted_quantile(&sorted, p), expected);
        }
    }

    #[test]
    fn every_repeat_is_in_exactly_one_chunk() {
        for repeats in [0, 1, 249, 250, 251, 10_000] {
            let sizes = in_chunks(repeats, "chunks", Seed(1), |size, _| size);
            assert_eq!(sizes.iter().sum::<usize>(), repeats);
            assert!(sizes.iter().all(|size| (1..=CHUNK).contains(size)));
        }
    }

    #[test]
    fn no_interval_without_spread() {
        for values in [&[][..], &[0.3], &[0.1; 7], &[0.1, f64::NAN], &[0.1, f64::INFINITY]] {
            assert!(Bca::of(values, 100, Seed(1)).is_none(), "{values:?}");
        }
        assert!(Bca::of(&[0.0, 1.0], 0, Seed(1)).is_none());
    }
}
