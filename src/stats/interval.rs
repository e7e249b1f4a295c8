//! 95 % intervals for a mean score and for a mean paired difference.
//!
//! For showing the uncertainty of an estimate. Not a test: a gain is claimed by the p-value in
//! `paired`, which is exact where an interval is approximate.

use super::{bootstrap, normal};
use crate::seed::Seed;
use serde::{Deserialize, Serialize};

const SCORE_RESAMPLES: usize = 2_000;
const DIFFERENCE_RESAMPLES: usize = 10_000;

/// A mean and the 95 % interval around it, in the unit of the values it came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The plain mean of the values.
    pub mean: f64,
    /// The lower end, at most `mean`.
    pub low: f64,
    /// The upper end, at least `mean`.
    pub high: f64,
    /// The number of values, at least 1.
    pub n: usize,
}

impl Interval {
    /// An interval whose ends are moved to the mean if the method put them beyond it.
    fn around(mean: f64, (low, high): (f64, f64), n: usize) -> Self {
        Self { mean, low: low.min(mean), high: high.max(mean), n }
    }
}

/// The mean score of a candidate, from one score in `[0, 1]` per row.
///
/// - All scores exactly 0 or 1: [`wilson`].
/// - Otherwise the BCa bootstrap over rows, 2,000 resamples (Efron and Tibshirani 1993, section
///   14.3), which allows for skew. In simulations of graded scores it held the truth 94 to 96 % of
///   the time from 20 rows on, about 92 % at 12 and 90 % at 8.
/// - All scores equal, neither 0 nor 1: the point itself; with one row, the whole of `[0, 1]`,
///   since one row says nothing about the spread.
///
/// `None` if there are no scores, or one is not finite.
#[must_use]
pub fn of_scores(scores: &[f64], seed: Seed) -> Option<Interval> {
    if scores.iter().all(|score| *score == 0.0 || *score == 1.0) {
        let right = scores.iter().filter(|score| **score == 1.0).count();
        return wilson(right, scores.len());
    }
    resampled(scores, SCORE_RESAMPLES, (0.0, 1.0), seed)
}

/// The mean paired difference, from one difference in `[-1, 1]` per row.
///
/// The BCa bootstrap over rows (a paired item bootstrap, since a row carries both scores), 10,000
/// resamples. All differences equal: the point itself; with one row, the whole of `[-1, 1]`.
/// `None` if there are no differences, or one is not finite.
///
/// With fewer than 20 rows that are mostly draws it is too narrow: rare wins or losses that did not
/// occur are not accounted for.
#[must_use]
pub fn of_differences(differences: &[f64], seed: Seed) -> Option<Interval> {
    resampled(differences, DIFFERENCE_RESAMPLES, (-1.0, 1.0), seed)
}

/// The Wilson score interval of a proportion, `successes` of `n`; `None` for `n` = 0 or more
/// successes than trials.
///
/// Wilson (1927), without continuity correction: the proportions p with
/// |p̂ − p| ≤ z √(p(1−p)/n), z = Φ⁻¹(0.975). Covers well down to a handful of rows, and never has
/// zero width.
#[must_use]
pub fn wilson(successes: usize, n: usize) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    let (count, share) = (n as f64, successes as f64 / n as f64);
    let z = normal::quantile(0.975);
    let scale = 1.0 + z * z / count;
    let centre = (share + z * z / (2.0 * count)) / scale;
    let half = z * (share * (1.0 - share) / count + (z / (2.0 * count)).powi(2)).sqrt() / scale;
    let ends = ((centre - half).max(0.0), (centre + half).min(1.0));
    Some(Interval::around(share, ends, n))
}

