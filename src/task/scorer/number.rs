//! `number`: the last number in the answer is the expected one, within a tolerance.
//!
//! Numbers are read in the forms that people and models use: `1,234.5`, `1.234,5`, `1 234,5`, `-3`,
//! `1e3`, `$12.50`, `50%`, `3/4`, `1.2 × 10^3`. An ambiguous form is read as in English (`1,234` is
//! above a thousand), and groups of digits separated by plain spaces are separate numbers. Digits
//! within a name, such as `H2O` or `m^2`, count only if there is no other number. An answer without
//! any number is invalid.

use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use serde_json::Value;

/// The tolerance around the expected number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerance {
    absolute: f64,
    relative: f64,
}

impl Tolerance {
    pub(super) const NONE: Self = Self { absolute: 0.0, relative: 0.0 };

    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let read = |key, value: Option<f64>| match value {
            None => Ok(0.0),
            Some(value) if value.is_finite() && value >= 0.0 => Ok(value),
            Some(value) => {
                Err(ScorerError::new(key, format!("`{key}` is {value}: it must be 0 or more")))
            }
        };
        Ok(Self {
            absolute: read("tolerance", table.tolerance)?,
            relative: read("relative_tolerance", table.relative_tolerance)?,
        })
    }

    pub(super) fn allows(&self, got: f64, expected: f64) -> bool {
        // In floating point, 1.1 is slightly more than 0.1 away from 1.0.
        let rounding = 4.0 * f64::EPSILON * got.abs().max(expected.abs());
        (got - expected).abs() <= self.absolute.max(self.relative * expected.abs()) + rounding
    }
}

#[derive(Clone, Debug)]
pub(super) struct Number {
    tolerance: Tolerance,
}

impl Named for Number {
    const NAME: &'static str = "number";
    const KEYS: &'static [&'static str] = &["tolerance", "relative_tolerance"];

    fn new(table: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        Ok(Self { tolerance: Tolerance::new(table)? })
    }
}

impl Kind for Number {
    fn check(&self, row: &Example, _: &Prepare) -> Result<(), String> {
        self.check_answer(&row.answer)
    }

    fn score(&self, answer: &str, row: &Example, _: &Prepare) -> Option<Verdict> {
        Some(self.score_against(answer, &row.answer))
    }
}

impl Number {
    /// Checks that a row's answer contains a number.
    fn check_answer(&self, expected: &Value) -> Result<(), String> {
        match expected_number(expected) {
            Some(_) => Ok(()),
            None => Err(format!("the answer {} holds no number", quoted(&value_text(expected)))),
        }
    }

    fn score_against(&self, answer: &str, expected: &Value) -> Verdict {
        let shown = quoted(&value_text(expected));
        let Some(expected) = expected_number(expected) else {
            return Verdict::wrong(format!("The expected answer {shown} holds no number."));
        };
        let Some(got) = last_number(answer) else {
            return Verdict::invalid("the answer holds no number", &format!("`{expected}`"));
        };
        if self.is_right(got, expected) {
            Verdict::right()
        } else {
            Verdict::wrong(format!("Expected `{expected}`, got `{got}`."))
        }
    }

    /// Compares numbers. `50%` may mean 50 or 0.5; the expected answer decides.
    fn is_right(&self, got: Reading, expected: Reading) -> bool {
        let same = |got, expected| self.tolerance.allows(got, expected);
        same(got.value, expected.value)
            || (got.is_percent != expected.is_percent && same(got.as_share(), expected.as_share()))
    }
}

fn expected_number(expected: &Value) -> Option<Reading> {
    match expected {
        Value::Number(number) => number.as_f64().map(|value| Reading { value, is_percent: false }),
        Value::String(text) => last_number(text),
        _ => None,
    }
}

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) value: f64,
    pub(super) is_percent: bool,
}

impl Reading {
    fn as_share(self) -> f64 {
        if self.is_percent { self.value / 100.0 } else { self.value }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.value, if self.is_percent { "%" } else { "" })
    }
}

/// The last number of a text that is not part of a name; if there is none, the last one that is.
pub(super) fn last_number(text: &str) -> Option<Reading> {
    let (mut free, mut within_name) = (None, None);
    let mut from = 0;
    while let Some(found) = text[from..].find(|c: char| c.is_ascii_digit()) {
        let digits = from + found;
        let start = with_leading_point(text, digits);
        let (reading, end) = read_number(text, start);
        from = end;
        let before = Before::of(&text[..start]);
        let signed = Reading {
            value: if before.is_minus { -reading.value } else { reading.value },
            ..reading
        };
        // A number that overflows cannot be compared.
        if !signed.value.is_finite() {
            continue;
        }
        if before.is_name {
            within_name = Some(signed);
        } else {
            free = Some(signed);
        }
    }
    free.or(within_name)
}

