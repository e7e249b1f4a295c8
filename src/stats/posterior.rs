//! The posterior probability that a candidate is better than its reference, updated row by row.
//!
//! For deciding which candidate gets more rows and which becomes the incumbent. Not for claims: it
//! depends on a prior and is inspected repeatedly. Claims are made by `paired`.

use super::{binomial, normal};
use serde::{Deserialize, Serialize};

/// The smallest variance of differences that is used; otherwise a few equal rows would look
/// certain.
const SMALLEST_VARIANCE: f64 = 0.05;
/// A prior narrower than this (a standard deviation of 0.01) would let no child through.
const SMALLEST_PRIOR_VARIANCE: f64 = 1e-4;
/// How many finished children the default prior counts as, when one is fitted.
const DEFAULT_COUNTS_AS: f64 = 4.0;

/// Sums over paired differences (candidate minus reference, in `[-1, 1]`): O(1) per row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Rows seen.
    pub n: usize,
    /// Σ d.
    pub sum: f64,
    /// Σ d².
    pub sum_sq: f64,
    /// Rows with d > 0.
    pub wins: usize,
    /// Rows with d < 0.
    pub losses: usize,
}

impl Paired {
    /// Adds one row's difference. One that is not finite is ignored.
    pub fn push(&mut self, difference: f64) {
        if !difference.is_finite() {
            return;
        }
        self.n += 1;
        self.sum += difference;
        self.sum_sq += difference * difference;
        self.wins += usize::from(difference > 0.0);
        self.losses += usize::from(difference < 0.0);
    }

    /// The mean difference; `None` without rows.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// The unbiased sample variance of the differences (divisor n − 1); `None` below two rows.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let n = self.n as f64;
        let centred = self.sum_sq - self.sum * self.sum / n;
        (self.n > 1).then(|| (centred / (n - 1.0)).max(0.0))
    }

    /// The share of rows on which the two differ, in `[0, 1]`; `None` without rows.
    #[must_use]
    pub fn discordance(&self) -> Option<f64> {
        (self.n > 0).then(|| (self.wins + self.losses) as f64 / self.n as f64)
    }

    /// The sampling variance of the mean difference, [`sampling_variance`]; infinite without rows.
    #[must_use]
    pub fn sampling_variance(&self) -> f64 {
        sampling_variance(self.n, self.variance().unwrap_or(0.0))
    }
}

impl FromIterator<f64> for Paired {
    fn from_iter<I: IntoIterator<Item = f64>>(differences: I) -> Self {
        differences.into_iter().fold(Self::default(), |mut paired, difference| {
            paired.push(difference);
            paired
        })
    }
}

/// s² = max(`variance`, 0.05) / `n`: the sampling variance of the mean of `n` differences with that
/// sample variance. Infinite for `n` = 0.
#[must_use]
pub fn sampling_variance(n: usize, variance: f64) -> f64 {
    variance.max(SMALLEST_VARIANCE) / n as f64
}

/// The prior of a child's true mean difference: N(`mean`, `variance`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// m₀, in the unit of differences.
    pub mean: f64,
    /// t².
    pub variance: f64,
}

impl Default for Prior {
    /// N(−0.02, 0.06²): most children are a little worse, few differ by more than 0.1.
    fn default() -> Self {
        Self { mean: -0.02, variance: 0.06 * 0.06 }
    }
}

impl Prior {
    /// Fitted to finished children, each (mean difference d̄, its sampling variance s²).
    ///
    /// The default prior N(μ, τ²) counts as κ = 4 children, so that the first ones already move it and
    /// none decides alone: with n children of mean D,
    ///
    /// m₀ = (κ μ + n D) / (κ + n),
    /// t² = (κ τ² + max(0, Σ (d̄ − D)² + κ n (D − μ)² / (κ + n) − Σ s²)) / (κ + n), at least 10⁻⁴.
    ///
    /// The conjugate update of a normal mean and variance (Gelman et al., *Bayesian Data Analysis*, 3rd ed.,
    /// section 3.3), less what the children's own noise explains (the method of moments; Morris 1983).
    /// A child with a number that is not finite is left out.
    #[must_use]
    pub fn fit(children: &[(f64, f64)]) -> Self {
        let finished = || children.iter().filter(|(d, s2)| d.is_finite() && s2.is_finite());
        let n = finished().count() as f64;
        if n < 1.0 {
            return Self::default();
        }
        let (first, total) = (Self::default(), DEFAULT_COUNTS_AS + n);
        let average = finished().map(|(d, _)| d).sum::<f64>() / n;
        let surprise = DEFAULT_COUNTS_AS * n / total * (average - first.mean).powi(2);
        let scatter = finished().map(|(d, _)| (d - average).powi(2)).sum::<f64>() + surprise;
        let noise = finished().map(|(_, s2)| s2).sum::<f64>();
        let variance = (DEFAULT_COUNTS_AS * first.variance + (scatter - noise).max(0.0)) / total;
        Self {
            mean: (DEFAULT_COUNTS_AS * first.mean + n * average) / total,
            variance: variance.max(SMALLEST_PRIOR_VARIANCE),
        }
    }

