//! Intervals and evidence that are right at all times at once, however often somebody looks.
//!
//! For effects between two groups of many independent units, which are looked at while the units arrive. They are wider than
//! an interval for one look at a number of units that was agreed before.

use statrs::function::gamma::ln_gamma;

/// Beyond this e-values say no more.
const MOST: f64 = 1e300;

/// A normal mixture: which effects are thought possible before the first unit, as the standard deviation of a normal
/// distribution around 0.
///
/// The mixture sequential probability ratio test of Robbins (1970) as Johari, Koomen, Pekelis and Walsh (2022),
/// *Always Valid Inference: Continuous Monitoring of A/B Tests*, Operations Research 70, 1806 to 1821, use it; as a confidence
/// sequence, equation 14 of Howard, Ramdas, McAuliffe and Sekhon (2021), Annals of Statistics 49, 1055 to 1080. Right for
/// any scale that does not depend on the units; it is narrowest for effects of about this size. That estimates are normal
/// with a known variance holds in the limit only: from about a hundred units a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    scale: f64,
}

impl Mixture {
    /// A mixture of effects of about this size, above 0, in the unit of the outcome.
    #[must_use]
    pub fn new(scale: f64) -> Self {
        Self { scale: scale.max(f64::MIN_POSITIVE.sqrt()) }
    }

    /// Half the width of the interval around an estimate with this variance, above 0: with a chance of at most `level`, in
    /// (0, 1), the truth is ever outside. It holds the effects that the mixture's likelihood ratio, an e-value, keeps below 1/level.
    #[must_use]
    pub fn half_width(self, variance: f64, level: f64) -> f64 {
        let prior = self.scale * self.scale;
        let both = variance + prior;
        (variance * both / prior * (both / (variance * level * level)).ln()).sqrt()
    }
}

/// The e-value against "each unit falls into group i with the chance `shares[i]`", from the numbers of units in the groups.
/// Where it is true the chance that the e-value ever reaches 1/α is at most α, after any number of units.
///
/// Lindon and Malek (2022), *Anytime-Valid Inference for Multinomial Count Data*, NeurIPS 35, equation 5: the Bayes factor of a
/// Dirichlet prior around the shares, here with the weight of `prior` units. `shares` are above 0 and add up to 1; `counts` has
/// as many numbers.
#[must_use]
pub fn allocation(counts: &[u64], shares: &[f64], prior: f64) -> f64 {
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    let mut ln = ln_gamma(prior) - ln_gamma(prior + total);
    for (count, share) in counts.iter().zip(shares) {
        let (count, weight) = (*count as f64, share * prior);
        ln += ln_gamma(weight + count) - ln_gamma(weight) - count * share.ln();
    }
    ln.exp().min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    /// The mixture's likelihood ratio against an effect of `null`: the density of the estimate with variance + scale², over
    /// that with the variance alone.
    fn e_value(mixture: Mixture, estimate: f64, variance: f64, null: f64) -> f64 {
        let prior = mixture.scale * mixture.scale;
        let both = variance + prior;
        let exponent = prior * (estimate - null).powi(2) / (2.0 * variance * both);
        (0.5 * (variance / both).ln() + exponent).exp()
    }

    #[test]
    fn bayes_factors_by_hand() {
        // One unit of two groups says nothing; a second in the same one: (Γ(2)/Γ(4)) (Γ(3)/Γ(1)) / 0.25 = 4/3.
        assert!((allocation(&[1, 0], &[0.5, 0.5], 2.0) - 1.0).abs() < 1e-12);
        assert!((allocation(&[2, 0], &[0.5, 0.5], 2.0) - 4.0 / 3.0).abs() < 1e-12);
        assert!((allocation(&[1, 1], &[0.5, 0.5], 2.0) - 2.0 / 3.0).abs() < 1e-12);
        // As many as expected say less than 1, far too few say much.
        assert!(allocation(&[5_000, 5_000], &[0.5, 0.5], 100.0) < 1.0);
        assert!(allocation(&[4_700, 5_300], &[0.5, 0.5], 100.0) > 1e5);
        // The density of N(0, 2) over that of N(0, 1) at 0 and at 2.
        let mixture = Mixture::new(1.0);
        assert!((e_value(mixture, 0.0, 1.0, 0.0) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert!((e_value(mixture, 2.0, 1.0, 0.0) - 0.5_f64.sqrt() * 1.0_f64.exp()).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn an_interval_ends_where_the_evidence_reaches_its_level(
            estimate in -1.0..1.0_f64,
            variance in 1e-6..1.0_f64,
            scale in 0.001..1.0_f64,
            level in 0.001..0.2_f64,
        ) {
            let mixture = Mixture::new(scale);
            let end = estimate - mixture.half_width(variance, level);
            prop_assert!((e_value(mixture, estimate, variance, end) * level - 1.0).abs() < 1e-6);
        }
    }

    /// The share of series without an effect whose interval ever leaves 0 out.
    #[test]
    fn looking_after_every_unit_is_wrong_as_rarely_as_promised() {
        let mut rng = Seed(7).rng();
        let (series, mixture, mut wrong, mut off) = (600, Mixture::new(0.1), 0, 0);
        for _ in 0..series {
            let mut groups = [(0.0, 0.0); 2];
            let (mut is_wrong, mut is_off) = (false, false);
            for unit in 0..3_000_u32 {
                let group = usize::from(rng.random_bool(0.5));
                groups[group].0 += 1.0;
                groups[group].1 += f64::from(u8::from(rng.random_bool(0.3)));
                if unit < 200 {
                    continue;
                }
                let [(n, right), (m, other)] = groups;
                let (p, q) = (right / n, other / m);
                let variance = p * (1.0 - p) / n + q * (1.0 - q) / m;
                is_wrong |= e_value(mixture, p - q, variance, 0.0) >= 20.0;
                is_off |= allocation(&[n as u64, m as u64], &[0.5, 0.5], 100.0) >= 20.0;
            }
            wrong += u32::from(is_wrong);
            off += u32::from(is_off);
        }
        // 5 % of 600 and three standard deviations.
        assert!(wrong <= 46, "{wrong} of {series}");
        assert!(off <= 46, "{off} of {series}");
        assert!(wrong + off > 0, "a test that is never wrong would be far too wide");
    }
}
