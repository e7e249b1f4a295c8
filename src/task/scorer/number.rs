//! `number`: the number in the answer is the expected one, within a tolerance.
//!
//! `numerals` says which number of an answer counts, and how it is read. Numbers are compared with
//! all their digits. An answer without any number is invalid. A row's answer such as `01067` is an identifier:
//! its zeros count.

use super::answer_filter::AnswerFilter;
use super::exact::{Exact, Tolerance};
use super::kind::{FromTable, Kind};
use super::numerals::{self, Reading};
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Number {
    tolerance: Tolerance,
}

impl FromTable for Number {
    const NAME: &'static str = "number";
    const KEYS: &'static [&'static str] = &["tolerance", "relative_tolerance", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { tolerance: Tolerance::new(table)? })
    }
}

impl Kind for Number {
    /// Checks that a row's answer contains one number that counts.
    fn check(&self, expected: &Value, _: &AnswerFilter) -> Result<(), String> {
        let text = value_text(expected);
        let shown = quoted(&text);
        let advice = "which `number` does not compare; use `equals` for such rows";
        match expected_number(expected) {
            Some(_) if numerals::holds_several(&text) => {
                Err(format!("the answer {shown} holds several numbers, {advice}"))
            }
            Some(_) => Ok(()),
            None if text.contains(|c: char| c.is_ascii_digit()) => Err(format!(
                "the answer {shown} holds no single number but a list or an expression, {advice}"
            )),
            None => Err(format!("the answer {shown} holds no number")),
        }
    }

    fn score(&self, answer: &str, expected: &Value, _: &AnswerFilter) -> Verdict {
        let shown = quoted(&value_text(expected));
        let identifier = expected.as_str().map(str::trim).filter(|text| is_identifier(text));
        let Some(expected) = expected_number(expected) else {
            return Verdict::wrong(format!("The expected answer {shown} holds no number."));
        };
        let Some(got) = numerals::answer_in(answer) else {
            return InvalidReason::NoNumber.verdict(&format!("`{expected}`"));
        };
        if let Some(identifier) = identifier {
            let same = Self { tolerance: Tolerance::none() }.is_right(&got, &expected);
            let is_right = same && numerals::is_written_in(answer, identifier);
            return Verdict::right_if(is_right, || {
                format!("Expected {shown}, with its zeros, got `{got}`.")
            });
        }
        Verdict::right_if(self.is_right(&got, &expected), || {
            format!("Expected `{expected}`, got `{got}`.")
        })
    }
}

impl Number {
    /// Compares numbers. `50%` may mean 50 or 0.5; the expected answer decides.
    fn is_right(&self, got: &Reading, expected: &Reading) -> bool {
        let same = |got: &Reading, expected: &Reading| {
            let ends = match (&got.from, &expected.from) {
                (None, None) => true,
                (Some(got), Some(expected)) => self.tolerance.allows(got, expected),
                _ => false,
            };
            ends && self.tolerance.allows(&got.value, &expected.value)
        };
        same(got, expected)
            || (got.is_percent != expected.is_percent
                && same(&got.as_share(), &expected.as_share()))
    }
}

