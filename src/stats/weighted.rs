//! Means of rows of unequal weight, with their intervals and their tests.
//!
//! A row is a value with a weight above 0; only the ratios of weights matter. The estimate is the ratio
//! θ = Σwx / Σw, for rows that are drawn with their weights (Cochran, *Sampling Techniques*, 1977, section 6.4). Where all
//! weights are the same, each function is the one for plain values.

use super::interval::{self, Interval, with_pseudo_rows};
use super::level::Level;
use super::paired::{PairedTest, TestName};
use super::{inversion, margin, paired};
use crate::seed::Seed;

/// p-values are no smaller: a normal interval says nothing so far out.
const LEAST_CHANCE: f64 = 1e-12;

/// A value of a row and how much the row counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The value: a score in [0, 1], or a difference of two.
    pub value: f64,
    /// The weight, above 0.
    pub weight: f64,
}

/// The mean score, from one score in [0, 1] per row: as [`interval::of_scores`], with weights as [`of_differences`].
#[must_use]
pub fn of_scores(rows: &[Weighted], seed: Seed) -> Option<Interval> {
    of_scores_beyond(rows, Level::FIRST.one_sided, seed)
}

/// The same with another chance, in `(0, 0.5)`, that the true mean is beyond one of its ends: 0.025 for 95 %.
#[must_use]
pub fn of_scores_beyond(rows: &[Weighted], chance: f64, seed: Seed) -> Option<Interval> {
    if is_plain(rows) {
        return interval::of_scores_beyond(&values(rows), chance, seed);
    }
    ratio(rows, (0.0, 1.0), chance)
}

/// The mean paired difference, from one difference in [−1, 1] per row: as [`interval::of_differences`].
///
/// With weights the variance of the mean is n / (n − 1) × Σ(w(x − θ))² / (Σw)² (Cochran, equation 6.9), and the rows are as good as
/// [`effective_sample_size`] rows of equal weight. To so many rows with this mean and this variance, z²/2 rows at each end of the range are added before
/// the normal interval is taken (Agresti and Coull 1998, for one proportion), which allows for values that did not
/// occur. That it is used for weighted means and for differences is our own; `tests::coverage` measures it.
#[must_use]
pub fn of_differences(rows: &[Weighted], seed: Seed) -> Option<Interval> {
    of_differences_beyond(rows, Level::FIRST.one_sided, seed)
}

/// The same with another chance, in `(0, 0.5)`, that the true difference is beyond one of its ends.
#[must_use]
pub fn of_differences_beyond(rows: &[Weighted], chance: f64, seed: Seed) -> Option<Interval> {
    if is_plain(rows) {
        return interval::of_differences_beyond(&values(rows), chance, seed);
    }
    ratio(rows, (-1.0, 1.0), chance)
}

/// Tests whether the mean of differences is above 0: [`paired::test`]; with weights the p-value at which the interval of
/// [`of_differences`] begins to leave 0 out. Signs are not flipped there: where heavy rows lose and light ones win, a mean of 0 is not
/// symmetric around 0.
#[must_use]
pub fn superiority(differences: &[Weighted], binary: bool, level: Level, seed: Seed) -> PairedTest {
    match is_plain(differences) {
        true => paired::test(&values(differences), binary, level, seed),
        false => above(differences, 0.0, (-1.0, 1.0), TestName::WeightedMean),
    }
}

/// Tests whether the mean of differences is above `-margin`: [`margin::non_inferiority`]; with weights as
/// [`superiority`].
#[must_use]
pub fn non_inferiority(
    differences: &[Weighted],
    margin: f64,
    level: Level,
    seed: Seed,
) -> PairedTest {
    match is_plain(differences) {
        true => margin::non_inferiority(&values(differences), margin, level, seed),
        false => above(differences, -margin, (-1.0, 1.0), TestName::NonInferiority),
    }
}

/// Tests whether the mean of scores is above `asked`: [`margin::above_level`]; with weights as
/// [`superiority`].
#[must_use]
pub fn above_level(scores: &[Weighted], asked: f64, level: Level, seed: Seed) -> PairedTest {
    match is_plain(scores) {
        true => margin::above_level(&values(scores), asked, level, seed),
        false => above(scores, asked, (0.0, 1.0), TestName::Level),
    }
}

