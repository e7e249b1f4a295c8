//! Exact tails of the binomial distribution with p = ½.
//!
//! Sign tests and their Bayesian counterpart need only p = ½.

use statrs::function::factorial::ln_binomial;
use std::f64::consts::LN_2;

/// P(Bin(`throws`, ½) ≥ `heads`), in `[0, 1]`; below the smallest double it is 0.
///
/// Terms are summed relative to the first one, from the middle outwards, so there is neither
/// cancellation nor overflow, and about √`throws` of them matter.
pub(super) fn at_least(heads: usize, throws: usize) -> f64 {
    if heads == 0 {
        return 1.0;
    }
    if heads > throws {
        return 0.0;
    }
    if heads <= throws / 2 {
        // The coin is fair: fewer than `heads` heads is as likely as fewer than `heads` tails.
        return 1.0 - at_least(throws - heads + 1, throws);
    }
    let first = ln_binomial(throws as u64, heads as u64) - throws as f64 * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in heads..throws {
        term *= (throws - k) as f64 / (k + 1) as f64;
        sum += term;
        if term < sum * f64::EPSILON * 1e-3 {
            break;
        }
    }
    (first.exp() * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tails_by_hand() {
        // Three throws: 1, 3, 3, 1 of 8.
        for (heads, eighths) in [(0, 8.0), (1, 7.0), (2, 4.0), (3, 1.0), (4, 0.0)] {
            assert!((at_least(heads, 3) - eighths / 8.0).abs() < 1e-14, "{heads} of 3");
        }
    }

    #[test]
    fn long_tails_agree_with_scipy() {
        // scipy.stats.binom.sf(heads - 1, throws, 0.5)
        for (heads, throws, p) in [
            (520, 1000, 0.108_724_146_602_070_75),
            (600, 1000, 1.364_232_078_032_973_5e-10),
            (2600, 5000, 0.002_441_824_868_758_747),
            (2400, 5000, 0.997_764_779_518_821_6),
            (5200, 10_000, 3.296_757_799_336_171_4e-5),
        ] {
            let relative = at_least(heads, throws) / p - 1.0;
            assert!(relative.abs() < 1e-9, "{heads} of {throws}: off by {relative}");
        }
    }

    #[test]
    fn the_two_tails_add_up() {
        for throws in [1, 2, 7, 100, 1001] {
            for heads in 0..=throws {
                let both = at_least(heads, throws) + at_least(throws - heads + 1, throws);
                assert!((both - 1.0).abs() < 1e-12, "{heads} of {throws}: {both}");
            }
        }
    }
}