/// Whether a text is a whole number with a zero before it, as zip codes and numbers of articles are written.
fn is_identifier(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn expected_number(expected: &Value) -> Option<Reading> {
    match expected {
        Value::Number(number) => Exact::of_json(number).map(Reading::of),
        Value::String(text) => numerals::answer_in(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{scorer, value};
    use super::*;
    use serde_json::json;

    const NUMBER: &str = "kind = 'number'";

    #[test]
    fn the_number_that_counts_is_compared_within_the_tolerance() {
        assert_eq!(value(NUMBER, "2 + 2 = 4", json!(4)), 1.0);
        assert_eq!(value(NUMBER, "2 + 2 = 5", json!(4)), 0.0);
        let marked = json!("so 3 * 400 = <<3*400=1200>>1200\n#### 1,200");
        assert_eq!(value(NUMBER, "1,200", marked), 1.0);
        let near = "kind = 'number'\ntolerance = 0.1";
        assert_eq!(value(near, "1.1", json!(1)), 1.0);
        assert_eq!(value(near, "1.11", json!(1)), 0.0);
        assert_eq!(value("kind = 'number'\nrelative_tolerance = 0.01", "-99.5", json!(-100)), 1.0);
    }

    #[test]
    fn digits_beyond_machine_numbers_count() {
        assert_eq!(value(NUMBER, "9007199254740993", json!(9_007_199_254_740_993_u64)), 1.0);
        assert_eq!(value(NUMBER, "9007199254740992", json!(9_007_199_254_740_993_u64)), 0.0);
        let long = json!("31415926535897932384626433");
        assert_eq!(value(NUMBER, "31,415,926,535,897,932,384,626,433", long.clone()), 1.0);
        assert_eq!(value(NUMBER, "31415926535897932384626434", long), 0.0);
    }

    #[test]
    fn latex_answers_are_right_by_their_value_alone() {
        assert_eq!(value(NUMBER, "so \\boxed{7{,}310}.", json!("7310")), 1.0);
        assert_eq!(value(NUMBER, "\\boxed{7{,}310}", json!("310")), 0.0);
        assert_eq!(value(NUMBER, "\\boxed{\\frac{5}{8}}", json!(0.625)), 1.0);
        assert_eq!(value(NUMBER, "\\boxed{\\frac{5}{8}}", json!(8)), 0.0);
        assert_eq!(value(NUMBER, "0.3333333333333333", json!("\\frac{1}{3}")), 1.0);
        assert_eq!(value(NUMBER, "\\boxed{12} of 30", json!("\\boxed{12}")), 1.0);
    }

    #[test]
    fn a_range_equals_only_the_same_range() {
        assert_eq!(value(NUMBER, "3-4", json!("3–4")), 1.0);
        for (answer, expected) in [("3-4", "4"), ("4", "3-4"), ("2-4", "3-4")] {
            assert_eq!(value(NUMBER, answer, json!(expected)), 0.0, "{answer} {expected}");
        }
    }

    #[test]
    fn a_percentage_may_be_written_as_a_share() {
        for (answer, expected) in [
            ("50%", json!(0.5)),
            ("50%", json!(50)),
            ("0.5", json!("50 %")),
            ("50", json!("50%")),
            ("50 percent", json!("50%")),
        ] {
            assert_eq!(value(NUMBER, answer, expected.clone()), 1.0, "{answer} {expected}");
        }
        assert_eq!(value(NUMBER, "50%", json!("0.5%")), 0.0);
    }

    #[test]
    fn the_zeros_before_an_identifier_count() {
        for (answer, expected, is_right) in [
            ("01067", json!("01067"), true),
            ("The zip code is **01067**.", json!("01067"), true),
            ("1067", json!("01067"), false),
            ("001067", json!("01067"), false),
            ("01067, or 01069", json!("01067"), false),
            ("7", json!("007"), false),
            ("01067", json!("1067"), true),
            ("0", json!("0"), true),
            (".5", json!("0.5"), true),
            ("-1234.5", json!("1.234,50-"), true),
            ("1.234,50-", json!(-1234.5), true),
        ] {
            let score = value("kind = 'number'\ntolerance = 0", answer, expected.clone());
            assert_eq!(score, f64::from(u8::from(is_right)), "{answer} {expected}");
        }
    }

    #[test]
    fn an_answer_and_a_row_without_a_number_are_told() {
        let number = scorer(NUMBER);
        let row = super::super::tests::row;
        let verdict = number.score("none", &row(json!(4))).unwrap();
        assert_eq!(verdict.invalid.as_deref(), Some("the answer holds no number"));
        let verdict = number.score("2 + 2 = 5", &row(json!(4))).unwrap();
        assert_eq!(verdict, Verdict::wrong("Expected `4`, got `5`."));
        assert!(number.check(&row(json!("none"))).is_err());
        assert!(number.check(&row(json!([1]))).is_err());
        assert_eq!(number.check(&row(json!("#### 7"))), Ok(()));
        for several in ["(3, 4)", "1, 2", "3 or 4", "3:4", "5 ft 3 in"] {
            let error = number.check(&row(json!(several))).unwrap_err();
            assert!(error.contains("use `equals`"), "{several}: {error}");
        }
    }
}
