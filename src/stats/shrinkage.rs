//! Estimates without the winner's curse.
//!
//! The best of many noisy means is best partly by luck. Shrinking every mean towards the overall
//! mean, noisier ones more, corrects for this. It is not a correction of p-values.

use super::posterior::{Posterior, Prior};

/// Empirical-Bayes posteriors of finished candidates, in the order given.
///
/// Each candidate is (mean difference against the baseline, its sampling variance s², see
/// [`super::posterior::sampling_variance`]). The prior is fitted to the candidates themselves
/// ([`Prior::fit`]), then updated with each: Efron and Morris (1973),
/// the James–Stein estimator with unequal variances. The winner is the largest posterior mean,
/// which need not be the largest mean.
#[must_use]
pub fn shrunken(candidates: &[(f64, f64)]) -> Vec<Posterior> {
    let prior = Prior::fit(candidates);
    candidates.iter().map(|(mean, variance)| prior.given(*mean, *variance)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand_distr::{Distribution, Normal};

    #[test]
    fn a_lucky_candidate_with_few_rows_does_not_win() {
        let mut candidates = vec![(0.0, 0.002); 8];
        candidates.push((0.10, 0.001)); // many rows
        candidates.push((0.14, 0.010)); // few
        let posteriors = shrunken(&candidates);
        assert!(posteriors[8].mean > posteriors[9].mean, "{posteriors:?}");
        assert!(posteriors[9].mean < 0.14 && posteriors[9].mean > 0.0);
    }

    #[test]
    fn one_candidate_is_shrunken_towards_the_default_prior() {
        // The prior is (4 × −0.02 + 0.1) / 5 = 0.004, with the variance (0.0144 + 0.01152 − 0.0036) / 5.
        let variance = 0.02232 / 5.0;
        let expected = 0.004 + 0.096 * variance / (variance + 0.0036);
        assert!((shrunken(&[(0.1, 0.0036)])[0].mean - expected).abs() < 1e-12);
        assert_eq!(shrunken(&[]), []);
    }

    /// Simulated runs with known truth: the winner's raw mean is too high, the shrunken one is not,
    /// and shrinking brings the estimates nearer to the truth.
    #[test]
    fn the_shrunken_winner_keeps_its_promise() {
        let truth = Normal::new(-0.02, 0.05).unwrap();
        let mut rng = Seed(31).rng();
        let (mut raw_excess, mut excess, mut raw_error, mut error) = (0.0, 0.0, 0.0, 0.0);
        let runs = 400;
        for _ in 0..runs {
            let truths: Vec<f64> = truth.sample_iter(&mut rng).take(30).collect();
            let noise = Normal::new(0.0, 0.06).unwrap();
            let candidates: Vec<(f64, f64)> =
                truths.iter().map(|t| (t + noise.sample(&mut rng), 0.0036)).collect();
            let posteriors = shrunken(&candidates);
            let best =
                (0..30).max_by(|a, b| candidates[*a].0.total_cmp(&candidates[*b].0)).unwrap();
            raw_excess += candidates[best].0 - truths[best];
            excess += posteriors[best].mean - truths[best];
            for i in 0..30 {
                raw_error += (candidates[i].0 - truths[i]).powi(2);
                error += (posteriors[i].mean - truths[i]).powi(2);
            }
        }
        let runs = f64::from(runs);
        assert!(raw_excess / runs > 0.05, "raw excess {}", raw_excess / runs);
        assert!((excess / runs).abs() < 0.015, "excess {}", excess / runs);
        assert!(error < 0.6 * raw_error, "{error} against {raw_error}");
    }

    proptest! {
        #[test]
        fn every_mean_moves_towards_the_centre_and_keeps_its_side(
            candidates in prop::collection::vec((-1.0..1.0_f64, 1e-4..0.1_f64), 0..20),
        ) {
            let centre = Prior::fit(&candidates).mean;
            for ((mean, variance), posterior) in candidates.iter().zip(shrunken(&candidates)) {
                let (raw, shrunk) = (mean - centre, posterior.mean - centre);
                prop_assert!(shrunk.abs() <= raw.abs() + 1e-12 && raw * shrunk >= -1e-12);
                prop_assert!(posterior.variance < *variance);
            }
        }
    }
}