/// `.5`, if the point does not end a word.
fn with_leading_point(text: &str, digits: usize) -> usize {
    match text[..digits].strip_suffix('.') {
        Some(before) if !before.ends_with(|c: char| c.is_alphanumeric() || c == '.') => digits - 1,
        _ => digits,
    }
}

/// The context before a number.
struct Before {
    is_minus: bool,
    is_name: bool,
}

const CURRENCIES: &[char] = &['$', '€', '£', '¥', '₹'];
const CURRENCY_WORDS: &[&str] =
    &["usd", "eur", "gbp", "jpy", "cny", "inr", "chf", "aud", "cad", "rs", "rm", "us"];

impl Before {
    fn of(text: &str) -> Self {
        let bare = text.strip_suffix(' ').unwrap_or(text).strip_suffix(CURRENCIES);
        let text_before = bare.unwrap_or(text);
        let has_currency = bare.is_some();
        if let Some(rest) = text_before.strip_suffix(['-', '−']) {
            // After a digit or a bracket it is a range or a subtraction, after a letter a hyphen.
            let joins = |c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '%' | '-');
            return Self {
                is_minus: !rest.ends_with(joins),
                is_name: !has_currency && rest.ends_with(|c: char| c.is_ascii_alphabetic()),
            };
        }
        if let Some(rest) = text_before.strip_suffix('–') {
            let is_minus =
                rest.is_empty() || rest.ends_with(|c: char| c.is_whitespace() || c == '(');
            return Self { is_minus, is_name: false };
        }
        let within_name =
            text_before.trim_end_matches('_').ends_with(|c: char| c.is_ascii_alphabetic())
                || text_before.ends_with('^');
        Self {
            is_minus: false,
            is_name: within_name && !has_currency && !ends_in_currency_word(text_before),
        }
    }
}

fn ends_in_currency_word(text: &str) -> bool {
    let letters = text.bytes().rev().take(4).take_while(u8::is_ascii_alphabetic).count();
    let word = text[text.len() - letters..].to_ascii_lowercase();
    CURRENCY_WORDS.contains(&word.as_str())
}

/// Reads the number that starts at a position, and returns its end.
fn read_number(text: &str, start: usize) -> (Reading, usize) {
    let (mut value, mut end) = match text[start..].strip_prefix('.') {
        Some(_) => {
            let end = start + 1 + leading_digits(&text[start + 1..]);
            (text[start..end].parse().unwrap_or(f64::NAN), end)
        }
        None => read_groups(text, start),
    };
    if let Some((divisor, length)) = divisor(&text[..start], &text[end..]) {
        value /= divisor;
        end += length;
    } else if let Some((exponent, length)) = exponent(&text[end..]) {
        // The whole decimal form is parsed again, because multiplying would round.
        value = format!("{value}e{exponent}").parse().unwrap_or(f64::NAN);
        end += length;
    }
    let rest = &text[end..];
    let rest_bare = rest.strip_prefix(' ').unwrap_or(rest);
    let is_percent = rest_bare.starts_with('%') || rest_bare.starts_with("\\%");
    (Reading { value, is_percent }, end)
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Digits with the character before them.
struct Group<'a> {
    separator: char,
    digits: &'a str,
}

const THIN_SPACES: [char; 3] = ['\u{a0}', '\u{202f}', '\u{2009}'];

/// Digits with separators, such as `1,234.5`, read as one number or, if they are a list, as its
/// last number.
fn read_groups(text: &str, start: usize) -> (f64, usize) {
    let mut groups = Vec::new();
    let mut end = start;
    let mut separator = '\0';
    loop {
        let length = leading_digits(&text[end..]);
        groups.push(Group { separator, digits: &text[end..end + length] });
        end += length;
        let Some(next) = text[end..].chars().next() else {
            break;
        };
        let after = leading_digits(&text[end + next.len_utf8()..]);
        let continues = match next {
            '.' | ',' | '\'' | '’' => after > 0,
            ' ' => after == 3,
            c if THIN_SPACES.contains(&c) => after == 3,
            _ => false,
        };
        if !continues {
            break;
        }
        separator = next;
        end += next.len_utf8();
    }
    (interpret(&groups).parse().unwrap_or(f64::NAN), end)
}

