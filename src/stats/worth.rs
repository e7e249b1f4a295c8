//! What the rest of a candidate's rows is worth, beside new candidates for the same dollars.
//!
//! A search writes a child, looks at its first rows, and then pays for the rest of them or writes the next. Its
//! gain per dollar in the long run is highest where it pays for the rest exactly while that brings more per dollar
//! than the search as a whole (renewal reward: Ross, *Stochastic Processes*, 2nd ed., section 3.6; as a rule of
//! search: Weitzman 1979; as the marginal value theorem: Charnov 1976). Gains are expected improvements over the
//! incumbent (Jones, Schonlau and Welch 1998). Not for claims: all of it rests on a prior.

use super::normal;
use super::posterior::{Posterior, Prior};

/// What a child is expected to be, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Child {
    /// What is believed of its difference from the incumbent before its first row.
    pub prior: Prior,
    /// The variance of a row's difference.
    pub row_variance: f64,
    /// Rows before it may be dropped, at least 1.
    pub first_rows: f64,
    /// Rows after these.
    pub rest_rows: f64,
    /// Dollars until it is there: evidence and requests.
    pub usd: f64,
    /// Dollars for a row.
    pub usd_per_row: f64,
}

/// Points of the standard normal, and their weights, over which first results are averaged.
const POINTS: i32 = 24;
/// Of them in a standard deviation.
const PER_DEVIATION: f64 = 6.0;
/// Halvings of the interval in which the rate lies: to one in a million of it.
const HALVINGS: u32 = 20;

impl Child {
    /// Gain per dollar of a search for such children, ρ: the root of
    ///
    /// E[max(0, V − ρ · `rest_rows` · `usd_per_row`)] = ρ (`usd` + `first_rows` · `usd_per_row`),
    ///
    /// where V is [`expected_gain`] of the rest after the first rows, and the mean is over what these may show.
    /// `None` where a child costs nothing.
    #[must_use]
    pub fn gain_per_dollar(&self) -> Option<f64> {
        let first_usd = self.usd + self.first_rows * self.usd_per_row;
        let rest_usd = self.rest_rows * self.usd_per_row;
        if !(first_usd > 0.0 && rest_usd >= 0.0) {
            return None;
        }
        let noise = self.row_variance / self.first_rows.max(1.0);
        let variance = self.prior.given(0.0, noise).variance;
        let spread = (self.prior.variance - variance).max(0.0).sqrt();
        let density = |point: i32| normal::pdf(f64::from(point) / PER_DEVIATION);
        let total: f64 = (-POINTS..=POINTS).map(density).sum();
        let values: Vec<(f64, f64)> = (-POINTS..=POINTS)
            .map(|point| {
                let mean = self.prior.mean + spread * f64::from(point) / PER_DEVIATION;
                let rest = Posterior { mean, variance };
                let gain = expected_gain(rest, self.row_variance, self.rest_rows);
                (density(point) / total, gain)
            })
            .collect();
        let excess = |rate: f64| {
            let of_rest: f64 = values
                .iter()
                .map(|(weight, gain)| weight * (gain - rate * rest_usd).max(0.0))
                .sum();
            of_rest - rate * first_usd
        };
        let (mut low, mut high) =
            (0.0, values.iter().map(|(w, gain)| w * gain).sum::<f64>() / first_usd);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if excess(middle) > 0.0 { low = middle } else { high = middle }
        }
        Some(f64::midpoint(low, high))
    }
}

