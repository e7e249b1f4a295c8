//! Exact numbers: a value with all the digits that were written, and the tolerance of comparisons.
//!
//! It does not search a text for numbers; `numerals` does.

use super::table::{ScoreTable, ScorerError};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Pow, Signed, ToPrimitive, Zero};
use std::fmt;

/// The most digits of a number, before and after its exponent is applied.
const MAX_DIGITS: usize = 1_000;

/// The decimal digits that a machine number (`f64`) always keeps.
const MACHINE_DIGITS: usize = 15;

/// A number as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exact {
    value: BigRational,
    /// Its significant decimal digits; `None` for a fraction.
    digits: Option<usize>,
}

impl Exact {
    /// Reads a decimal number such as `-12.5e3`, the form of JSON and of Rust. `None` if it is
    /// anything else, or too large to compare.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.len() > MAX_DIGITS || exponent.unsigned_abs() > MAX_DIGITS as u64 {
            return None;
        }
        let scaled: BigInt = digits.parse().ok()?;
        let value =
            BigRational::from_integer(scaled) * power_of_ten(exponent - fraction.len() as i64);
        let significant = digits.trim_start_matches(['-', '+']).trim_matches('0').len();
        Some(Self { value, digits: Some(significant) })
    }

    /// The number of a JSON number.
    pub(super) fn of_json(number: &serde_json::Number) -> Option<Self> {
        Self::parse(&number.to_string())
    }

    pub(super) fn zero() -> Self {
        Self { value: BigRational::zero(), digits: Some(0) }
    }

    pub(super) fn negated(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// `None` for a division by zero.
    pub(super) fn divided_by(&self, divisor: &Self) -> Option<Self> {
        (!divisor.value.is_zero())
            .then(|| Self { value: &self.value / &divisor.value, digits: None })
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self { value: &self.value + &other.value, digits: None }
    }

    pub(super) fn is_less_than(&self, other: &Self) -> bool {
        self.value < other.value
    }

    /// Whether two numbers may be one in two forms, of which one is rounded: `1/3` and `0.33`.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let (one, two) = (self.as_machine_number(), other.as_machine_number());
        let are_whole = self.is_whole() && other.is_whole();
        one == two || !are_whole && (one - two).abs() <= 0.02 * one.abs().max(two.abs())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.value.is_integer()
    }

    /// The power with a whole exponent; `None` if the result is too large to compare.
    pub(super) fn to_power(&self, exponent: &Self) -> Option<Self> {
        let exponent = exponent.value.is_integer().then(|| exponent.value.to_i32()).flatten()?;
        let bits = self.value.numer().bits().max(self.value.denom().bits());
        if bits.saturating_mul(u64::from(exponent.unsigned_abs())) > 4 * MAX_DIGITS as u64 {
            return None;
        }
        if self.value.is_zero() && exponent < 0 {
            return None;
        }
        let value = Pow::pow(&self.value, exponent);
        Some(Self { value, digits: self.digits.filter(|_| exponent >= 0).map(|_| 1) })
    }

    /// The product with a power of ten, such as `1.2 × 10^3`.
    pub(super) fn times(&self, factor: &Self) -> Self {
        Self { value: &self.value * &factor.value, digits: self.digits }
    }

    /// A hundredth: 50 % as a share.
    pub(super) fn hundredth(&self) -> Self {
        Self { value: &self.value * power_of_ten(-2), digits: self.digits }
    }

    fn as_machine_number(&self) -> f64 {
        self.value.to_f64().unwrap_or(f64::NAN)
    }

    /// Whether two numbers can only be compared as machine numbers: a fraction such as 1/3 against
    /// decimals, or a decimal that a program computed (0.30000000000000004) against one that a
    /// person wrote (0.3).
    fn is_rounded_against(&self, other: &Self) -> bool {
        match (self.digits, other.digits) {
            (None, _) | (_, None) => true,
            (Some(one), Some(two)) => {
                let longer = if one > two { self } else { other };
                one.min(two) <= MACHINE_DIGITS
                    && one.max(two) > MACHINE_DIGITS
                    && !longer.value.is_integer()
            }
        }
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_integer() {
            write!(f, "{}", self.value.numer())
        } else {
            write!(f, "{}", self.as_machine_number())
        }
    }
}

fn power_of_ten(exponent: i64) -> BigRational {
    // Exponents are at most a few thousand.
    Pow::pow(&BigRational::from_integer(BigInt::from(10)), exponent as i32)
}

