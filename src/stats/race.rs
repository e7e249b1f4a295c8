//! Tests that end a race between two candidates: is the mean of the paired differences above 0?
//!
//! For dropping candidates while rows arrive. Not for claims: only the e-process stays valid when
//! it is looked at after every row, none of them is corrected for the number of candidates, and
//! the final claim has a test of its own in `paired`.
//!
//! Every function takes differences, one per row, in `[-1, 1]`. One that is not finite is left
//! out, as in [`Paired`]. The e-process and the Bernstein bound rest on that range, so they clamp
//! to it.

use super::paired::mcnemar_exact;
use super::posterior::{Paired, Posterior, Prior};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The stakes that [`ln_e_value`] mixes, each in `(0, 1)` so that the wealth stays above 0.
const STAKES: [f64; 6] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7];
/// The width of the range of a difference, R of the Bernstein bound.
const RANGE: f64 = 2.0;

/// The test that a race uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RaceTest {
    /// [`paired_t`]
    PairedT,
    /// [`sign`]
    Sign,
    /// [`ln_e_value`]
    EProcess,
    /// [`bernstein`]
    Bernstein,
    /// [`bayes`]
    Bayes,
}

/// The evidence for a mean above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A p-value in `[0, 1]`.
    PValue(f64),
    /// An e-value, 0 or more and finite: its mean is at most 1 if the candidate is no better.
    EValue(f64),
    /// The posterior chance, in `[0, 1]`, that the candidate is no better.
    NoBetter(f64),
}

impl Evidence {
    /// Whether this is enough at level `alpha`, in `(0, 1)`: p ≤ α, E ≥ 1/α (Ville's inequality),
    /// or a posterior chance below α.
    #[must_use]
    pub fn suffices(self, alpha: f64) -> bool {
        match self {
            Self::PValue(p) => p <= alpha,
            Self::EValue(e) => e * alpha >= 1.0,
            Self::NoBetter(chance) => chance < alpha,
        }
    }
}

impl RaceTest {
    /// Whether a candidate is significantly worse than its reference at level `alpha`, in
    /// `(0, 1)`, given its scores minus the reference's. Never without rows.
    #[must_use]
    pub fn is_worse(&self, differences: &[f64], alpha: f64) -> bool {
        let reversed: Vec<f64> = differences.iter().map(|d| -d).collect();
        // Seen from the reference, the candidate's prior has the other sign.
        let Prior { mean, variance } = Prior::default();
        let prior = Prior { mean: -mean, variance };
        differences.iter().any(|d| d.is_finite()) && self.with(&reversed, prior).suffices(alpha)
    }

    /// The evidence that the mean of `differences` (candidate minus reference) is above 0, in the
    /// unit of this test.
    #[must_use]
    pub fn p_or_evidence(&self, differences: &[f64]) -> Evidence {
        self.with(differences, Prior::default())
    }

    fn with(self, differences: &[f64], prior: Prior) -> Evidence {
        match self {
            Self::PairedT => Evidence::PValue(paired_t(differences)),
            Self::Sign => Evidence::PValue(sign(differences)),
            Self::EProcess => Evidence::EValue(ln_e_value(differences).exp().min(f64::MAX)),
            Self::Bernstein => Evidence::PValue(bernstein(differences)),
            Self::Bayes => Evidence::NoBetter(bayes(differences, prior)),
        }
    }
}

/// The one-sided paired t-test, in `[0, 1]`: Student (1908).
///
/// P(T ≥ d̄ / √(s²/n)) with n − 1 degrees of freedom. Exact for normal differences, about right for
/// others from some tens of rows on. Where all differences are equal there is nothing to estimate:
/// 0 if they are above 0. With fewer than two, or all 0, there is no evidence: 1.
#[must_use]
pub fn paired_t(differences: &[f64]) -> f64 {
    let paired: Paired = differences.iter().copied().collect();
    let (Some(mean), Some(variance)) = (paired.mean(), paired.variance()) else { return 1.0 };
    let n = paired.n as f64;
    // Below this, the variance is the rounding of sums.
    if variance <= 1e-14 * mean * mean || paired.sum_sq == 0.0 {
        return f64::from(u8::from(mean <= 0.0));
    }
    StudentsT::new(0.0, 1.0, n - 1.0).map_or(1.0, |t| t.sf(mean / (variance / n).sqrt()))
}