fn resampled(values: &[f64], resamples: usize, range: (f64, f64), seed: Seed) -> Option<Interval> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    if !mean.is_finite() {
        return None;
    }
    let ends = match n {
        1 => range,
        _ => bootstrap::bca(values, resamples, seed).unwrap_or((mean, mean)),
    };
    Some(Interval::around(mean, ends, n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // scipy.stats.binomtest(k, n).proportion_ci(method="wilson"), as R's prop.test(correct=F)
        for (k, n, low, high) in [
            (8, 10, 0.490_162_471_5, 0.943_317_848_5),
            (0, 10, 0.0, 0.277_532_799_9),
            (10, 10, 0.722_467_200_1, 1.0),
            (1, 1, 0.206_549_314_4, 1.0),
            (120, 300, 0.346_165_190_6, 0.456_363_403_7),
        ] {
            let interval = wilson(k, n).unwrap();
            assert!((interval.low - low).abs() < 1e-9, "{k} of {n}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-9, "{k} of {n}: {interval:?}");
            assert_eq!(interval.n, n);
        }
        for n in 1..300 {
            assert_eq!((wilson(0, n).unwrap().low, wilson(n, n).unwrap().high), (0.0, 1.0));
        }
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
    }

    #[test]
    fn zeros_and_ones_take_wilson_and_anything_between_does_not() {
        let mut scores = vec![1.0; 8];
        scores.extend([0.0; 2]);
        assert_eq!(of_scores(&scores, Seed(1)), wilson(8, 10));
        scores[9] = 0.5;
        let interval = of_scores(&scores, Seed(1)).unwrap();
        assert_eq!(interval.mean, 0.85);
        assert!(interval.high <= 1.0 && interval.low > 0.5, "{interval:?}");
    }

    #[test]
    fn degenerate_input_has_an_answer_or_none() {
        for values in [&[][..], &[f64::NAN], &[0.5, f64::NAN], &[0.5, f64::INFINITY]] {
            assert_eq!(of_scores(values, Seed(1)), None, "{values:?}");
            assert_eq!(of_differences(values, Seed(1)), None, "{values:?}");
        }
        let point = Interval { mean: 0.5, low: 0.5, high: 0.5, n: 4 };
        assert_eq!(of_scores(&[0.5; 4], Seed(1)), Some(point));
        assert_eq!(of_differences(&[0.5; 4], Seed(1)), Some(point));
        let one = Interval { mean: 0.5, low: 0.0, high: 1.0, n: 1 };
        assert_eq!(of_scores(&[0.5], Seed(1)), Some(one));
        assert_eq!(of_differences(&[0.5], Seed(1)), Some(Interval { low: -1.0, ..one }));
    }

    #[test]
    fn paired_differences_agree_with_scipy() {
        // 14 won, 5 lost, 31 drawn; scipy.stats.bootstrap(method="BCa"): 0.02 to 0.34.
        let mut differences = vec![1.0; 14];
        differences.extend([-1.0; 5]);
        differences.extend([0.0; 31]);
        let interval = of_differences(&differences, Seed(2)).unwrap();
        assert!((interval.mean - 0.18).abs() < 1e-12);
        assert!((interval.low - 0.02).abs() <= 0.02 + 1e-9, "{interval:?}");
        assert!((interval.high - 0.34).abs() <= 0.02 + 1e-9, "{interval:?}");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let values: Vec<f64> = (0..37).map(|i| f64::from(i * i % 11) / 10.0 - 0.4).collect();
        let alone = on_threads(1, || of_differences(&values, Seed(5)));
        assert_eq!(alone, on_threads(3, || of_differences(&values, Seed(5))));
        assert_ne!(alone, of_differences(&values, Seed(6)), "the seed is used");
    }

    /// Two runs of the same candidate: the true difference is 0, and 95 % of the intervals should
    /// hold it. Graded scores, 25 rows.
    #[test]
    fn intervals_of_equal_candidates_cover_zero_at_about_the_nominal_rate() {
        let (trials, rows) = (300, 25);
        let covered = (0..trials)
            .filter(|trial| {
                let mut rng = Seed(11).child("trial", *trial).rng();
                let mut score = || f64::from(rng.random_range(0..=4_u32)) / 4.0;
                let differences: Vec<f64> = (0..rows).map(|_| score() - score()).collect();
                let (low, high) = bootstrap::bca(&differences, 1_000, Seed(*trial)).unwrap();
                low <= 0.0 && high >= 0.0
            })
            .count();
        let share = covered as f64 / trials as f64;
        assert!((0.90..0.98).contains(&share), "covered {share}");
    }

    #[test]
    fn skewed_scores_are_covered_too() {
        // Mostly right, now and then far off: the true mean is 0.9 × 1 + 0.1 × 0.25 = 0.925.
        let covered = (0..300)
            .filter(|trial| {
                let mut rng = Seed(12).child("trial", *trial).rng();
                let scores: Vec<f64> =
                    (0..60).map(|_| if rng.random_bool(0.1) { 0.25 } else { 1.0 }).collect();
                of_scores(&scores, Seed(*trial))
                    .is_some_and(|interval| interval.low <= 0.925 && interval.high >= 0.925)
            })
            .count();
        assert!((270..=297).contains(&covered), "covered {covered} of 300");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn intervals_hold_the_mean_and_stay_in_range(
            scores in prop::collection::vec(0.0..=1.0_f64, 1..30), seed: u64,
        ) {
            let interval = of_scores(&scores, Seed(seed)).unwrap();
            prop_assert!(interval.low <= interval.mean && interval.mean <= interval.high);
            prop_assert!(interval.low >= 0.0 && interval.high <= 1.0);
            prop_assert_eq!(interval.n, scores.len());
            let mirrored: Vec<f64> = scores.iter().map(|score| 1.0 - score).collect();
            let other = of_scores(&mirrored, Seed(seed)).unwrap();
            prop_assert!((other.mean - (1.0 - interval.mean)).abs() < 1e-9);
            prop_assert!((other.low - (1.0 - interval.high)).abs() < 1e-6);
        }

        #[test]
        fn wilson_holds_the_share(k in 0..2_000_usize, more in 0..2_000_usize) {
            prop_assume!(k + more > 0);
            let interval = wilson(k, k + more).unwrap();
            prop_assert!(interval.low <= interval.mean && interval.mean <= interval.high);
            prop_assert!(interval.low >= 0.0 && interval.high <= 1.0);
            prop_assert!(interval.high - interval.low > 0.0);
        }

        #[test]
        fn an_interval_survives_being_written(eighths in -8..8_i8, n in 1..9_usize) {
            // Eighths, which any JSON reader gets right to the last bit.
            let mean = f64::from(eighths) / 8.0;
            let interval = Interval { mean, low: mean - 0.125, high: mean + 0.5, n };
            let text = serde_json::to_string(&interval).unwrap();
            prop_assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), interval);
        }
    }
}
