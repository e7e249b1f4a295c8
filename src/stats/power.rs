//! The smallest gain that a number of rows can detect.
//!
//! A normal approximation for planning; not a test.

use super::level::Level;
use super::normal;
use super::posterior::Posterior;

/// α: the probability of claiming a gain if there is none. A claim needs a 95 % interval on the right side.
const ALPHA: f64 = 0.025;
/// The power: the probability of claiming a gain of the given size.
const POWER: f64 = 0.8;

/// The share of rows on which two prompts differ, as it is assumed before anything is measured.
pub const USUAL_DISCORDANCE: f64 = 0.2;

/// Φ⁻¹(1 − α) + Φ⁻¹(power) = 1.960 + 0.842 = 2.80, for one side of the interval.
fn deviations() -> f64 {
    normal::quantile(1.0 - ALPHA) + normal::quantile(POWER)
}

/// The smallest gain in mean score that `n` rows detect in 80 % of runs, by a 95 % interval of the paired
/// difference that lies above 0: 2.80 √(`discordance` / n). A difference of 0 is shown to be above −margin alike,
/// with the margin in the gain's place.
///
/// `discordance` is the share of rows on which the two candidates differ (more exactly, the mean
/// squared difference), in `[0, 1]`; if it is not a number, 1 is taken. The formula is the usual
/// sample size for paired proportions (Miettinen 1968) with the variance of a difference taken as
/// the discordance. Above 1, as it is for `n` = 0, no gain can be detected.
#[must_use]
pub fn smallest_gain(n: usize, discordance: f64) -> f64 {
    if n == 0 {
        return f64::INFINITY;
    }
    deviations() * (known(discordance) / n as f64).sqrt()
}

/// The fewest rows with which [`smallest_gain`] is at most `gain`, and at least 1.
///
/// `usize::MAX` if `gain` is not above 0: no number of rows is enough.
#[must_use]
pub fn rows_needed(gain: f64, discordance: f64) -> usize {
    if gain.is_nan() || gain <= 0.0 {
        return usize::MAX;
    }
    let rows = (deviations() / gain).powi(2) * known(discordance);
    // A whole number of rows that comes out a rounding error above itself is that number.
    ((rows * (1.0 - 1e-12)).ceil() as usize).max(1)
}

/// The smallest margin that `n` rows show of a prompt as good as the baseline in 80 % of runs: as [`smallest_gain`], and
/// at least z²/(n + z²), which remains where no row differs ([`super::interval::tango`]).
#[must_use]
pub fn smallest_margin(n: usize, discordance: f64) -> f64 {
    let z = normal::quantile(0.975);
    smallest_gain(n, discordance).max(z * z / (n as f64 + z * z))
}

/// The fewest rows with which a share of `least` or more, in `[0, 1)`, is shown with this chance, in `(0, 0.5)`, beyond
/// the low end, which is where all rows have it: the low end of Wilson's interval is then n / (n + z²). At least 1.
#[must_use]
pub fn rows_for_share(least: f64, chance: f64) -> usize {
    let z = normal::quantile(1.0 - chance);
    let rows = (z * z * least / (1.0 - least)).ceil();
    if rows.is_finite() { rows.max(1.0) as usize } else { usize::MAX }
}

/// The fewest rows with which [`smallest_margin`] is at most `margin`, in `(0, 1]`.
#[must_use]
pub fn rows_for_margin(margin: f64, discordance: f64) -> usize {
    let z = normal::quantile(0.975);
    let without_a_difference = (z * z * (1.0 - margin) / margin).max(0.0).ceil();
    rows_needed(margin, discordance).max(without_a_difference as usize)
}

/// The chance that the low end of an interval at this level, of `rows` rows to come, is above `asked`, in `[0, 1]`, if the
/// mean is believed to be m ± √v and a row has the variance s² (`of_a_row`).
///
/// Their mean is N(m, v + s²/n). Half of the interval is z s/√n, z = Φ⁻¹(1 − the level, one-sided), and at least z²/(n + z²), which
/// [`super::interval::tango`] gives where no row differs. It averages the power over what is believed: the assurance of
/// O'Hagan, Stevens and Campbell (2005).
#[must_use]
pub fn chance_of_showing(
    believed: Posterior,
    asked: f64,
    of_a_row: f64,
    (rows, level): (u64, Level),
) -> f64 {
    let (n, z) = (rows as f64, normal::quantile(1.0 - level.one_sided));
    showing(believed, asked, of_a_row, (rows, z), z * z / (n + z * z))
}

/// The same for a mean of values of any size, whose interval has no smallest width.
#[must_use]
pub fn chance_of_showing_amount(
    believed: Posterior,
    asked: f64,
    of_a_row: f64,
    (rows, level): (u64, Level),
) -> f64 {
    showing(believed, asked, of_a_row, (rows, normal::quantile(1.0 - level.one_sided)), 0.0)
}

fn showing(
    believed: Posterior,
    asked: f64,
    of_a_row: f64,
    (rows, z): (u64, f64),
    least_half: f64,
) -> f64 {
    if rows == 0 {
        return 0.0;
    }
    let n = rows as f64;
    let half = (z * (of_a_row / n).sqrt()).max(least_half);
    let variance = believed.variance + of_a_row / n;
    Posterior { variance, ..believed }.above(asked + half)
}

