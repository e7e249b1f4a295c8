//! An interval for a quantile, from the order of the values alone: for latencies, whose distribution has no form.

use super::interval::Interval;
use super::normal;
use super::posterior::Posterior;
use statrs::distribution::{Binomial, DiscreteCDF};

/// The `share` quantile of values, with the given chance, in (0, 0.5), at most that the true one is beyond one of the ends.
///
/// `mean` of the interval is the sample's quantile, x₍⌈share · n⌉₎; the ends are order statistics: of all values below
/// the true quantile there are Bin(n, share) (Conover, *Practical Nonparametric Statistics*, 3rd ed., section 3.2). It
/// assumes nothing but independent rows. `None` where the values are too few for such ends: a 95 % interval of the 0.95
/// quantile needs 72 of them, one of the median 6.
#[must_use]
pub fn quantile_beyond(values: &[f64], share: f64, chance: f64) -> Option<Interval> {
    let n = values.len();
    let below = Binomial::new(share, n as u64).ok()?;
    // The end at rank r is too high with the chance of fewer than r values below the quantile.
    let low = (1..=n).take_while(|rank| below.cdf(*rank as u64 - 1) <= chance).last()?;
    // The end at rank s is too low with the chance of at least s values below it.
    let high = (low..=n).find(|rank| below.sf(*rank as u64 - 1) <= chance)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = ((share * n as f64).ceil() as usize).clamp(low, high);
    let at = |rank: usize| sorted[rank - 1];
    Some(Interval { mean: at(middle), low: at(low), high: at(high), n })
}

/// How far the `share` quantile of `mine` is below that of `theirs`, with the given chance at most that the true difference is
/// beyond one of the ends.
///
/// Each end is the difference of two ends, each of half of the chance (Bonferroni): it assumes nothing of the dependence
/// between the two, and is wider than need be where there is some. `None` as for [`quantile_beyond`].
#[must_use]
pub fn quantile_saved_beyond(
    (mine, theirs): (&[f64], &[f64]),
    share: f64,
    chance: f64,
) -> Option<Interval> {
    let [mine, theirs] = [mine, theirs].map(|it| quantile_beyond(it, share, chance / 2.0));
    let (mine, theirs) = (mine?, theirs?);
    Some(Interval {
        mean: theirs.mean - mine.mean,
        low: theirs.low - mine.high,
        high: theirs.high - mine.low,
        n: mine.n.min(theirs.n),
    })
}

/// The chance that [`quantile_saved_beyond`] of `rows` rows to come lies above 0, in `[0, 1]`, predicted from the values of
/// rows that are there.
///
/// The distance of the low end is taken to shrink with the root of the rows, and the two quantiles to be normal and
/// independent, with standard deviations of that distance / 2z each, z = Φ⁻¹(1 − half of the chance). `None` as for
/// [`quantile_beyond`].
#[must_use]
pub fn chance_of_saving(
    both: (&[f64], &[f64]),
    share: f64,
    (rows, chance): (u64, f64),
) -> Option<f64> {
    if rows < rows_for_quantile(share, chance / 2.0) as u64 {
        return Some(0.0);
    }
    let now = quantile_saved_beyond(both, share, chance)?;
    let shrinks = now.n as f64 / rows as f64;
    let half = now.mean - now.low;
    let z = normal::quantile(1.0 - chance / 2.0);
    let variance = (half / z).powi(2) / 2.0 * (1.0 + shrinks);
    Some(Posterior { mean: now.mean, variance }.above(half * shrinks.sqrt()))
}

