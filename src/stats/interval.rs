//! 95 % intervals for a mean score and for a mean paired difference.
//!
//! What is claimed is decided by an end of one, at the level of the look; a gain by the p-value in `paired` as well,
//! which is exact where an interval is approximate.

use super::bootstrap::Bca;
use super::level::Level;
use super::normal;
use crate::seed::Seed;
use serde::{Deserialize, Serialize};

/// At least so many resamples.
const SCORE_RESAMPLES: usize = 2_000;
const DIFFERENCE_RESAMPLES: usize = 10_000;
/// The chance that the truth is beyond one end of a 95 % interval.
const EACH_END: f64 = Level::FIRST.one_sided;
/// With fewer values beside the most common one, amounts may have values that did not occur.
const FEW_UNUSUAL: usize = 10;
/// Resamples or sign patterns that are more extreme than a chance that they have to show. Their number then has a standard
/// deviation of about a fifth.
const BEYOND: f64 = 20.0;
/// The most resamples: enough for the level of the 90th look.
const MOST_RESAMPLES: usize = 4_000_000;

/// How many resamples show what happens with this chance, and never fewer than usual.
pub(super) fn resamples(usual: usize, chance: f64) -> usize {
    ((BEYOND / chance).ceil() as usize).clamp(usual, MOST_RESAMPLES)
}

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
    pub(super) fn around(mean: f64, (low, high): (f64, f64), n: usize) -> Self {
        Self { mean, low: low.min(mean), high: high.max(mean), n }
    }
}

/// An interval that decides, at another level than 95 % ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The interval.
    pub interval: Interval,
    /// The chance beyond one of its ends.
    pub level: Level,
}

/// The mean score of a candidate, from one score in `[0, 1]` per row.
///
/// - All scores exactly 0 or 1: [`wilson`].
/// - Otherwise the BCa bootstrap over rows, 2,000 resamples (Efron and Tibshirani 1993, section
///   14.3), which allows for skew, and at least as wide as with z²/2 rows added at each end of the range
///   (Agresti and Coull 1998 for one proportion; for graded scores our own), so that scores that did not occur are
///   allowed for, which a bootstrap never repeats; with one row, the whole of `[0, 1]`, since one row says nothing about
///   the spread.
///
/// `None` if there are no scores, or one is not finite.
#[must_use]
pub fn of_scores(scores: &[f64], seed: Seed) -> Option<Interval> {
    of_scores_beyond(scores, EACH_END, seed)
}

/// The same with another chance, in `(0, 0.5)`, that the true mean is beyond one of its ends: 0.025 for 95 %.
#[must_use]
pub fn of_scores_beyond(scores: &[f64], chance: f64, seed: Seed) -> Option<Interval> {
    if scores.iter().all(|score| *score == 0.0 || *score == 1.0) {
        let right = scores.iter().filter(|score| **score == 1.0).count();
        return wilson_beyond(right, scores.len(), chance);
    }
    Some(Resampled::of_scores(scores, chance, seed)?.at(chance))
}

/// The mean paired difference, from one difference in `[-1, 1]` per row.
///
/// - All differences −1, 0 or 1: [`tango`].
/// - Otherwise the BCa bootstrap over rows (a paired item bootstrap, since a row carries both scores),
///   10,000 resamples, and at least as wide as with z²/2 rows added at each end of the range: a prompt that is a little
///   better on all rows may lose everything on one in a hundred, and of 100 rows a third do not show it.
///
/// `None` if there are no differences, or one is not finite.
#[must_use]
pub fn of_differences(differences: &[f64], seed: Seed) -> Option<Interval> {
    of_differences_beyond(differences, EACH_END, seed)
}

/// The same with another chance, in `(0, 0.5)`, that the true difference is beyond one of its ends.
#[must_use]
pub fn of_differences_beyond(differences: &[f64], chance: f64, seed: Seed) -> Option<Interval> {
    let count = |value: f64| differences.iter().filter(|d| **d == value).count();
    let (wins, losses) = (count(1.0), count(-1.0));
    if wins + losses + count(0.0) == differences.len() {
        return tango_beyond(wins, losses, differences.len(), chance);
    }
    Some(Resampled::of_differences(differences, chance, seed)?.at(chance))
}