/// The tolerance around the expected number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tolerance {
    absolute: BigRational,
    relative: BigRational,
}

impl Tolerance {
    pub(super) fn none() -> Self {
        Self { absolute: BigRational::zero(), relative: BigRational::zero() }
    }

    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let read = |key, value: Option<f64>| match value {
            None => Ok(BigRational::zero()),
            Some(value) => match Exact::parse(&format!("{value:e}")) {
                // As it is written in the file: 0.1 is a tenth.
                Some(exact) if value >= 0.0 => Ok(exact.value),
                _ => {
                    Err(ScorerError::new(key, format!("`{key}` is {value}: it must be 0 or more")))
                }
            },
        };
        Ok(Self {
            absolute: read("tolerance", table.tolerance)?,
            relative: read("relative_tolerance", table.relative_tolerance)?,
        })
    }

    /// Whether a number is the expected one: exactly, within the tolerance, or up to the rounding of
    /// machine numbers where at least one of them cannot be more exact.
    pub(super) fn allows(&self, got: &Exact, expected: &Exact) -> bool {
        let difference = (&got.value - &expected.value).abs();
        let relative = &self.relative * expected.value.abs();
        if difference.is_zero() || difference <= self.absolute || difference <= relative {
            return true;
        }
        if !got.is_rounded_against(expected) {
            return false;
        }
        let (got, expected) = (got.as_machine_number(), expected.as_machine_number());
        (got - expected).abs() <= 4.0 * f64::EPSILON * got.abs().max(expected.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    fn equal(one: &str, other: &str) -> bool {
        Tolerance::none().allows(&exact(one), &exact(other))
    }

    #[test]
    fn numbers_are_compared_by_all_their_digits() {
        assert!(equal("1", "1.0") && equal("1e0", "1") && equal("-0.50", "-5e-1"));
        assert!(!equal("9007199254740993", "9007199254740992"));
        assert!(!equal("123456789012345678901234567890", "123456789012345678901234567891"));
        assert!(!equal("0.1234567890123456789", "0.1234567890123456788"));
        assert!(!equal("1e16", "10000000000000001"));
        for text in ["", "-", "1e", "1e99999", "0x1", "1.2.3", "nan", "inf"] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
    }

    #[test]
    fn rounding_is_forgiven_only_where_it_cannot_be_avoided() {
        assert!(equal("0.30000000000000004", "0.3"));
        assert!(!equal("0.3000000001", "0.3"));
        let third = exact("1").divided_by(&exact("3")).unwrap();
        assert!(Tolerance::none().allows(&exact("0.3333333333333333"), &third));
        assert!(!Tolerance::none().allows(&exact("0.3333"), &third));
        assert_eq!(exact("1").divided_by(&exact("0")), None);
    }

    #[test]
    fn a_tolerance_is_exact() {
        let table = |absolute, relative| ScoreTable {
            tolerance: absolute,
            relative_tolerance: relative,
            ..ScoreTable::default()
        };
        let tenth = Tolerance::new(&table(Some(0.1), None)).unwrap();
        assert!(tenth.allows(&exact("1.1"), &exact("1")));
        assert!(!tenth.allows(&exact("1.1000000000000000001"), &exact("1")));
        let percent = Tolerance::new(&table(None, Some(0.01))).unwrap();
        assert!(percent.allows(&exact("-99"), &exact("-100")));
        assert!(!percent.allows(&exact("-98.9"), &exact("-100")));
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(
                Tolerance::new(&table(None, Some(value))).unwrap_err().key,
                "relative_tolerance"
            );
        }
    }

    #[test]
    fn powers_have_a_limit() {
        assert_eq!(
            exact("2").to_power(&exact("10")),
            Some(Exact { digits: Some(1), ..exact("1024") })
        );
        assert_eq!(exact("10").to_power(&exact("-2")).unwrap().to_string(), "0.01");
        assert_eq!(exact("9").to_power(&exact("99999999")), None);
        assert_eq!(exact("0").to_power(&exact("-1")), None);
        assert_eq!(exact("2").to_power(&exact("0.5")), None);
    }

    proptest! {
        #[test]
        fn every_machine_number_equals_itself_alone(one in any::<i64>(), other in any::<i64>()) {
            prop_assert_eq!(equal(&one.to_string(), &other.to_string()), one == other);
            let longer = format!("{one}.000");
            prop_assert!(equal(&longer, &one.to_string()));
        }
    }
}
