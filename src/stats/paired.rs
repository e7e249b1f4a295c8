//! One-sided tests of "the candidate is better than the reference" on paired rows.
//!
//! For the single confirmation at the end, on held-out rows. Repeated tests while rows arrive, or
//! tests of the best of several candidates, need a correction that is not made here.

use super::level::Level;
use super::{binomial, bootstrap, interval};
use crate::seed::Seed;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Up to this many differences other than 0, all sign patterns are counted (2¹⁶ = 65,536).
const ENUMERATED: usize = 16;
const PERMUTATIONS: usize = 10_000;

/// Which test gave a p-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestName {
    /// [`mcnemar_exact`]
    Mcnemar,
    /// [`sign_flip`]
    SignFlip,
    /// [`super::weighted::superiority`]
    WeightedMean,
    /// [`super::margin::non_inferiority`]
    NonInferiority,
    /// [`super::margin::above_level`]
    Level,
}

/// The result of a paired test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The p-value in `(0, 1]`: the probability of a result at least this good for equal
    /// candidates.
    pub p_value: f64,
    /// The test it came from.
    pub name: TestName,
}

/// Tests whether the mean of `differences` (one per row, in `[-1, 1]`) is above 0.
///
/// `binary` says that the scores were right or wrong: then the exact McNemar test of the rows won
/// and lost. Where they are graded, or a binary row was averaged over replicates so that a
/// difference is none of −1, 0, 1, the sign-flip test.
#[must_use]
pub fn test(differences: &[f64], binary: bool, level: Level, seed: Seed) -> PairedTest {
    if binary && differences.iter().all(|d| [-1.0, 0.0, 1.0].contains(d)) {
        let count = |sign: f64| differences.iter().filter(|d| **d == sign).count();
        PairedTest { p_value: mcnemar_exact(count(1.0), count(-1.0)), name: TestName::Mcnemar }
    } else {
        PairedTest { p_value: sign_flip(differences, level, seed), name: TestName::SignFlip }
    }
}

/// The exact one-sided McNemar test: P(Bin(`wins` + `losses`, ½) ≥ `wins`), in `(0, 1]`.
///
/// McNemar (1947) in its exact form, a sign test of the rows on which the two candidates disagree.
/// With no such rows, 1.
#[must_use]
pub fn mcnemar_exact(wins: usize, losses: usize) -> f64 {
    binomial::at_least(wins, wins.saturating_add(losses)).max(f64::MIN_POSITIVE)
}

/// The one-sided paired sign-flip permutation test of the mean, in `(0, 1]`.
///
/// Fisher, *The Design of Experiments* (1935), section 21: if the candidates are equal, each
/// difference is as likely to have the other sign; p is the share of sign patterns whose sum is at
/// least the observed one. All patterns are counted for up to 16 differences other than 0; beyond, N
/// random ones with p = (hits + 1) / (N + 1) (Phipson and Smyth 2010), where N is 10,000, and more
/// for a level of which that is not 20 times the inverse. With no difference other than 0, or one
/// that is not finite, there is no evidence: 1.
#[must_use]
pub fn sign_flip(differences: &[f64], level: Level, seed: Seed) -> f64 {
    let observed: f64 = differences.iter().sum();
    if !observed.is_finite() {
        return 1.0;
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|d| *d > 0.0).collect();
    // Sums of the same numbers in another order are equal but for rounding.
    let bar = observed - 1e-9 * sizes.iter().sum::<f64>();
    if sizes.len() <= ENUMERATED {
        let mut sums = vec![0.0];
        for size in &sizes {
            sums = sums.iter().flat_map(|sum| [sum + size, sum - size]).collect();
        }
        return sums.iter().filter(|sum| **sum >= bar).count() as f64 / sums.len() as f64;
    }
    let patterns = interval::resamples(PERMUTATIONS, level.one_sided);
    let hits: usize = bootstrap::in_chunks(patterns, "sign flip", seed, |repeats, seed| {
        let mut rng = seed.rng();
        (0..repeats).filter(|_| flipped_sum(&sizes, &mut rng) >= bar).count()
    })
    .into_iter()
    .sum();
    (hits + 1) as f64 / (patterns + 1) as f64
}