    /// The posterior after seeing a mean difference with a sampling variance s².
    ///
    /// m = (m₀/t² + d̄/s²) / (1/t² + 1/s²), v = 1 / (1/t² + 1/s²): the conjugate normal update. An
    /// estimate or variance that is not finite changes nothing; a variance of 0 or below is taken
    /// as certain.
    #[must_use]
    pub fn given(self, estimate: f64, sampling_variance: f64) -> Posterior {
        if !estimate.is_finite() || !sampling_variance.is_finite() {
            return Posterior { mean: self.mean, variance: self.variance };
        }
        // The same as above, written so that neither variance is divided by.
        let noise = sampling_variance.max(0.0);
        let total = self.variance + noise;
        let weight = if total > 0.0 { self.variance / total } else { 1.0 };
        Posterior { mean: self.mean + weight * (estimate - self.mean), variance: weight * noise }
    }
}

/// The posterior of a candidate's true mean difference after its rows: N(`mean`, `variance`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Posterior {
    /// m, in the unit of differences.
    pub mean: f64,
    /// v.
    pub variance: f64,
}

impl Posterior {
    /// After `n` differences with this mean and sample variance; s² is [`sampling_variance`].
    #[must_use]
    pub fn new(prior: Prior, n: usize, mean: f64, variance: f64) -> Self {
        prior.given(mean, sampling_variance(n, variance))
    }

    /// After the rows in `paired`; without rows, the prior.
    #[must_use]
    pub fn of(prior: Prior, paired: &Paired) -> Self {
        prior.given(paired.mean().unwrap_or(prior.mean), paired.sampling_variance())
    }

    /// P(δ > `threshold`) = Φ((m − threshold) / √v), in `[0, 1]`.
    #[must_use]
    pub fn above(&self, threshold: f64) -> f64 {
        let lead = self.mean - threshold;
        if self.variance > 0.0 {
            normal::cdf(lead / self.variance.sqrt())
        } else if lead == 0.0 {
            0.5
        } else {
            f64::from(u8::from(lead > 0.0))
        }
    }
}