/// The effective sample size: how many rows of equal weight say as much as these, (Σw)² / Σw², from 1 to their number (Kish, *Survey Sampling*,
/// 1965, section 11.7). 0 without rows.
#[must_use]
pub fn effective_sample_size(weights: impl IntoIterator<Item = f64>) -> f64 {
    let add = |(sum, squares), weight: f64| (sum + weight, squares + weight * weight);
    let (sum, squares): (f64, f64) = weights.into_iter().fold((0.0, 0.0), add);
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// The design effect of the weights: n / [`effective_sample_size`], from 1 (Kish, section 11.7). 1 without rows.
#[must_use]
pub fn design_effect(weights: impl IntoIterator<Item = f64>) -> f64 {
    let mut rows = 0_u32;
    let size = effective_sample_size(weights.into_iter().inspect(|_| rows += 1));
    if size > 0.0 { (f64::from(rows) / size).max(1.0) } else { 1.0 }
}

/// The weighted mean; not a number without rows.
#[must_use]
pub fn mean(rows: &[Weighted]) -> f64 {
    if is_plain(rows) {
        return values(rows).iter().sum::<f64>() / rows.len() as f64;
    }
    let sum: f64 = rows.iter().map(|row| row.weight * row.value).sum();
    sum / rows.iter().map(|row| row.weight).sum::<f64>()
}

fn is_plain(rows: &[Weighted]) -> bool {
    rows.windows(2).all(|pair| pair[0].weight == pair[1].weight)
}

fn values(rows: &[Weighted]) -> Vec<f64> {
    rows.iter().map(|row| row.value).collect()
}

/// The test that inverts the interval of weighted rows.
fn above(rows: &[Weighted], value: f64, range: (f64, f64), name: TestName) -> PairedTest {
    let at = |chance: f64| ratio(rows, range, chance);
    let p_value = match at(Level::FIRST.one_sided) {
        None => 1.0,
        Some(usual) => inversion::above((usual.mean, value), LEAST_CHANCE, |chance| {
            at(chance).unwrap_or(usual)
        }),
    };
    PairedTest { p_value, name }
}

/// See [`of_differences`].
fn ratio(rows: &[Weighted], range: (f64, f64), chance: f64) -> Option<Interval> {
    let (n, mean) = (rows.len() as f64, mean(rows));
    if !mean.is_finite() {
        return None;
    }
    let of_each = rows.iter().map(|row| row.weight).sum::<f64>() / n;
    let error = |row: &Weighted| (row.weight / of_each * (row.value - mean)).powi(2);
    let variance_of_mean = rows.iter().map(error).sum::<f64>() / (n * (n - 1.0).max(1.0));
    let size = effective_sample_size(rows.iter().map(|row| row.weight));
    // As many rows of equal weight, with the same mean and the same variance of it.
    let squares = size * (variance_of_mean * size + mean * mean);
    let ends = with_pseudo_rows((size, size * mean, squares), range, chance);
    Some(Interval::around(mean, ends, rows.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn rows(pairs: &[(f64, f64)]) -> Vec<Weighted> {
        pairs.iter().map(|&(value, weight)| Weighted { value, weight }).collect()
    }

    #[test]
    fn equal_weights_change_nothing() {
        let plain: Vec<f64> = (0..60).map(|row| f64::from(u8::from(row % 3 > 0))).collect();
        let graded: Vec<f64> = (0..60).map(|row| f64::from(row % 7) / 7.0).collect();
        for values in [plain, graded] {
            let rows: Vec<Weighted> =
                values.iter().map(|value| Weighted { value: *value, weight: 0.1 }).collect();
            assert_eq!(of_scores(&rows, Seed(1)), interval::of_scores(&values, Seed(1)));
            assert_eq!(of_differences(&rows, Seed(1)), interval::of_differences(&values, Seed(1)));
            assert_eq!(
                superiority(&rows, true, Level::FIRST, Seed(1)),
                paired::test(&values, true, Level::FIRST, Seed(1))
            );
            let margin = margin::non_inferiority(&values, 0.1, Level::FIRST, Seed(1));
            assert_eq!(non_inferiority(&rows, 0.1, Level::FIRST, Seed(1)), margin);
            assert_eq!(
                above_level(&rows, 0.5, Level::FIRST, Seed(1)),
                margin::above_level(&values, 0.5, Level::FIRST, Seed(1))
            );
        }
    }

    #[test]
    fn a_heavy_row_counts_more_and_is_worth_fewer_rows() {
        let skewed = rows(&[(1.0, 8.0), (0.0, 1.0), (0.0, 1.0)]);
        assert_eq!(mean(&skewed), 0.8);
        assert!((effective_sample_size([8.0, 1.0, 1.0]) - 100.0 / 66.0).abs() < 1e-12);
        assert_eq!((effective_sample_size([2.0; 7]), effective_sample_size([])), (7.0, 0.0));
        assert!((design_effect([8.0, 1.0, 1.0]) - 3.0 * 66.0 / 100.0).abs() < 1e-12);
        assert_eq!((design_effect([2.0; 7]), design_effect([])), (1.0, 1.0));
        let wide = of_scores(&skewed, Seed(1)).unwrap();
        assert!(wide.low < 0.3 && wide.high <= 1.0 && wide.n == 3, "{wide:?}");
        // All right: rows of very different weights say less than as many of equal weight.
        let right: Vec<Weighted> = (0..100)
            .map(|row| Weighted { value: 1.0, weight: if row < 4 { 24.0 } else { 1.0 } })
            .collect();
        let low = of_scores(&right, Seed(1)).unwrap().low;
        let alike = interval::wilson(100, 100).unwrap().low;
        assert!(low < alike - 0.15, "{low} {alike}");
        assert_eq!(of_scores(&[], Seed(1)), None);
        assert_eq!(of_scores(&rows(&[(f64::NAN, 1.0), (0.5, 2.0)]), Seed(1)), None);
    }

    /// A test with weights is one of what the rows are worth: the heavy row decides.
    #[test]
    fn weights_decide_what_is_better() {
        // Few heavy rows lost, many light ones won: better by count, worse by weight.
        let pairs: Vec<(f64, f64)> =
            (0..100).map(|row| if row < 20 { (-1.0, 10.0) } else { (1.0, 1.0) }).collect();
        let differences = rows(&pairs);
        let alike = rows(&pairs.iter().map(|(value, _)| (*value, 1.0)).collect::<Vec<_>>());
        assert!(superiority(&alike, true, Level::FIRST, Seed(1)).p_value < 0.001);
        assert!(superiority(&differences, true, Level::FIRST, Seed(1)).p_value > 0.9);
        assert!(of_differences(&differences, Seed(1)).unwrap().high < 0.0);
        assert!(non_inferiority(&differences, 0.9, Level::FIRST, Seed(1)).p_value < 0.01);
        let worse = of_differences(&differences, Seed(1)).unwrap().mean;
        assert!((worse + 120.0 / 280.0).abs() < 1e-12, "{worse}");
    }

    /// How often, of `trials` of 150 rows, an interval's low end is above the truth, its high end below it, and the test at 5 %
    /// is wrong. Weights are log-normal; heavy rows lose, and light rows win so much more often that the mean is 0.
    fn wrong(trials: u64, sigma: f64) -> [usize; 3] {
        // The share of all weight that is in weights above 1.
        let heavy = crate::stats::normal::cdf(sigma);
        let lost = 0.1;
        let won = lost * heavy / (1.0 - heavy);
        let mut wrong = [0; 3];
        for trial in 0..trials {
            let mut rng = Seed(5).child("trial", trial).rng();
            let mut row = || {
                let normal: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
                let weight = (sigma * normal).exp();
                let (value, chance) = if weight > 1.0 { (-1.0, lost) } else { (1.0, won) };
                let value = if rng.random::<f64>() < chance { value } else { 0.0 };
                Weighted { value, weight }
            };
            let differences: Vec<Weighted> = (0..150).map(|_| row()).collect();
            let interval = of_differences(&differences, Seed(1)).unwrap();
            let test = superiority(&differences, true, Level::FIRST, Seed(1));
            wrong[0] += usize::from(interval.low > 0.0);
            wrong[1] += usize::from(interval.high < 0.0);
            wrong[2] += usize::from(test.p_value <= 0.05);
        }
        wrong
    }

    #[test]
    fn light_rows_that_win_are_no_gain_where_heavy_ones_lose() {
        for sigma in [0.4, 0.8, 1.2] {
            let [above, below, test] = wrong(400, sigma);
            // 2.5 % of 400 are 10, with a standard deviation of 3.1; 5 % are 20, of 4.4.
            assert!(above <= 20 && below <= 20 && test <= 34, "{sigma}: {above} {below} {test}");
        }
    }

    #[test]
    fn a_p_value_is_the_level_at_which_its_interval_ends() {
        let differences = rows(&[(1.0, 3.0), (1.0, 1.0), (-1.0, 1.0), (0.5, 2.0), (0.0, 1.5)]);
        for margin in [0.2, 0.5, 0.0] {
            let p = non_inferiority(&differences, margin, Level::FIRST, Seed(1)).p_value;
            let low = |chance| of_differences_beyond(&differences, chance, Seed(1)).unwrap().low;
            assert!(low(p * 1.001) > -margin && low(p * 0.999) <= -margin, "{margin} {p}");
        }
        let against: Vec<Weighted> =
            differences.iter().map(|row| Weighted { value: -row.value, ..*row }).collect();
        let (gain, loss) = (
            superiority(&differences, true, Level::FIRST, Seed(1)),
            superiority(&against, true, Level::FIRST, Seed(1)),
        );
        assert!((gain.p_value + loss.p_value - 1.0).abs() < 1e-9);
        assert_eq!(
            (gain.name, superiority(&[], true, Level::FIRST, Seed(1)).p_value),
            (TestName::WeightedMean, 1.0)
        );
        // All right: about as small as the chance of that at the level, 0.95 to the 27th, which they are worth.
        let right: Vec<Weighted> = (0..30)
            .map(|row| Weighted { value: 1.0, weight: if row < 15 { 1.0 } else { 2.0 } })
            .collect();
        assert!(above_level(&right, 0.95, Level::FIRST, Seed(1)).p_value > 0.1);
    }
}