/// The score interval of a difference of paired proportions, `wins` and `losses` of `n` rows; `None` for
/// `n` = 0 or more wins and losses than rows.
///
/// Tango (1998), *Statistics in Medicine* 17, 891 to 908: the differences Δ with |b − c − nΔ| ≤
/// z √(n (2q + Δ(1 − Δ))), where b are the wins, c the losses, z = Φ⁻¹(0.975), and q is the most likely share
/// of losses under Δ. It allows for wins and losses that did not occur: without any, the ends are
/// ±z² / (n + z²).
#[must_use]
pub fn tango(wins: usize, losses: usize, n: usize) -> Option<Interval> {
    tango_beyond(wins, losses, n, EACH_END)
}

fn tango_beyond(wins: usize, losses: usize, n: usize, chance: f64) -> Option<Interval> {
    if n == 0 || wins.saturating_add(losses) > n {
        return None;
    }
    let mean = (wins as f64 - losses as f64) / n as f64;
    let z = normal::quantile(1.0 - chance);
    let is_beyond = |difference: f64| tango_statistic(wins, losses, n, difference).abs() > z;
    let ends = (end(mean, -1.0, is_beyond), end(mean, 1.0, is_beyond));
    Some(Interval::around(mean, ends, n))
}

/// How many standard deviations the observed difference is above this one, in `[-1, 1]`.
pub(super) fn tango_statistic(wins: usize, losses: usize, n: usize, difference: f64) -> f64 {
    let (b, c, n) = (wins as f64, losses as f64, n as f64);
    let half = (2.0 * n - b + c) * difference - b - c;
    let root = (half * half + 8.0 * n * c * difference * (1.0 - difference)).max(0.0).sqrt();
    let share_lost = (root - half) / (4.0 * n);
    let variance = n * (2.0 * share_lost + difference * (1.0 - difference));
    let above = b - c - n * difference;
    if above.abs() < 1e-12 { 0.0 } else { above / variance.max(0.0).sqrt() }
}

/// How many standard deviations a share of successes is above this level, in `(0, 1)`: what [`wilson`] inverts.
pub(super) fn score_statistic(successes: usize, n: usize, level: f64) -> f64 {
    let above = successes as f64 / n as f64 - level;
    let deviation = (level * (1.0 - level) / n as f64).max(0.0).sqrt();
    if above.abs() < 1e-12 { 0.0 } else { above / deviation }
}

/// The last value on the way from `inside` to `limit` that is not beyond, by bisection.
fn end(inside: f64, limit: f64, is_beyond: impl Fn(f64) -> bool) -> f64 {
    if !is_beyond(limit) {
        return limit;
    }
    let (mut inside, mut beyond) = (inside, limit);
    for _ in 0..60 {
        let middle = f64::midpoint(inside, beyond);
        if is_beyond(middle) { beyond = middle } else { inside = middle }
    }
    inside
}

/// The mean of values of a unit without limits, such as what calls cost: the BCa bootstrap over rows, 10,000
/// resamples. All values equal, or one row alone: the point itself. `None` if there are no values, or one is not
/// finite.
#[must_use]
pub fn of_amounts(values: &[f64], seed: Seed) -> Option<Interval> {
    of_amounts_beyond(values, EACH_END, seed)
}

/// The same with another chance, in `(0, 0.5)`, that the true mean is beyond one of its ends: 0.025 for 95 %.
#[must_use]
pub fn of_amounts_beyond(values: &[f64], chance: f64, seed: Seed) -> Option<Interval> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let bca = || Bca::of(values, resamples(DIFFERENCE_RESAMPLES, chance), seed);
    let ends = || bca().map_or((mean, mean), |bca| bca.ends(chance));
    mean.is_finite().then(|| Interval::around(mean, ends(), values.len()))
}

/// The Wilson score interval of a proportion, `successes` of `n`; `None` for `n` = 0 or more
/// successes than trials.
///
/// Wilson (1927), without continuity correction: the proportions p with
/// |p̂ − p| ≤ z √(p(1−p)/n), z = Φ⁻¹(0.975). Covers well down to a handful of rows, and never has
/// zero width.
#[must_use]
pub fn wilson(successes: usize, n: usize) -> Option<Interval> {
    wilson_beyond(successes, n, EACH_END)
}