/// The exact one-sided sign test, in `(0, 1]`: P(Bin(wins + losses, ½) ≥ wins), rows without a
/// difference left out (Conover, *Practical Nonparametric Statistics*, section 3.4).
///
/// It tests whether wins and losses are equally likely, which says the same as the mean for right
/// and wrong answers and less for graded ones. Without wins and losses: 1.
#[must_use]
pub fn sign(differences: &[f64]) -> f64 {
    let paired: Paired = differences.iter().copied().collect();
    mcnemar_exact(paired.wins, paired.losses)
}

/// ln E of a test by betting: E = mean over λ of ∏ (1 + λ dᵢ), λ in .05, .1, .2, .3, .5, .7.
///
/// Waudby-Smith and Ramdas (2024), *Estimating means of bounded random variables by betting*,
/// sections 4 and 5. While E\[dᵢ | past\] ≤ 0, E is a non-negative supermartingale that starts at
/// 1, so by Ville's inequality it ever reaches 1/α with a chance of at most α: it may be looked at
/// after every row. Without rows, 0.
#[must_use]
pub fn ln_e_value(differences: &[f64]) -> f64 {
    let of = |stake: f64| -> f64 {
        let finite = differences.iter().filter(|d| d.is_finite());
        finite.map(|d| (stake * d.clamp(-1.0, 1.0)).ln_1p()).sum()
    };
    let each = STAKES.map(of);
    let most = each.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = each.iter().map(|ln| (ln - most).exp()).sum();
    most + (sum / STAKES.len() as f64).ln()
}

/// The empirical Bernstein p-value, in `[0, 1]`: the smallest δ at which [`half_width`] is no more
/// than the mean difference. Valid for any bounded differences and any number of rows, and weak
/// below some hundreds of them. With fewer than two, or a mean of at most 0: 1.
#[must_use]
pub fn bernstein(differences: &[f64]) -> f64 {
    let finite = differences.iter().filter(|d| d.is_finite());
    let paired: Paired = finite.map(|d| d.clamp(-1.0, 1.0)).collect();
    let (Some(mean), Some(variance)) = (paired.mean(), paired.variance()) else { return 1.0 };
    if mean <= 0.0 {
        return 1.0;
    }
    // With x = √ln(3/δ), mean = a x² + b x has one root above 0.
    let n = paired.n as f64;
    let (a, b) = (3.0 * RANGE / n, (2.0 * variance / n).sqrt());
    let x = ((b * b + 4.0 * a * mean).sqrt() - b) / (2.0 * a);
    (3.0 * (-x * x).exp()).min(1.0)
}

/// How far, at most, the mean of `n` differences with this sample variance is off but for a chance
/// of `delta` in `(0, 1)`: √(2V ln(3/δ)/n) + 3R ln(3/δ)/n with R = 2. Infinite for `n` = 0.
///
/// The bound of Maurer and Pontil (2009), *Empirical Bernstein bounds and sample variance
/// penalization*, with the constants of Audibert, Munos and Szepesvári (2009), theorem 1; it holds
/// on both sides at once.
#[must_use]
pub fn half_width(n: usize, variance: f64, delta: f64) -> f64 {
    let (n, log) = (n as f64, (3.0 / delta).ln());
    if n == 0.0 {
        return f64::INFINITY;
    }
    (2.0 * variance * log / n).sqrt() + 3.0 * RANGE * log / n
}