fn known(discordance: f64) -> f64 {
    if discordance.is_nan() { 1.0 } else { discordance.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::super::interval::tango;
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    #[test]
    fn points_by_rows() {
        // Discordance 0.2, percentage points to one decimal.
        for (n, points) in [(50, 17.7), (100, 12.5), (200, 8.9), (400, 6.3), (1_000, 4.0)] {
            let gain = 100.0 * smallest_gain(n, 0.2);
            assert!((gain - points).abs() <= 0.05, "{n} rows: {gain}");
        }
        assert!((deviations() - 2.801_585).abs() < 1e-6);
    }

    #[test]
    fn sixty_rows_cannot_show_five_points() {
        assert!(smallest_gain(60, 0.2) > 0.05);
        assert_eq!(rows_needed(0.05, 0.2), 628);
        assert_eq!(rows_needed(0.1, 0.2), 157);
        assert_eq!(rows_needed(0.01, 0.2), 15_698, "a margin of a point");
    }

    #[test]
    fn degenerate_questions() {
        assert_eq!(smallest_gain(0, 0.2), f64::INFINITY);
        assert_eq!(smallest_gain(100, 0.0), 0.0);
        assert_eq!(smallest_gain(100, f64::NAN), smallest_gain(100, 1.0));
        assert_eq!(smallest_gain(100, 7.0), smallest_gain(100, 1.0));
        assert_eq!(rows_needed(0.1, 0.0), 1);
        for gain in [0.0, -0.1, f64::NAN] {
            assert_eq!(rows_needed(gain, 0.2), usize::MAX);
        }
    }

    /// With a true gain of that size, the interval lies above 0 about 80 % of the time.
    #[test]
    fn the_gain_is_found_about_as_often_as_promised() {
        let (rows, discordance) = (200, 0.2);
        let gain = smallest_gain(rows, discordance);
        let won = (discordance + gain) / 2.0;
        let mut rng = Seed(21).rng();
        let found = (0..1_000)
            .filter(|_| {
                let (mut wins, mut losses) = (0, 0);
                for _ in 0..rows {
                    let u: f64 = rng.random();
                    wins += usize::from(u < won);
                    losses += usize::from((won..discordance).contains(&u));
                }
                tango(wins, losses, rows).is_some_and(|interval| interval.low > 0.0)
            })
            .count();
        assert!((760..840).contains(&found), "found {found} of 1000");
    }

    #[test]
    fn a_margin_needs_rows_even_where_no_row_differs() {
        assert_eq!(rows_for_margin(0.01, 0.2), 15_698);
        assert_eq!(rows_for_margin(0.05, 0.0), 73);
        assert!(tango(0, 0, 73).unwrap().low > -0.05 && tango(0, 0, 72).unwrap().low < -0.05);
        assert!((smallest_margin(60, 0.0) - 0.060_171_852).abs() < 1e-6);
        assert_eq!(smallest_margin(400, 0.2), smallest_gain(400, 0.2));
    }

    #[test]
    fn the_chance_is_the_power_where_the_mean_is_known() {
        let known = |mean: f64| Posterior { mean, variance: 0.0 };
        // A prompt as good as the baseline, and a margin that these rows show in 80 % of cases.
        let margin = smallest_gain(400, 0.2);
        assert!(
            (chance_of_showing(known(0.0), -margin, 0.2, (400, Level::FIRST)) - 0.8).abs() < 1e-9
        );
        // One at the edge is shown in 2.5 % of cases.
        assert!(
            (chance_of_showing(known(-margin), -margin, 0.2, (400, Level::FIRST)) - 0.025).abs()
                < 1e-9
        );
        // Where no row differs, too few rows still show nothing.
        assert!(chance_of_showing(known(0.0), -0.05, 0.0, (60, Level::FIRST)) < 0.01);
        assert!(chance_of_showing(known(0.0), -0.05, 0.0, (80, Level::FIRST)) > 0.99);
        let doubtful = Posterior { mean: 0.0, variance: 0.01 };
        assert!(chance_of_showing(doubtful, -margin, 0.2, (400, Level::FIRST)) < 0.6);
        // A later look needs more.
        let later = chance_of_showing(known(0.0), -margin, 0.2, (400, Level::of_look(2)));
        assert!((0.3..0.7).contains(&later), "{later}");
        assert_eq!(chance_of_showing(known(1.0), 0.0, 0.2, (0, Level::FIRST)), 0.0);
    }

    proptest! {
        #[test]
        fn rows_and_gains_are_inverse(n in 1..100_000_usize, discordance in 0.001..1.0_f64) {
            prop_assert_eq!(rows_needed(smallest_gain(n, discordance), discordance), n);
        }

        #[test]
        fn rows_needed_are_enough_and_one_less_is_not(
            gain in 0.005..0.5_f64, discordance in 0.01..1.0_f64,
        ) {
            let n = rows_needed(gain, discordance);
            prop_assert!(smallest_gain(n, discordance) <= gain * (1.0 + 1e-9));
            prop_assert!(n == 1 || smallest_gain(n - 1, discordance) > gain);
        }
    }
}
