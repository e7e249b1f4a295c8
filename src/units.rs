//! Money, tokens and scores as types that cannot be mixed.
//!
//! No statistics: a mean of scores is a plain number, computed in `stats`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// Whole nano-dollars (10⁻⁹ USD). Exact: sums of any number of calls do not drift.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// More than any budget.
    pub const MAX: Self = Self(u64::MAX);

    /// From whole nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From an amount in dollars; `None` if negative, not finite or above 10¹⁰ dollars.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let nanos = (dollars * 1e9).round();
        (dollars.is_finite() && (0.0..1e19).contains(&nanos)).then_some(Self(nanos as u64))
    }

    /// Whole nano-dollars.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Dollars, for display and for arithmetic that is not accounting.
    #[must_use]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The difference, or 0 if it would be negative.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// A multiple that stops at the largest amount instead of wrapping.
    #[must_use]
    pub const fn saturating_mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// A share of the amount, rounded up, so that a reservation is never too small.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).ceil() as u64)
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    /// Accounting never goes below zero; a caller that might must use `saturating_sub`.
    fn sub(self, other: Self) -> Self {
        debug_assert!(self.0 >= other.0, "money below zero: {self} - {other}");
        self.saturating_sub(other)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Usd {
    /// Cents above ten dollars, more decimals below, so that a cheap call is not shown as zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.dollars();
        match dollars {
            0.0 => write!(f, "$0"),
            d if d >= 10.0 => write!(f, "${d:.2}"),
            d if d >= 0.01 => write!(f, "${d:.4}"),
            d => write!(f, "${d:.7}"),
        }
    }
}

/// A number of tokens as counted by the provider.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tokens(pub u64);

impl Tokens {
    /// No tokens.
    pub const ZERO: Self = Self(0);

    /// The difference, or 0 if it would be negative.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&crate::text::thousands(self.0))
    }
}

/// The score of one answer: in [0, 1], higher is better, never NaN.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Score(f64);

impl Score {
    /// Wrong; also the score of an invalid answer.
    pub const ZERO: Self = Self(0.0);
    /// Right.
    pub const ONE: Self = Self(1.0);

    /// `None` outside [0, 1] or for NaN.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// 1 if right, else 0.
    #[must_use]
    pub fn binary(right: bool) -> Self {
        if right { Self::ONE } else { Self::ZERO }
    }

    /// The value in [0, 1].
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }

    /// Whether the score is 1, within rounding of weighted sums.
    #[must_use]
    pub fn is_perfect(self) -> bool {
        self.0 >= 1.0 - 1e-9
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value)
            .ok_or_else(|| serde::de::Error::custom(format!("score {value} is not in [0, 1]")))
    }
}

/// An amount of money and tokens: set aside, or spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Money.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usd: Usd,
    /// Input and output tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: Tokens,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { usd: Usd::ZERO, tokens: Tokens::ZERO };

    /// As many times as said.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self {
            usd: self.usd.saturating_mul(count),
            tokens: Tokens(self.tokens.0.saturating_mul(count)),
        }
    }

    /// The difference, nothing where it would be negative.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            usd: self.usd.saturating_sub(other.usd),
            tokens: self.tokens.saturating_sub(other.tokens),
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { usd: self.usd.max(other.usd), tokens: self.tokens.max(other.tokens) }
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { usd: self.usd + other.usd, tokens: self.tokens + other.tokens }
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_and_never_wraps() {
        let cent = Usd::from_dollars(0.01).unwrap();
        let total: Usd = std::iter::repeat_n(cent, 100).sum();
        assert_eq!(total, Usd::from_dollars(1.0).unwrap());
        assert_eq!(Usd::MAX + cent, Usd::MAX);
        assert_eq!(Usd::from_dollars(-1.0), None);
        assert_eq!(Usd::from_dollars(f64::NAN), None);
    }

    #[test]
    fn a_score_outside_its_range_cannot_be_made() {
        assert!(Score::new(f64::NAN).is_none());
        assert!(Score::new(1.1).is_none());
        assert!(serde_json::from_str::<Score>("-0.1").is_err());
    }

    #[test]
    fn a_cheap_call_does_not_read_as_nothing() {
        assert_eq!(Usd::from_nanos(12_300).to_string(), "$0.0000123");
        assert_eq!(Usd::from_dollars(2.5).unwrap().to_string(), "$2.5000");
    }
}