/// The fewest values of which the greatest is an upper end for the `share` quantile.
#[must_use]
pub fn rows_for_quantile(share: f64, chance: f64) -> usize {
    // The greatest of n values is below the quantile with the chance shareⁿ.
    let rows = (chance.ln() / share.ln()).ceil();
    if rows.is_finite() { rows.max(1.0) as usize } else { usize::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    #[test]
    fn ranks_agree_with_published_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        let ends = |n: usize, share: f64| {
            quantile_beyond(&values[..n], share, 0.025).map(|it| (it.low, it.mean, it.high))
        };
        // Hahn and Meeker (1991), table A.15a: the median of 100 values lies between the 40th and the 61st.
        assert_eq!(ends(100, 0.5), Some((40.0, 50.0, 61.0)));
        // P(Bin(16, ¾) ≤ 7) = 0.0075, P(… ≤ 8) = 0.0271, P(… ≥ 15) = 0.0635, P(… ≥ 16) = 0.0100.
        assert_eq!(ends(16, 0.75), Some((8.0, 12.0, 16.0)));
        assert_eq!((ends(5, 0.5), ends(6, 0.5)), (None, Some((1.0, 3.0, 6.0))));
        assert_eq!((ends(72, 0.95).is_none(), ends(73, 0.95).is_some()), (false, true));
        assert_eq!(ends(71, 0.95), None);
        assert_eq!((rows_for_quantile(0.95, 0.025), rows_for_quantile(0.5, 0.025)), (72, 6));
        assert_eq!(quantile_beyond(&[], 0.5, 0.025), None);
    }

    #[test]
    fn a_quantile_is_saved_where_the_ends_are_apart() {
        let slow: Vec<f64> = (1..=100).map(|it| f64::from(it) + 30.0).collect();
        let fast: Vec<f64> = (1..=100).map(f64::from).collect();
        let it = quantile_saved_beyond((&fast, &slow), 0.5, 0.025).unwrap();
        // P(Bin(100, ½) ≤ 38) = 0.0105, P(… ≤ 39) = 0.0176.
        assert_eq!((it.mean, it.low, it.high, it.n), (30.0, 69.0 - 62.0, 92.0 - 39.0, 100));
        assert_eq!(quantile_saved_beyond((&fast, &slow[..6]), 0.5, 0.025), None);
    }

    #[test]
    fn the_truth_is_within_at_least_as_often_as_said() {
        // Exponential latencies, whose 0.95 quantile is ln 20.
        let truth = 20.0_f64.ln();
        let mut rng = Seed(11).rng();
        let (mut within, runs) = (0, 4_000);
        for _ in 0..runs {
            let values: Vec<f64> = (0..120).map(|_| -(1.0 - rng.random::<f64>()).ln()).collect();
            let it = quantile_beyond(&values, 0.95, 0.025).unwrap();
            within += usize::from(it.low <= truth && truth <= it.high);
        }
        let share = f64::from(within as u32) / f64::from(runs);
        assert!((0.94..0.99).contains(&share), "{share}");
    }

    /// Log-normal latencies of 200 rows, of which the median is lower by a few percent: how often 200 further rows show it,
    /// beside what is predicted on average.
    #[test]
    fn a_saving_is_shown_about_as_often_as_predicted() {
        for factor in [1.0, 0.85, 0.75, 0.6] {
            let (mut predicted, mut shown) = (0.0, 0);
            let trials = 300;
            for trial in 0..trials {
                let mut rng = Seed(9).child("trial", trial).rng();
                let mut times = |factor: f64| -> Vec<f64> {
                    let normal = |u: f64| normal::quantile(u.clamp(1e-9, 1.0 - 1e-9));
                    (0..200).map(|_| factor * (0.5 * normal(rng.random())).exp()).collect()
                };
                let (mine, theirs) = (times(factor), times(1.0));
                predicted += chance_of_saving((&mine, &theirs), 0.5, (200, 0.025)).unwrap();
                let (mine, theirs) = (times(factor), times(1.0));
                let it = quantile_saved_beyond((&mine, &theirs), 0.5, 0.025).unwrap();
                shown += u32::from(it.low > 0.0);
            }
            let (predicted, shown) = (predicted / trials as f64, f64::from(shown) / trials as f64);
            assert!((predicted - shown).abs() < 0.15, "{factor}: {predicted} {shown}");
        }
        let few = [1.0; 40];
        assert_eq!(chance_of_saving((&few, &few), 0.95, (40, 0.025)), Some(0.0));
        assert_eq!(chance_of_saving((&few, &few), 0.95, (400, 0.025)), None);
    }
}