/// The Bernoulli alternative to [`Posterior::above`]: P(Beta(`wins` + 1, `losses` + 1) > ½).
///
/// The chance that the candidate wins more than half of the rows on which the two differ, under a
/// uniform prior; in `(0, 1)` but for rounding. Computed as the fair coin's
/// P(Bin(wins + losses + 1, ½) ≤ wins), the usual identity between the two tails.
#[must_use]
pub fn more_wins(wins: usize, losses: usize) -> f64 {
    binomial::at_least(losses.saturating_add(1), wins.saturating_add(losses).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
    }

    #[test]
    fn an_update_by_hand() {
        // 50 rows, mean 0.06, variance 0.18: s² = 0.0036 = t², so the posterior is half way.
        let posterior = Posterior::new(Prior::default(), 50, 0.06, 0.18);
        assert!(close(posterior.mean, 0.02) && close(posterior.variance, 0.0018), "{posterior:?}");
        // 0.02 / √0.0018 = 0.4714; Φ = 0.6813.
        assert!((posterior.above(0.0) - 0.6813).abs() < 1e-4);
        assert!(close(posterior.above(0.02), 0.5));
    }

    #[test]
    fn few_equal_rows_are_not_certain() {
        // Eight draws: the floor makes s² = 0.05 / 8 = 0.00625, not 0.
        let paired: Paired = [0.0; 8].into_iter().collect();
        let posterior = Posterior::of(Prior::default(), &paired);
        let (t2, s2) = (0.0036, 0.00625);
        assert!(close(posterior.mean, -0.02 / t2 / (1.0 / t2 + 1.0 / s2)), "{posterior:?}");
        assert!(close(posterior.variance, 1.0 / (1.0 / t2 + 1.0 / s2)));
    }

    #[test]
    fn without_rows_the_posterior_is_the_prior() {
        let prior = Prior::default();
        let expected = Posterior { mean: prior.mean, variance: prior.variance };
        assert_eq!(Posterior::of(prior, &Paired::default()), expected);
        assert_eq!(Posterior::new(prior, 0, 0.3, 0.2), expected);
        assert_eq!(prior.given(f64::NAN, 0.1), expected);
        assert_eq!((Paired::default().mean(), Paired::default().variance()), (None, None));
        assert_eq!(Paired::default().discordance(), None);
    }

    #[test]
    fn certainty_is_a_step() {
        let certain = Prior::default().given(0.1, 0.0);
        assert_eq!(certain, Posterior { mean: 0.1, variance: 0.0 });
        assert_eq!((certain.above(0.0), certain.above(0.1), certain.above(0.2)), (1.0, 0.5, 0.0));
    }

    #[test]
    fn a_prior_by_hand() {
        // Two at −0.1 and two at 0.3: mean 0.1, scatter 4 × 0.04; surprise 4 × 4 / 8 × 0.12².
        let children = [(-0.1, 0.01), (-0.1, 0.01), (0.3, 0.02), (0.3, 0.02)];
        let prior = Prior::fit(&children);
        let variance = (4.0 * 0.0036 + 0.16 + 0.0288 - 0.06) / 8.0;
        assert!(close(prior.mean, 0.04) && close(prior.variance, variance), "{prior:?}");
        // One child moves it a fifth of the way; one without rows does not count.
        let one = Prior::fit(&[(0.23, 0.01), (0.0, f64::INFINITY)]);
        assert!(close(one.mean, 0.03), "{one:?}");
        assert!(close(one.variance, (0.0144 + 0.8 * 0.0625 - 0.01) / 5.0), "{one:?}");
        assert_eq!(Prior::fit(&[(0.0, f64::INFINITY)]), Prior::default());
        assert_eq!(Prior::fit(&[]), Prior::default());
        // Many equal ones are as certain as the floor allows.
        let equal = Prior::fit(&[(-0.02, 0.01); 1_000]);
        assert!(close(equal.mean, -0.02) && close(equal.variance, 1e-4), "{equal:?}");
    }

    #[test]
    fn more_wins_agrees_with_scipy() {
        // scipy.stats.beta.sf(0.5, wins + 1, losses + 1)
        for (wins, losses, p) in [
            (0, 0, 0.5),
            (3, 1, 0.8125),
            (14, 5, 0.979_305_267_333_984_4),
            (600, 500, 0.998_717_613_601_123_4),
        ] {
            assert!(close(more_wins(wins, losses), p), "{wins}:{losses}");
            assert!(close(more_wins(losses, wins), 1.0 - p), "{losses}:{wins}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_a_row() {
        let paired: Paired = [0.5, f64::NAN, -0.5, f64::INFINITY, 0.0].into_iter().collect();
        assert_eq!(paired, Paired { n: 3, sum: 0.0, sum_sq: 0.5, wins: 1, losses: 1 });
        assert_eq!(paired.discordance(), Some(2.0 / 3.0));
    }

    proptest! {
        #[test]
        fn the_accumulator_equals_the_direct_formulas(
            differences in prop::collection::vec(-1.0..=1.0_f64, 2..60),
        ) {
            let paired: Paired = differences.iter().copied().collect();
            let n = differences.len() as f64;
            let mean = differences.iter().sum::<f64>() / n;
            let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
            prop_assert!(close(paired.mean().unwrap(), mean));
            prop_assert!(close(paired.variance().unwrap(), variance));
            prop_assert_eq!(paired.n, differences.len());
            prop_assert_eq!(paired.wins, differences.iter().filter(|d| **d > 0.0).count());
            let direct = Posterior::new(Prior::default(), paired.n, mean, variance);
            let running = Posterior::of(Prior::default(), &paired);
            prop_assert!(close(direct.mean, running.mean));
            prop_assert!(close(direct.variance, running.variance));
        }

        #[test]
        fn the_posterior_is_between_prior_and_data_and_surer_than_either(
            mean in -1.0..1.0_f64, variance in 0.0..1.0_f64, n in 1..500_usize,
        ) {
            let prior = Prior::default();
            let s2 = variance.max(0.05) / n as f64;
            let posterior = Posterior::new(prior, n, mean, variance);
            // As published, precisions and all.
            let precision = 1.0 / prior.variance + 1.0 / s2;
            prop_assert!(close(posterior.mean, (prior.mean / prior.variance + mean / s2) / precision));
            prop_assert!(close(posterior.variance, 1.0 / precision));
            prop_assert!(posterior.variance < prior.variance.min(s2));
            prop_assert!(posterior.above(-0.01) >= posterior.above(0.0));
        }
    }
}