/// The sum of `sizes` under random signs, one bit each.
fn flipped_sum(sizes: &[f64], rng: &mut impl Rng) -> f64 {
    sizes
        .chunks(64)
        .map(|block| {
            let bits: u64 = rng.random();
            let signed = |(i, size): (usize, &f64)| if bits >> i & 1 == 1 { *size } else { -size };
            block.iter().enumerate().map(signed).sum::<f64>()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Darwin's maize, crossed minus self-fertilised, eighths of an inch (Fisher 1935, table 3).
    const MAIZE: [f64; 15] =
        [49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0];

    #[test]
    fn mcnemar_agrees_with_published_values() {
        for (wins, losses, p) in [
            (0, 0, 1.0),
            (1, 0, 0.5),
            (0, 1, 1.0),
            // Zar, Biostatistical Analysis: hind and fore legs of deer, 0.109375 two-sided.
            (8, 2, 0.054_687_5),
            (14, 5, 0.031_784_057_617_187_5),
            (5, 14, 0.990_394_592_285_156_2),
            // scipy.stats.binomtest(121, 180, alternative="greater")
            (121, 59, 2.217_224_631_877_582e-6),
        ] {
            let relative = mcnemar_exact(wins, losses) / p - 1.0;
            assert!(relative.abs() < 1e-10, "{wins}:{losses} off by {relative}");
        }
        assert!(mcnemar_exact(5_000, 0) > 0.0);
        assert_eq!(mcnemar_exact(0, 5_000), 1.0);
    }

    #[test]
    fn sign_flips_by_hand() {
        // ±1 ±2 ±4: the sums are −7, −5, … 7. At least 7: 1 of 8; at least 5: 2; at least −7: 8.
        for (differences, eighths) in [
            ([1.0, 2.0, 4.0], 1.0),
            ([-1.0, 2.0, 4.0], 2.0),
            ([1.0, -2.0, 4.0], 3.0),
            ([1.0, 2.0, -4.0], 5.0),
            ([-1.0, -2.0, -4.0], 8.0),
        ] {
            assert_eq!(
                sign_flip(&differences, Level::FIRST, Seed(1)),
                eighths / 8.0,
                "{differences:?}"
            );
        }
        // Ties in the sums, and zeros that do not count: ±1 ±1, at least 0 is 3 of 4.
        assert_eq!(sign_flip(&[0.0, 1.0, 0.0, -1.0], Level::FIRST, Seed(1)), 0.75);
        // 0.3 − 0.1 − 0.2 is not exactly 0, but it must tie with 0.1 + 0.2 − 0.3.
        assert_eq!(
            sign_flip(&[0.3, -0.1, -0.2], Level::FIRST, Seed(1)),
            sign_flip(&[-0.3, 0.1, 0.2], Level::FIRST, Seed(1))
        );
        assert_eq!(sign_flip(&[0.5, 0.3, -0.1, 0.2, 0.05], Level::FIRST, Seed(1)), 0.093_75);
    }

    #[test]
    fn fishers_maize() {
        // Fisher: 863 of the 32,768 sign patterns are as extreme on this side.
        assert_eq!(sign_flip(&MAIZE, Level::FIRST, Seed(1)), 863.0 / 32_768.0);
    }

    #[test]
    fn random_patterns_agree_with_counting_them_all() {
        // 20 differences of one size: a sign test, exactly P(Bin(20, ½) ≥ 14) = 0.0577.
        let mut differences = vec![0.25; 14];
        differences.extend([-0.25; 6]);
        let p = sign_flip(&differences, Level::FIRST, Seed(4));
        assert!((p - mcnemar_exact(14, 6)).abs() < 0.01, "{p}");
        // 1,000 wins: no random pattern reaches it, and p is still not 0.
        assert_eq!(sign_flip(&[1.0; 1_000], Level::FIRST, Seed(4)), 1.0 / 10_001.0);
        // A level that 10,000 patterns cannot show has more of them.
        let late = Level::of_look(30);
        assert!(sign_flip(&[1.0; 100], late, Seed(4)) < late.one_sided / 10.0);
    }

    #[test]
    fn no_evidence_is_one() {
        for differences in [&[][..], &[0.0; 5], &[0.5, f64::NAN], &[f64::INFINITY]] {
            assert_eq!(sign_flip(differences, Level::FIRST, Seed(1)), 1.0, "{differences:?}");
            assert_eq!(
                test(differences, true, Level::FIRST, Seed(1)).p_value,
                1.0,
                "{differences:?}"
            );
        }
    }

    #[test]
    fn the_test_fits_the_scores() {
        let binary = test(&[1.0, 1.0, 0.0, -1.0], true, Level::FIRST, Seed(1));
        assert_eq!(binary, PairedTest { p_value: 0.5, name: TestName::Mcnemar });
        let graded = test(&[1.0, 0.5, 0.0, -0.25], false, Level::FIRST, Seed(1));
        assert_eq!(graded, PairedTest { p_value: 0.25, name: TestName::SignFlip });
        assert_eq!(
            test(&[1.0, 0.5], true, Level::FIRST, Seed(1)).name,
            TestName::SignFlip,
            "replicates"
        );
        assert_eq!(serde_json::to_string(&binary).unwrap(), r#"{"p_value":0.5,"name":"mcnemar"}"#);
        assert_eq!(serde_json::to_string(&graded.name).unwrap(), r#""sign_flip""#);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let differences: Vec<f64> = (0..50).map(|i| f64::from(i * 7 % 13) / 13.0 - 0.4).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sign_flip(&differences, Level::FIRST, Seed(9)))
        };
        assert_eq!(on(1), on(3));
        assert_ne!(on(1), sign_flip(&differences, Level::FIRST, Seed(10)), "the seed is used");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn p_is_a_probability_and_better_rows_never_raise_it(
            differences in prop::collection::vec(-1.0..=1.0_f64, 0..24), seed: u64,
        ) {
            let p = sign_flip(&differences, Level::FIRST, Seed(seed));
            prop_assert!(p > 0.0 && p <= 1.0);
            let all_won: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
            prop_assert!(sign_flip(&all_won, Level::FIRST, Seed(seed)) <= p);
        }

        #[test]
        fn symmetric_rows_give_about_a_half(
            half in prop::collection::vec(0.01..=1.0_f64, 12..30), seed: u64,
        ) {
            let differences: Vec<f64> = half.iter().flat_map(|d| [*d, -d]).collect();
            let p = sign_flip(&differences, Level::FIRST, Seed(seed));
            prop_assert!((p - 0.5).abs() < 0.05, "{}", p);
        }

        #[test]
        fn mcnemar_counts_both_ways(wins in 0..3_000_usize, losses in 0..3_000_usize) {
            let (p, other) = (mcnemar_exact(wins, losses), mcnemar_exact(losses, wins));
            prop_assert!(p > 0.0 && p <= 1.0);
            // The two tails overlap in the observed count alone.
            prop_assert!(p + other >= 1.0 - 1e-12);
            let one_more = mcnemar_exact(wins + 1, losses);
            prop_assert!(one_more <= p + 1e-12, "a win is evidence");
            prop_assert!(one_more < p || !(0.01..0.99).contains(&p), "{} after {}", one_more, p);
        }
    }
}