fn wilson_beyond(successes: usize, n: usize, chance: f64) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    let (count, share) = (n as f64, successes as f64 / n as f64);
    let z = normal::quantile(1.0 - chance);
    let scale = 1.0 + z * z / count;
    let centre = (share + z * z / (2.0 * count)) / scale;
    let half = z * (share * (1.0 - share) / count + (z / (2.0 * count)).powi(2)).sqrt() / scale;
    let ends = ((centre - half).max(0.0), (centre + half).min(1.0));
    Some(Interval::around(share, ends, n))
}

/// Graded values, resampled once: their intervals at all levels. See [`of_scores`] and [`of_differences`].
pub(super) struct Resampled {
    pub(super) mean: f64,
    n: usize,
    range: (f64, f64),
    /// `None` where all values are equal.
    bca: Option<Bca>,
    /// The sum of their squares.
    squares: f64,
}

impl Resampled {
    /// Scores, for intervals of which each end is exceeded with this chance or more. `None` if there are none, or one is
    /// not finite.
    pub(super) fn of_scores(scores: &[f64], least: f64, seed: Seed) -> Option<Self> {
        Self::of(scores, resamples(SCORE_RESAMPLES, least), (0.0, 1.0), seed)
    }

    /// The same for differences.
    pub(super) fn of_differences(differences: &[f64], least: f64, seed: Seed) -> Option<Self> {
        Self::of(differences, resamples(DIFFERENCE_RESAMPLES, least), (-1.0, 1.0), seed)
    }

    fn of(values: &[f64], resamples: usize, range: (f64, f64), seed: Seed) -> Option<Self> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        if !mean.is_finite() {
            return None;
        }
        let squares = values.iter().map(|value| value * value).sum();
        Some(Self { mean, n, range, bca: Bca::of(values, resamples, seed), squares })
    }

    /// The smallest chance that its resamples show, in (0, 0.5).
    pub(super) fn least_chance(&self) -> f64 {
        self.bca.as_ref().map_or(f64::MIN_POSITIVE, |bca| 1.0 / (bca.resamples() + 1) as f64)
    }

    /// The interval each end of which is exceeded with this chance.
    pub(super) fn at(&self, chance: f64) -> Interval {
        if self.n == 1 {
            return Interval::around(self.mean, self.range, 1);
        }
        let (low, high) = self.bca.as_ref().map_or((self.mean, self.mean), |bca| bca.ends(chance));
        let n = self.n as f64;
        let wide = with_pseudo_rows((n, n * self.mean, self.squares), self.range, chance);
        Interval::around(self.mean, (low.min(wide.0), high.max(wide.1)), self.n)
    }
}

/// Whether hardly any amount differs from the most common one: resampling then knows too little of what did not occur.
#[must_use]
pub fn has_few_unusual(values: &[f64]) -> bool {
    values.len() - most_common(values) < FEW_UNUSUAL
}

/// How many of the values are the most common one.
fn most_common(values: &[f64]) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0)
}

