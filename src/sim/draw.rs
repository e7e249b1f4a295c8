//! Numbers from seeds: what looks like chance in the simulated models is a function of a named seed.
//!
//! Not a generator: nothing is counted, so no draw depends on which others were made before it.

use crate::seed::Seed;

/// A seed that also depends on a text.
pub(super) fn of_text(seed: Seed, text: &str) -> Seed {
    seed.child(text, 0)
}

/// Uniform in [0, 1).
#[must_use]
pub fn unit(seed: Seed) -> f64 {
    (seed.0 >> 11) as f64 / (1_u64 << 53) as f64
}

/// Standard normal, by Box and Muller from the two halves of one seed.
#[must_use]
pub fn normal(seed: Seed) -> f64 {
    let half = |bits: u64| (bits as f64 + 0.5) / 2_f64.powi(32);
    let (radius, angle) = (half(seed.0 >> 32), half(seed.0 & 0xffff_ffff));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// One of `0..count`; 0 where there is nothing to choose from.
#[must_use]
pub fn below(seed: Seed, count: usize) -> usize {
    ((unit(seed) * count as f64) as usize).min(count.saturating_sub(1))
}

/// One of a list, by its weights; the last where rounding leaves none.
#[must_use]
pub fn weighted(seed: Seed, weights: &[f64]) -> usize {
    let mut left = unit(seed) * weights.iter().sum::<f64>();
    for (place, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return place;
        }
    }
    weights.len().saturating_sub(1)
}

/// The share of a standard normal distribution below `z`.
pub(super) fn normal_share(z: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(-z / std::f64::consts::SQRT_2)
}

/// The logistic function.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_that_they_claim() {
        let n = 20_000;
        let seeds = (0..n).map(|i| Seed(7).child("draw", i));
        let units: f64 = seeds.clone().map(unit).sum::<f64>() / n as f64;
        assert!((units - 0.5).abs() < 0.01, "{units}");
        let normals: Vec<f64> = seeds.map(normal).collect();
        let mean = normals.iter().sum::<f64>() / n as f64;
        let variance = normals.iter().map(|z| z * z).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05);
        let shares: f64 = normals.iter().map(|z| normal_share(*z)).sum::<f64>() / n as f64;
        assert!((shares - 0.5).abs() < 0.01);
        assert!((normal_share(1.959_964) - 0.975).abs() < 1e-6);
    }

    #[test]
    fn nothing_to_choose_from_is_no_panic() {
        assert_eq!(below(Seed(1), 0), 0);
        assert_eq!(weighted(Seed(1), &[]), 0);
        assert_eq!(weighted(Seed(1), &[0.0, 1.0]), 1);
    }
}
