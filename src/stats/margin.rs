//! One-sided tests against a number that was agreed before: that a difference is above a margin, that a mean is above a
//! level.
//!
//! For the single confirmation at the end. Whether the claim is shown is decided by the interval's end, which these
//! p-values agree with from the level on for which they are asked: they are the chances at which the interval begins to leave the
//! number out. Signs are not
//! flipped around a number other than 0, where values that are no better need not be symmetric: of 200 rows that gain 0.05
//! with a chance of 0.9 and lose 0.45 otherwise, such a test calls 9.3 % better at its level of 5 %, the interval 3.2 %.

use super::interval::{Resampled, score_statistic, tango_statistic};
use super::level::Level;
use super::paired::{PairedTest, TestName};
use super::{inversion, normal};
use crate::seed::Seed;

/// Tests whether the mean of `differences` (one per row, in `[-1, 1]`) is above `-margin`: non-inferiority for a margin
/// above 0.
///
/// Differences of −1, 0 and 1: the score test of Tango (1998). Otherwise the p-value at which the BCa interval of
/// [`super::interval::of_differences`] begins to leave −margin out, at least 1 / 10,001 at a first look, and at later ones
/// about a twentieth of the level.
#[must_use]
pub fn non_inferiority(differences: &[f64], margin: f64, level: Level, seed: Seed) -> PairedTest {
    let count = |value: f64| differences.iter().filter(|d| **d == value).count();
    let (wins, losses, n) = (count(1.0), count(-1.0), differences.len());
    let p_value = if n > 0 && wins + losses + count(0.0) == n {
        above(tango_statistic(wins, losses, n, -margin))
    } else {
        inverted(Resampled::of_differences(differences, level.one_sided, seed), -margin)
    };
    PairedTest { p_value, name: TestName::NonInferiority }
}

/// Tests whether the mean of `scores` (one per row, in `[0, 1]`) is above `asked`.
///
/// Scores of 0 and 1: the score test that the interval of Wilson (1927) inverts. Otherwise the p-value at which the BCa
/// interval begins to leave that out, at least 1 / 2,001 at a first look, and at later ones about a twentieth of the level.
#[must_use]
pub fn above_level(scores: &[f64], asked: f64, level: Level, seed: Seed) -> PairedTest {
    let right = scores.iter().filter(|score| **score == 1.0).count();
    let p_value = if !scores.is_empty() && scores.iter().all(|it| *it == 0.0 || *it == 1.0) {
        above(score_statistic(right, scores.len(), asked))
    } else {
        inverted(Resampled::of_scores(scores, level.one_sided, seed), asked)
    };
    PairedTest { p_value, name: TestName::Level }
}

/// As many resamples say no more of rarer means.
fn inverted(resampled: Option<Resampled>, value: f64) -> f64 {
    resampled.map_or(1.0, |it| {
        inversion::above((it.mean, value), it.least_chance(), |chance| it.at(chance))
    })
}