fn interpret(groups: &[Group<'_>]) -> String {
    let (Some(last), Some((_, whole))) = (groups.last(), groups.split_last()) else {
        return String::new();
    };
    let join = |groups: &[Group<'_>]| groups.iter().map(|group| group.digits).collect::<String>();
    let separators: Vec<char> = groups[1..].iter().map(|group| group.separator).collect();
    match separators[..] {
        [] => last.digits.to_owned(),
        ['.'] => format!("{}.{}", join(whole), last.digits),
        // A comma before three digits is a thousands separator, unless the digits before it cannot
        // be a group.
        [','] if is_grouped(groups) && !groups[0].digits.starts_with('0') => join(groups),
        [','] => format!("{}.{}", join(whole), last.digits),
        [one, ref rest @ ..] if rest.iter().all(|other| *other == one) => {
            if one != ' ' && (is_grouped(groups) || is_grouped_in_lakhs(groups)) {
                join(groups)
            } else {
                last.digits.to_owned()
            }
        }
        [one, ref between @ .., '.' | ','] if between.iter().all(|other| *other == one) => {
            // With plain spaces, only a decimal comma shows that this is one number.
            let is_one = one != last.separator
                && (one != ' ' || (last.separator == ',' && last.digits.len() != 3));
            if is_one && (is_grouped(whole) || is_grouped_in_lakhs(whole)) {
                format!("{}.{}", join(whole), last.digits)
            } else {
                end_of_list(groups)
            }
        }
        _ => end_of_list(groups),
    }
}

fn end_of_list(groups: &[Group<'_>]) -> String {
    match groups {
        [.., before, last] if last.separator == '.' && before.separator != '.' => {
            format!("{}.{}", before.digits, last.digits)
        }
        [.., last] => last.digits.to_owned(),
        [] => String::new(),
    }
}

/// `1,234,567`.
fn is_grouped(groups: &[Group<'_>]) -> bool {
    groups.first().is_some_and(|first| (1..=3).contains(&first.digits.len()))
        && groups[1..].iter().all(|group| group.digits.len() == 3)
}

/// `12,34,567`.
fn is_grouped_in_lakhs(groups: &[Group<'_>]) -> bool {
    match groups {
        [first, between @ .., last] if !between.is_empty() => {
            first.digits.len() <= 2
                && between.iter().all(|group| group.digits.len() == 2)
                && last.digits.len() == 3
        }
        _ => false,
    }
}

/// `/4` after `3`; not within a date such as `12/25/2006`.
fn divisor(before: &str, after: &str) -> Option<(f64, usize)> {
    let rest = after.strip_prefix('/')?;
    let length = leading_digits(rest);
    let follows = rest[length..].chars().next();
    if before.ends_with('/') || follows.is_some_and(|c| c == '/' || c.is_alphanumeric()) {
        return None;
    }
    let divisor: f64 = rest[..length].parse().ok()?;
    (divisor > 0.0).then_some((divisor, 1 + length))
}

/// `e3` or `× 10^3` after `1.2`.
fn exponent(after: &str) -> Option<(i32, usize)> {
    let scientific = after.strip_prefix(['e', 'E']).and_then(|rest| {
        let sign = usize::from(rest.starts_with(['+', '-']));
        let length = sign + leading_digits(&rest[sign..]);
        let ends = !rest[length..].starts_with(|c: char| c.is_alphanumeric());
        let exponent = rest[..length].parse().ok()?;
        ends.then_some((exponent, 1 + length))
    });
    scientific.or_else(|| {
        let rest = after.trim_start_matches(' ');
        let rest =
            rest.strip_prefix("\\times").or_else(|| rest.strip_prefix(['×', 'x', '*', '·']))?;
        let rest = rest.trim_start_matches(' ').strip_prefix("10^")?;
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let sign = usize::from(rest.starts_with(['+', '-']));
        let length = sign + leading_digits(&rest[sign..]);
        let exponent = rest[..length].parse().ok()?;
        Some((exponent, after.len() - rest.len() + length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Option<f64> {
        last_number(text).map(|reading| reading.value)
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, value) in [
            ("18", 18.0),
            ("The answer is 18.", 18.0),
            ("**1,234.5**", 1_234.5),
            ("1,234", 1_234.0),
            ("1,234,567.", 1_234_567.0),
            ("12,34,567 rupees", 1_234_567.0),
            ("1.234,5", 1_234.5),
            ("1.234.567", 1_234_567.0),
            ("1 234,5", 1_234.5),
            ("1\u{202f}234\u{202f}567", 1_234_567.0),
            ("1'234.50", 1_234.5),
            ("3,5", 3.5),
            ("0,125", 0.125),
            ("1234,567", 1_234.567),
            ("-3", -3.0),
            ("−3.5", -3.5),
            ("x = –4", -4.0),
            ("-$12.50", -12.5),
            ("$-12.50", -12.5),
            ("US$1,000", 1_000.0),
            ("costs USD20 now", 20.0),
            ("€ 7", 7.0),
            ("1e3", 1_000.0),
            ("2.5E-3 m", 0.0025),
            ("1.2 × 10^3 m", 1_200.0),
            ("$6.02 \\times 10^{23}$", 6.02e23),
            ("\\boxed{18}", 18.0),
            (".5", 0.5),
            ("3/4", 0.75),
            ("due 12/25/2006", 2006.0),
            ("pages 10-12", 12.0),
            ("5 - 3", 3.0),
            ("1, 2, 3", 3.0),
            ("1,2,3", 3.0),
            ("12 345", 345.0),
            ("in 2020 100.5", 100.5),
            ("1,2.5", 2.5),
            ("5kg of H2O", 5.0),
            ("area: 12 m^2", 12.0),
            ("7, says GPT-4", 7.0),
            ("x_2 is 9", 9.0),
            ("_18_", 18.0),
            ("答案是18。", 18.0),
            ("v2", 2.0),
            ("9 (not 1e999)", 9.0),
        ] {
            assert_eq!(read(text), Some(value), "{text}");
        }
        for text in ["", "eighteen", "-", "…", "1e999"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(
            last_number("50 %").unwrap().is_percent && last_number("50\\%").unwrap().is_percent
        );
    }

    fn score(table: ScoreTable, answer: &str, expected: &Value) -> Verdict {
        Number::new(&table, &Prepare::nothing()).unwrap().score_against(answer, expected)
    }

    #[test]
    fn the_last_number_is_compared_within_the_tolerance() {
        let exact = ScoreTable::default;
        assert_eq!(score(exact(), "2 + 2 = 4", &json!(4)), Verdict::right());
        assert_eq!(
            score(exact(), "2 + 2 = 5", &json!(4)),
            Verdict::wrong("Expected `4`, got `5`.")
        );
        assert_eq!(
            score(exact(), "1,200", &json!("so 3 * 400 = <<3*400=1200>>1200\n#### 1,200")),
            Verdict::right()
        );
        assert_eq!(
            score(exact(), "none", &json!(4)).invalid.as_deref(),
            Some("the answer holds no number")
        );
        let near = || ScoreTable { tolerance: Some(0.1), ..ScoreTable::default() };
        assert_eq!(score(near(), "1.1", &json!(1)), Verdict::right());
        assert_eq!(score(near(), "1.11", &json!(1)).score.value(), 0.0);
        let relative = ScoreTable { relative_tolerance: Some(0.01), ..ScoreTable::default() };
        assert_eq!(score(relative, "-99.5", &json!(-100)), Verdict::right());
    }

    #[test]
    fn a_percentage_may_be_written_as_a_share() {
        for (answer, expected) in
            [("50%", json!(0.5)), ("50%", json!(50)), ("0.5", json!("50 %")), ("50", json!("50%"))]
        {
            assert_eq!(
                score(ScoreTable::default(), answer, &expected),
                Verdict::right(),
                "{answer} {expected}"
            );
        }
        assert_eq!(score(ScoreTable::default(), "50%", &json!("0.5%")).score.value(), 0.0);
    }

    #[test]
    fn tolerances_and_rows_that_cannot_serve_are_refused() {
        for value in [-1.0, f64::NAN, f64::INFINITY] {
            let table = ScoreTable { relative_tolerance: Some(value), ..ScoreTable::default() };
            assert_eq!(
                Number::new(&table, &Prepare::nothing()).unwrap_err().key,
                "relative_tolerance"
            );
        }
        let number = Number::new(&ScoreTable::default(), &Prepare::nothing()).unwrap();
        assert!(
            number.check_answer(&json!("none")).is_err()
                && number.check_answer(&json!([1])).is_err()
        );
        assert_eq!(number.check_answer(&json!("#### 7")), Ok(()));
    }

    #[test]
    fn huge_answers_are_read_quickly() {
        for text in [
            "1,".repeat(1 << 20),
            "9".repeat(1 << 20),
            "1/".repeat(1 << 20),
            "1 000".repeat(1 << 18),
            "_".repeat(1 << 20),
        ] {
            let _ = last_number(&text);
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "[-0-9.,'/eE%$ ×^{}a_−–\u{202f}\u{a0}]{0,40}") {
            let _ = last_number(&text);
        }

        #[test]
        fn a_number_that_was_written_is_read(value in -1e12..1e12_f64, whole in any::<i32>()) {
            prop_assert_eq!(read(&format!("so {value}")), Some(value));
            prop_assert_eq!(read(&format!("so {whole}.")), Some(f64::from(whole)));
            let grouped = crate::text::thousands(u64::from(whole.unsigned_abs()));
            prop_assert_eq!(read(&format!("${grouped}.25")), Some(f64::from(whole.unsigned_abs()) + 0.25));
        }
    }
}