/// An interval that allows for values that did not occur, where a bootstrap repeats only those that did.
///
/// z²/2 rows are added at each end of the range before the normal interval is taken, z = Φ⁻¹(0.975), as Agresti and
/// Coull (1998) do for one proportion; that graded scores are treated alike is our own. For differences that are all 0
/// it is the interval of [`tango`]. Given how many values there are, their sum and the sum of their squares.
#[must_use]
pub(super) fn with_pseudo_rows(
    (rows, sum, squares): (f64, f64, f64),
    (least, most): (f64, f64),
    chance: f64,
) -> (f64, f64) {
    let z = normal::quantile(1.0 - chance);
    let n = rows + z * z;
    let sum = sum + z * z * f64::midpoint(least, most);
    let squares = squares + z * z * f64::midpoint(least * least, most * most);
    let mean = sum / n;
    let half = z * ((squares / n - mean * mean).max(0.0) / n).sqrt();
    ((mean - half).max(least), (mean + half).min(most))
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
        let equal = |n: usize| {
            let values = vec![0.5; n];
            let widths = [of_scores(&values, Seed(1)), of_differences(&values, Seed(1))];
            widths.map(|it| it.map(|it| ((it.mean, it.n), it.high - it.low)).unwrap())
        };
        for (few, many) in equal(4).into_iter().zip(equal(4_000)) {
            assert_eq!((few.0, many.0), ((0.5, 4), (0.5, 4_000)));
            assert!(few.1 > 0.4 && many.1 < 0.005 && many.1 > 0.0, "{few:?} {many:?}");
        }
        let one = Interval { mean: 0.5, low: 0.0, high: 1.0, n: 1 };
        assert_eq!(of_scores(&[0.5], Seed(1)), Some(one));
        assert_eq!(of_differences(&[0.5], Seed(1)), Some(Interval { low: -1.0, ..one }));
    }

    #[test]
    fn tango_agrees_with_published_values() {
        for (wins, losses, n, low, high) in [
            // Fagerland, Lydersen and Laake (2014), airway reactivity before and after: −0.517 to −0.026.
            (1, 7, 21, -0.517_232_276_4, -0.026_003_032_5),
            // The roots of the closed form of Yang, Sun and Hardin (2013).
            (40, 20, 160, 0.030_864_533_1, 0.218_064_244_2),
            (3, 9, 32, -0.389_697_487_1, 0.027_090_464_5),
            (5, 0, 60, 0.018_147_160_2, 0.180_689_420_2),
            (0, 0, 60, -0.060_171_852_1, 0.060_171_852_1),
            (60, 0, 60, 0.879_656_295_7, 1.0),
            (1, 0, 1, -0.586_901_371_2, 1.0),
        ] {
            let interval = tango(wins, losses, n).unwrap();
            assert!((interval.low - low).abs() < 1e-9, "{wins}:{losses} of {n}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-9, "{wins}:{losses} of {n}: {interval:?}");
            let mirrored = tango(losses, wins, n).unwrap();
            assert!((mirrored.low + interval.high).abs() < 1e-9, "{mirrored:?}");
        }
        assert_eq!((tango(0, 0, 0), tango(3, 2, 4)), (None, None));
    }

    #[test]
    fn wins_and_losses_take_tango_and_anything_between_does_not() {
        let mut differences = vec![1.0; 14];
        differences.extend([-1.0; 5]);
        differences.extend([0.0; 31]);
        assert_eq!(of_differences(&differences, Seed(2)), tango(14, 5, 50));
        differences[0] = 0.5;
        let interval = of_differences(&differences, Seed(2)).unwrap();
        // scipy.stats.bootstrap(method="BCa") of the same: 0.01 to 0.33.
        assert!((interval.low - 0.01).abs() <= 0.02, "{interval:?}");
        assert!((interval.high - 0.33).abs() <= 0.02, "{interval:?}");
    }

    /// Where few rows differ, a bootstrap covers 80 to 91 %: losses that did not occur are not in it.
    #[test]
    fn differences_of_which_few_are_other_than_zero_are_covered() {
        for (scale, won, lost) in [(1.0, 0.05, 0.02), (0.6, 0.05, 0.02), (0.6, 0.02, 0.0)] {
            let truth = scale * (won - lost);
            let covered = (0..400)
                .filter(|trial| {
                    let mut rng = Seed(13).child("trial", *trial).rng();
                    let mut difference = || match rng.random::<f64>() {
                        it if it < won => scale,
                        it if it < won + lost => -scale,
                        _ => 0.0,
                    };
                    let differences: Vec<f64> = (0..60).map(|_| difference()).collect();
                    let it = of_differences(&differences, Seed(*trial)).unwrap();
                    it.low <= truth && truth <= it.high
                })
                .count();
            assert!((370..=400).contains(&covered), "{covered} of 400 at {scale}, {won}, {lost}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        // Far apart, so that it is resamples that decide.
        let values: Vec<f64> = (0..370).map(|i| f64::from(i * i % 11) / 5.0 - 0.9).collect();
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
                let (low, high) =
                    Bca::of(&differences, 1_000, Seed(*trial)).unwrap().ends(EACH_END);
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