fn above(statistic: f64) -> f64 {
    normal::cdf(-statistic).clamp(f64::MIN_POSITIVE, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::interval::{of_differences, of_differences_beyond, of_scores};
    use super::super::paired::sign_flip;
    use super::*;
    use proptest::prelude::*;

    /// Rows that gain 0.05 beside the margin, but for some that lose 0.45: on average they are worse by exactly the margin
    /// where one of ten loses.
    fn skewed(rows: usize, losses: usize) -> Vec<f64> {
        (0..rows).map(|row| if row < losses { -0.45 - 0.1 } else { 0.05 - 0.1 }).collect()
    }

    /// The chance that a difference of exactly the margin is called above it at 5 %, by the binomial chances of as many
    /// losses.
    fn size(rows: usize, p_value: impl Fn(&[f64]) -> f64) -> f64 {
        let mut chance = 0.9_f64.powi(rows as i32);
        let mut size = 0.0;
        for losses in 0..rows / 4 {
            if chance > 1e-5 && p_value(&skewed(rows, losses)) <= 0.05 {
                size += chance;
            }
            chance *= (rows - losses) as f64 / (losses + 1) as f64 * 0.1 / 0.9;
        }
        size
    }

    #[test]
    fn graded_differences_at_the_margin_are_rarely_called_above_it() {
        let by_interval =
            |rows| size(rows, |it| non_inferiority(it, 0.1, Level::FIRST, Seed(1)).p_value);
        let (few, many) = (by_interval(60), by_interval(200));
        // Where few rows lose, losses that did not occur are allowed for.
        assert!(few < 0.01 && (0.02..0.06).contains(&many), "{few} {many}");
        // What flipped signs would say.
        let shifted = |it: &[f64]| it.iter().map(|d| d + 0.1).collect::<Vec<_>>();
        let by_signs = size(200, |it| sign_flip(&shifted(it), Level::FIRST, Seed(1)));
        assert!((0.08..0.12).contains(&by_signs), "{by_signs} {few} {many}");
    }

    /// A prompt that answers almost as before, and on a few rows not at all: its loss of 1 is rarer than rows show, and noise
    /// on all other rows hides that.
    #[test]
    fn rare_losses_beside_noise_are_allowed_for() {
        use rand::Rng;
        for (rows, lost) in [(60, 0.02), (60, 0.03), (100, 0.02), (100, 0.03)] {
            let shown = (0..200)
                .filter(|trial| {
                    let mut rng = Seed(8).child("trial", *trial).rng();
                    let mut difference = || match rng.random_bool(lost) {
                        true => -1.0,
                        false => rng.random_range(-0.01..0.01),
                    };
                    let differences: Vec<f64> = (0..rows).map(|_| difference()).collect();
                    let low = of_differences(&differences, Seed(*trial)).unwrap().low;
                    let p = non_inferiority(&differences, lost, Level::FIRST, Seed(*trial)).p_value;
                    assert_eq!(low > -lost, p < 0.025, "{low} {p}");
                    low > -lost
                })
                .count();
            // 2.5 % of 200 are 5, with a standard deviation of 2.2.
            assert!(shown <= 10, "{shown} of 200: {rows} rows, {lost}");
        }
    }

    #[test]
    fn a_graded_p_value_is_the_chance_at_which_the_interval_ends() {
        let differences: Vec<f64> = (0..80).map(|row| f64::from(row % 7) / 20.0 - 0.1).collect();
        for margin in [-0.07, -0.06, -0.045, -0.035] {
            let p = non_inferiority(&differences, margin, Level::FIRST, Seed(1)).p_value;
            let end = |chance: f64| {
                let it = of_differences_beyond(&differences, chance, Seed(1)).unwrap();
                if it.mean > -margin { it.low + margin } else { -margin - it.high }
            };
            let chance = p.min(1.0 - p);
            assert!(end(chance * 1.01) > 0.0 && end(chance * 0.99) <= 0.0, "{margin} {p}");
        }
        // Far beyond what resamples say, and where nothing is known.
        assert!(
            non_inferiority(&differences, 0.9, Level::FIRST, Seed(1)).p_value < 1.001 / 10_001.0
        );
        assert_eq!(non_inferiority(&[f64::NAN], 0.1, Level::FIRST, Seed(1)).p_value, 1.0);
        let scores: Vec<f64> = (0..80).map(|row| f64::from(row % 5) / 4.0).collect();
        let [low, high] =
            [0.4, 0.6].map(|level| above_level(&scores, level, Level::FIRST, Seed(1)).p_value);
        assert!(low < 0.02 && high > 0.98, "{low} {high}");
        assert_eq!(
            above_level(&[0.5], 0.4, Level::FIRST, Seed(1)).p_value,
            0.5,
            "one row says nothing"
        );
    }

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
            let test = non_inferiority(&differences, margin, Level::FIRST, Seed(1));
            prop_assert_eq!(test.p_value < 0.025, low > -margin, "{} {}", low, test.p_value);
        }

        #[test]
        fn the_p_value_of_a_level_agrees_with_the_interval(
            rows in prop::collection::vec(any::<bool>(), 1..120), level in 0.01f64..0.99,
        ) {
            let scores: Vec<f64> = rows.iter().map(|it| f64::from(u8::from(*it))).collect();
            let low = of_scores(&scores, Seed(1)).unwrap().low;
            prop_assume!((low - level).abs() > 1e-6);
            let test = above_level(&scores, level, Level::FIRST, Seed(1));
            prop_assert_eq!(test.p_value < 0.025, low > level, "{} {}", low, test.p_value);
        }
    }
}