/// P(δ ≤ 0) of the normal posterior under `prior`, in `[0, 1]`: see [`Posterior`]. Without rows,
/// what the prior says.
#[must_use]
pub fn bayes(differences: &[f64], prior: Prior) -> f64 {
    let posterior = Posterior::of(prior, &differences.iter().copied().collect());
    1.0 - posterior.above(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    const ALL: [RaceTest; 5] = [
        RaceTest::PairedT,
        RaceTest::Sign,
        RaceTest::EProcess,
        RaceTest::Bernstein,
        RaceTest::Bayes,
    ];

    /// Darwin's maize, crossed minus self-fertilised, as shares of 80 eighths of an inch.
    fn maize() -> Vec<f64> {
        [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
            .map(|d| f64::from(d) / 80.0)
            .to_vec()
    }

    #[test]
    fn names_are_in_snake_case() {
        let names = serde_json::to_string(&ALL).unwrap();
        assert_eq!(names, r#"["paired_t","sign","e_process","bernstein","bayes"]"#);
    }

    #[test]
    fn t_agrees_with_fisher() {
        // Fisher (1935), section 17: t = 2.148 with 14 degrees of freedom, p = 0.0497 two-sided.
        assert!((paired_t(&maize()) - 0.024_85).abs() < 1e-5, "{}", paired_t(&maize()));
        // One degree of freedom is Cauchy: t = 3, P = ½ − atan(3)/π.
        let p = 0.5 - 3.0_f64.atan() / std::f64::consts::PI;
        assert!((paired_t(&[0.2, 0.4]) - p).abs() < 1e-10);
    }

    #[test]
    fn equal_differences_decide_the_t_test() {
        assert_eq!(paired_t(&[0.1; 3]), 0.0);
        assert_eq!(paired_t(&[-0.1; 7]), 1.0);
        for nothing in [&[0.0; 5][..], &[0.7], &[], &[f64::NAN, 0.5]] {
            assert_eq!(paired_t(nothing), 1.0, "{nothing:?}");
        }
        assert!(RaceTest::PairedT.is_worse(&[-1.0, -1.0], 0.01));
    }

    #[test]
    fn sign_by_hand() {
        // Three wins, one loss: 5 of 16.
        assert!((sign(&[0.5, 0.1, 0.0, 1.0, -0.9]) - 5.0 / 16.0).abs() < 1e-12);
        assert_eq!(sign(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn e_values_by_hand() {
        assert_eq!(ln_e_value(&[]), 0.0);
        // One won row: 1 + the mean stake.
        let mean = STAKES.iter().sum::<f64>() / 6.0;
        assert!((ln_e_value(&[1.0]).exp() - 1.0 - mean).abs() < 1e-12);
        let two: f64 = STAKES.iter().map(|s| (1.0 + s) * (1.0 - s / 2.0)).sum::<f64>() / 6.0;
        assert!((ln_e_value(&[1.0, -0.5]).exp() - two).abs() < 1e-12);
        // Far beyond a double, it is still a number.
        let evidence = RaceTest::EProcess.p_or_evidence(&[1.0; 5_000]);
        assert_eq!(evidence, Evidence::EValue(f64::MAX));
        assert!(ln_e_value(&[-1.0; 5_000]).is_finite());
    }

    #[test]
    fn bernstein_widths_as_in_the_design() {
        for (n, width) in [(30, 0.89), (100, 0.32), (300, 0.135), (1000, 0.057)] {
            assert!((half_width(n, 0.2, 0.1) - width).abs() < 0.015, "{n}");
        }
        assert_eq!(half_width(0, 0.2, 0.1), f64::INFINITY);
    }

    #[test]
    fn bayes_by_hand() {
        // As in `posterior`: eight draws leave N(−0.0127, 0.00228), and Φ(−0.2657) = 0.3952.
        let (t2, s2) = (0.0036, 0.05 / 8.0);
        let v: f64 = 1.0 / (1.0 / t2 + 1.0 / s2);
        let better = super::super::normal::cdf(-0.02 / t2 * v / v.sqrt());
        assert!((bayes(&[0.0; 8], Prior::default()) - (1.0 - better)).abs() < 1e-12);
        // The prior is the candidate's, whichever way the question is put.
        assert!(RaceTest::Bayes.is_worse(&[0.0; 8], better + 1e-6));
        assert!(!RaceTest::Bayes.is_worse(&[0.0; 8], better - 1e-6));
    }

    #[test]
    fn no_rows_are_never_worse() {
        for test in ALL {
            for nothing in [&[][..], &[f64::NAN], &[f64::INFINITY; 3]] {
                assert!(!test.is_worse(nothing, 0.5), "{test:?}");
            }
        }
    }

    #[test]
    fn many_losses_are_worse_and_many_wins_are_not() {
        for test in ALL {
            assert!(test.is_worse(&[-1.0; 200], 0.05), "{test:?}");
            assert!(!test.is_worse(&[1.0; 200], 0.05), "{test:?}");
            assert!(test.p_or_evidence(&[1.0; 200]).suffices(0.05), "{test:?}");
        }
    }

    /// Differences with mean 0: right-or-wrong with 40 % disagreement, and a skewed one that wins
    /// little and often and loses much and rarely.
    fn null(skewed: bool, rng: &mut impl Rng) -> f64 {
        let u: f64 = rng.random();
        match skewed {
            true if u < 0.1 => -0.9,
            true => 0.1,
            false if u < 0.2 => -1.0,
            false if u < 0.4 => 1.0,
            false => 0.0,
        }
    }

    /// How often equal candidates are called worse, when looked at after each of `looks`.
    fn false_alarms(test: RaceTest, skewed: bool, alpha: f64, looks: &[usize]) -> f64 {
        let runs = 2_000;
        let alarms = (0..runs).filter(|run| {
            let mut rng = Seed(7).child("race", *run).rng();
            let most = looks.iter().max().unwrap();
            let differences: Vec<f64> = (0..*most).map(|_| -null(skewed, &mut rng)).collect();
            looks.iter().any(|n| test.is_worse(&differences[..*n], alpha))
        });
        alarms.count() as f64 / runs as f64
    }

    #[test]
    fn the_e_process_may_be_looked_at_after_every_row() {
        let every: Vec<usize> = (1..=200).collect();
        for skewed in [false, true] {
            // 2,000 runs: three standard errors of 0.1 are 0.02, but the bound is not tight.
            let rate = false_alarms(RaceTest::EProcess, skewed, 0.1, &every);
            assert!(rate <= 0.1, "{rate} with skewed = {skewed}");
        }
    }

    #[test]
    fn the_others_keep_their_level_at_a_fixed_number_of_rows() {
        for (test, skewed, most) in [
            (RaceTest::PairedT, false, 0.12),
            (RaceTest::Sign, false, 0.1),
            (RaceTest::Bernstein, false, 0.1),
            (RaceTest::Bernstein, true, 0.1),
            (RaceTest::Bayes, false, 0.15),
        ] {
            let rate = false_alarms(test, skewed, 0.1, &[100]);
            assert!(rate <= most, "{test:?}: {rate}");
        }
        // And looking often breaks a test that is made for one look.
        let every: Vec<usize> = (10..=200).step_by(10).collect();
        assert!(false_alarms(RaceTest::PairedT, false, 0.1, &every) > 0.2);
    }

    proptest! {
        #[test]
        fn every_test_is_in_range_and_a_better_row_is_never_less_evidence(
            differences in prop::collection::vec(-1.0..=1.0_f64, 1..40), at: prop::sample::Index,
        ) {
            let mut better = differences.clone();
            better[at.index(differences.len())] = 1.0;
            for d in [&differences, &better] {
                for p in [paired_t(d), sign(d), bernstein(d), bayes(d, Prior::default())] {
                    prop_assert!((0.0..=1.0).contains(&p));
                }
            }
            prop_assert!(ln_e_value(&better) >= ln_e_value(&differences) - 1e-12);
            prop_assert!(sign(&better) <= sign(&differences) + 1e-12);
        }

        #[test]
        fn the_bernstein_p_value_inverts_its_bound(
            differences in prop::collection::vec(-0.5..=1.0_f64, 2..400),
        ) {
            let p = bernstein(&differences);
            if p < 1.0 && p > 1e-200 {
                let paired: Paired = differences.iter().copied().collect();
                let width = half_width(paired.n, paired.variance().unwrap(), p);
                prop_assert!((width - paired.mean().unwrap()).abs() < 1e-9);
            }
        }

        #[test]
        fn no_candidate_is_better_and_worse_at_once(
            differences in prop::collection::vec(-1.0..=1.0_f64, 1..60), alpha in 0.001..0.3_f64,
        ) {
            for test in ALL {
                let better = test.p_or_evidence(&differences).suffices(alpha);
                prop_assert!(!(better && test.is_worse(&differences, alpha)), "{:?}", test);
            }
        }
    }
}