/// E[max(0, M)], the gain that is expected of a candidate that is kept where it is better after `rows` more rows:
/// M, its posterior mean by then, is normal around the mean of now, with the variance that the rows explain. Rows
/// whose differences have the variance `row_variance`; without rows max(0, mean).
#[must_use]
pub fn expected_gain(belief: Posterior, row_variance: f64, rows: f64) -> f64 {
    if rows <= 0.0 || belief.variance <= 0.0 {
        return belief.mean.max(0.0);
    }
    let explained = belief.variance * belief.variance / (belief.variance + row_variance / rows);
    let spread = explained.sqrt();
    let lead = belief.mean / spread;
    spread * normal::pdf(lead) + belief.mean * normal::cdf(lead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::Rng;

    fn child(usd: f64, usd_per_row: f64) -> Child {
        let (first_rows, rest_rows) = (8.0, 40.0);
        Child {
            prior: Prior::default(),
            row_variance: 0.2,
            first_rows,
            rest_rows,
            usd,
            usd_per_row,
        }
    }

    /// The rule at a rate, played: gain per dollar over many children.
    fn played(of: Child, rate: f64, children: u32) -> f64 {
        let mut rng = crate::seed::Seed(7).rng();
        let (mut gain, mut usd) = (0.0, 0.0);
        let normal = |rng: &mut rand_chacha::ChaCha8Rng| -> f64 {
            (0..12).map(|_| rng.random_range(0.0..1.0)).sum::<f64>() - 6.0
        };
        for _ in 0..children {
            let truth = of.prior.mean + of.prior.variance.sqrt() * normal(&mut rng);
            let seen = |rows: f64, rng: &mut rand_chacha::ChaCha8Rng| {
                truth + (of.row_variance / rows).sqrt() * normal(rng)
            };
            usd += of.usd + of.first_rows * of.usd_per_row;
            let belief =
                of.prior.given(seen(of.first_rows, &mut rng), of.row_variance / of.first_rows);
            let rest_usd = of.rest_rows * of.usd_per_row;
            if expected_gain(belief, of.row_variance, of.rest_rows) < rate * rest_usd {
                continue;
            }
            usd += rest_usd;
            let prior = Prior { mean: belief.mean, variance: belief.variance };
            let last = prior.given(seen(of.rest_rows, &mut rng), of.row_variance / of.rest_rows);
            // It is kept where it looks better, and gains what it is.
            gain += if last.mean > 0.0 { truth } else { 0.0 };
        }
        gain / usd
    }

    #[test]
    fn the_rate_is_what_the_rule_brings_and_no_other_threshold_brings_more() {
        for of in [child(0.009, 0.0003), child(0.0006, 0.0003), child(0.09, 0.0003)] {
            let rate = of.gain_per_dollar().unwrap();
            let best = played(of, rate, 200_000);
            assert!((best / rate - 1.0).abs() < 0.05, "{best} for {rate}");
            for other in [0.0, 0.4, 2.5] {
                assert!(played(of, rate * other, 200_000) < best * 1.02, "{other}");
            }
        }
    }

    #[test]
    fn a_dearer_child_is_looked_at_for_longer() {
        let of = |usd: f64| child(usd, 0.0003).gain_per_dollar().unwrap();
        assert!(of(0.0006) > 1.9 * of(0.009) && of(0.009) > 1.9 * of(0.09));
        assert_eq!(child(0.0, 0.0).gain_per_dollar(), None);
    }

    #[test]
    fn by_hand() {
        // Without more rows nothing changes any more.
        let of =
            |mean: f64, rows: f64| expected_gain(Posterior { mean, variance: 0.01 }, 0.2, rows);
        assert_eq!((of(0.05, 0.0), of(-0.05, 0.0)), (0.05, 0.0));
        // At a mean of 0 half of the time the spread's half-normal mean: √(v²/(v + s²)) φ(0).
        assert!((of(0.0, 20.0) - (0.0001_f64 / 0.02).sqrt() * 0.398_942).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn more_rows_bring_more_and_never_less_than_what_is_known(
            mean in -0.5..0.5, variance in 0.0..0.1, rows in 0.0..200.0,
        ) {
            let belief = Posterior { mean, variance };
            let gain = expected_gain(belief, 0.2, rows);
            prop_assert!(gain >= mean.max(0.0) - 1e-9 && gain.is_finite());
            prop_assert!(expected_gain(belief, 0.2, rows + 8.0) >= gain - 1e-9);
        }
    }
}
