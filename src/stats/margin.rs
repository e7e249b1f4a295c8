//! One-sided tests against a number that was agreed before: that a difference is above a margin, that a mean is above a
//! level.
//!
//! For the single confirmation at the end. Whether the claim is shown is decided by the interval's end, which these
//! p-values agree with at 2.5 % where scores are right or wrong.

use super::interval::{score_statistic, tango_statistic};
use super::normal;
use super::paired::{PairedTest, TestName, sign_flip};
use crate::seed::Seed;

/// Tests whether the mean of `differences` (one per row, in `[-1, 1]`) is above `-margin`: non-inferiority for a margin
/// above 0.
///
/// Differences of −1, 0 and 1: the score test of Tango (1998). Otherwise the sign-flip test of the differences plus the
/// margin.
#[must_use]
pub fn non_inferiority(differences: &[f64], margin: f64, seed: Seed) -> PairedTest {
    let count = |value: f64| differences.iter().filter(|d| **d == value).count();
    let (wins, losses, n) = (count(1.0), count(-1.0), differences.len());
    let p_value = if n > 0 && wins + losses + count(0.0) == n {
        above(tango_statistic(wins, losses, n, -margin))
    } else {
        let shifted: Vec<f64> = differences.iter().map(|d| d + margin).collect();
        sign_flip(&shifted, seed)
    };
    PairedTest { p_value, name: TestName::NonInferiority }
}

/// Tests whether the mean of `scores` (one per row, in `[0, 1]`) is above `level`.
///
/// Scores of 0 and 1: the score test that the interval of Wilson (1927) inverts. Otherwise the sign-flip test of the
/// scores less the level.
#[must_use]
pub fn above_level(scores: &[f64], level: f64, seed: Seed) -> PairedTest {
    let right = scores.iter().filter(|score| **score == 1.0).count();
    let p_value = if !scores.is_empty() && scores.iter().all(|it| *it == 0.0 || *it == 1.0) {
        above(score_statistic(right, scores.len(), level))
    } else {
        let shifted: Vec<f64> = scores.iter().map(|score| score - level).collect();
        sign_flip(&shifted, seed)
    };
    PairedTest { p_value, name: TestName::Level }
}

fn above(statistic: f64) -> f64 {
    normal::cdf(-statistic).clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::interval::{of_differences, of_scores};
    use super::*;
    use proptest::prelude::*;

    /// The chance that a difference of exactly the margin is called non-inferior.
    #[test]
    fn a_difference_at_the_margin_is_rarely_called_non_inferior() {
        use rand::Rng;
        let (rows, margin, discordance) = (200, 0.05, 0.2);
        let wins = (discordance - margin) / 2.0;
        let shown = (0..2_000)
            .filter(|trial| {
                let mut rng = Seed(31).child("trial", *trial).rng();
                let mut difference = || match rng.random::<f64>() {
                    it if it < wins => 1.0,
                    it if it < discordance => -1.0,
                    _ => 0.0,
                };
                let differences: Vec<f64> = (0..rows).map(|_| difference()).collect();
                of_differences(&differences, Seed(1)).is_some_and(|it| it.low > -margin)
            })
            .count();
        // 2.5 % of 2,000 are 50, with a standard deviation of 7.
        assert!((25..=75).contains(&shown), "{shown} of 2,000");
    }

    proptest! {
        #[test]
        fn the_p_value_agrees_with_the_interval(
            rows in prop::collection::vec(-1i8..=1, 1..120), margin in -0.5f64..0.5,
        ) {
            let differences: Vec<f64> = rows.iter().map(|it| f64::from(*it)).collect();
            let low = of_differences(&differences, Seed(1)).unwrap().low;
            prop_assume!((low + margin).abs() > 1e-6);
            let test = non_inferiority(&differences, margin, Seed(1));
            prop_assert_eq!(test.p_value < 0.025, low > -margin, "{} {}", low, test.p_value);
        }

        #[test]
        fn the_p_value_of_a_level_agrees_with_the_interval(
            rows in prop::collection::vec(any::<bool>(), 1..120), level in 0.01f64..0.99,
        ) {
            let scores: Vec<f64> = rows.iter().map(|it| f64::from(u8::from(*it))).collect();
            let low = of_scores(&scores, Seed(1)).unwrap().low;
            prop_assume!((low - level).abs() > 1e-6);
            let test = above_level(&scores, level, Seed(1));
            prop_assert_eq!(test.p_value < 0.025, low > level, "{} {}", low, test.p_value);
        }
    }
}
