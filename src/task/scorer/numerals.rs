//! Finds the number that a text gives as its answer: one reader for prose, LaTeX and tables.
//!
//! The content of the last `\boxed{…}` counts, else the whole text; within it the last number. The
//! forms are those that people and models write: `1,234.5`, `1.234,5`, `1 234`, `3/4`, `1 1/2`,
//! `1.2 × 10^3`, `50 %`, `(1,234)`. An ambiguous form is read as in English: `1,234` is above a
//! thousand, `1.234` is little more than one. Dates, times, versions and telephone numbers are no
//! numbers. How numbers are compared is in `exact` and `number`.

use super::context::{self, Before};
use super::dates::{named_dates, without_dates};
use super::exact::Exact;
use super::groups;
use super::joint::{self, Joint};
use super::markup::with_scripts;
use super::scale;
use super::spelling::{self, EN_DASH, EXPRESSION, THIN_SPACE};
use regex::Regex;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::LazyLock;

/// A number that was read, or both ends of a range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) value: Exact,
    pub(super) is_percent: bool,
    /// The other end of a range such as `3-4`.
    pub(super) from: Option<Exact>,
}

impl Reading {
    pub(super) fn of(value: Exact) -> Self {
        Self { value, is_percent: false, from: None }
    }

    /// Its values as shares: 50 % is 0.5.
    pub(super) fn as_share(&self) -> Self {
        match self.is_percent {
            true => Self {
                value: self.value.hundredth(),
                from: self.from.as_ref().map(Exact::hundredth),
                is_percent: false,
            },
            false => self.clone(),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(from) = &self.from {
            write!(f, "{from}-")?;
        }
        write!(f, "{}{}", self.value, if self.is_percent { "%" } else { "" })
    }
}

/// Whether a text is a number and nothing else: in digits, as a fraction, or in LaTeX.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(char::is_alphabetic) {
        // The name of a LaTeX command is no word.
        if !rest[..at].ends_with('\\') {
            return false;
        }
        rest = rest[at..].trim_start_matches(char::is_alphabetic);
    }
    answer_in(text).is_some() && !holds_several(text)
}

/// Whether a text has a `\boxed{…}`, and the last one holds one number and nothing else.
pub(crate) fn has_boxed_number(text: &str) -> bool {
    spelling::boxed(text).is_some_and(|content| is_number(&text[content]))
}

/// Numbers with separators and nothing else: `1, 2`, `3 and 4`.
static SEVERAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let number = r"[-+–~]?[$€£¥]?(?:\d|\.\d)[\d.,'/]*\s?[%°$€£¥]?";
    Regex::new(&format!(
        r"^[\s\[$]*{number}(?:\s*(?:,\s|;|\||\n|&|\band\b|\bor\b)\s*{number})+[\s\].$]*$"
    ))
    .ok()
});

/// Whether a text is a list of numbers, of which none is the answer alone.
pub(super) fn holds_several(text: &str) -> bool {
    let text = with_scripts(text);
    let said = spelling::boxed(&text).map_or(&*text, |found| &text[found]);
    let plain = spelling::plain_formula(said);
    let is_tight_list = |text: &str| {
        text.matches(',').count() > 1
            && text.chars().all(|c| c.is_ascii_digit() || c == ',')
            && !groups::is_grouped_by(text, ',')
    };
    is_tight_list(plain.trim()) || SEVERAL.as_ref().is_some_and(|list| list.is_match(&plain))
}

/// The number that a text gives as its answer.
pub(super) fn answer_in(text: &str) -> Option<Reading> {
    let text = with_scripts(text);
    match spelling::boxed(&text) {
        Some(found) => last_number(&with_surroundings(&text, found), true),
        None => last_number(&spelling::plain(&text), false),
    }
}

/// The most characters beside a box that may belong to its number.
const BESIDE: usize = 100;

/// The content of a box as a plain formula, with the minus before it and the percent sign, the scale or
/// the power of ten behind it.
fn with_surroundings(text: &str, found: Range<usize>) -> String {
    let content = spelling::plain_formula(&text[found.clone()]);
    let line = text[..found.start].rfind("box").map_or("", |at| &text[..at]);
    let from = line.floor_char_boundary(line.len().saturating_sub(BESIDE));
    let command = line[from..].trim_end_matches("\\f").trim_end_matches(['\\', '$']);
    let before = spelling::plain(command);
    let line = text[found.end..].split('\n').next().unwrap_or_default();
    let after = spelling::plain(&line[..line.floor_char_boundary(BESIDE)]);
    let behind = after.trim_start_matches([' ', THIN_SPACE, '$', '*', '}']);
    let belongs = context::percent_sign(behind).is_some()
        || scale::factor(&format!(" {behind}"), false).is_some()
        || times_power_of_ten(behind).is_some();
    let begins_value = content.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_minus = begins_value
        && Before::of(&before, false).is_minus
        && !before
            .trim_end_matches(['-', EN_DASH, ' '])
            .ends_with(|c: char| c.is_ascii_digit() || matches!(c, ')' | EXPRESSION));
    let sign = if is_minus { "-" } else { "" };
    match belongs {
        true => format!("{sign}{} {behind}", content.trim_end()),
        false => format!("{sign}{content}"),
    }
}

/// Whether digits stand in a text as they are, not within a longer number.
pub(super) fn is_written_in(text: &str, digits: &str) -> bool {
    let plain = spelling::plain(&with_scripts(text));
    let is_apart = |at: usize| {
        let (before, after) = (&plain[..at], &plain[at + digits.len()..]);
        let is_digit = |c: char| c.is_ascii_digit();
        let next = after.strip_prefix(['.', ',']).unwrap_or(after);
        let last = before.strip_suffix(['.', ',']).unwrap_or(before);
        !next.starts_with(is_digit) && !last.ends_with(is_digit)
    };
    plain.match_indices(digits).any(|(at, _)| is_apart(at))
}

/// The last number of a plain text that is not part of a name; if there is none, the last one that is.
fn last_number(text: &str, is_formula: bool) -> Option<Reading> {
    let plain = without_dates(text);
    let named_dates = named_dates(&plain);
    let mut counts = Counts::default();
    // What counted before the number that may begin a range or a choice.
    let mut last: Option<(Found, Counts)> = None;
    let mut from = 0;
    while let Some(at) = plain[from..].find(|c: char| c.is_ascii_digit()) {
        let start = with_leading_point(&plain, from + at);
        let mut found = Found::read(&plain, start, is_formula);
        from = found.end;
        let mut before = counts.clone();
        if let Some((last, before_last)) = last.take() {
            let ascends = last.reading.value.is_less_than(&found.reading.value);
            let between = plain.get(last.end..found.start).unwrap_or_default();
            let joint = joint::between(between, &plain[found.end..], ascends)
                .filter(|_| !context::is_rounded(&plain[..last.start]));
            match joint {
                Some(Joint::Range) => {
                    found.is_name |= last.is_name;
                    found.is_readable &= last.is_readable;
                    found.reading.from = Some(last.reading.value);
                }
                // Neither of `3 or 4` is the answer; `1/2 or 50%` is one number.
                Some(Joint::Choice)
                    if !last.reading.as_share().value.is_near(&found.reading.as_share().value) =>
                {
                    counts = before_last.clone();
                    before = before_last;
                    found.is_readable = false;
                }
                Some(Joint::Choice) | None => {}
            }
        }
        let date = named_dates.partition_point(|date| date.end <= start);
        let is_date = named_dates.get(date).is_some_and(|date| date.contains(&start));
        if found.is_readable {
            let is_named = found.is_name || is_date;
            let place = if is_named { &mut counts.within_name } else { &mut counts.free };
            *place = Some(Rc::new(found.reading.clone()));
        }
        last = Some((found, before));
    }
    counts.free.or(counts.within_name).map(|reading| (*reading).clone())
}

/// The numbers of which the answer is one.
#[derive(Clone, Default)]
struct Counts {
    free: Option<Rc<Reading>>,
    within_name: Option<Rc<Reading>>,
}

/// `.5`, if the point does not end a word.
fn with_leading_point(text: &str, digits: usize) -> usize {
    match text[..digits].strip_suffix('.') {
        Some(before) if !before.ends_with(|c: char| c.is_alphanumeric() || c == '.') => digits - 1,
        _ => digits,
    }
}

/// A number at its place.
struct Found {
    reading: Reading,
    is_name: bool,
    /// It is neither too large to compare nor part of an expression.
    is_readable: bool,
    /// The place of its first digit.
    start: usize,
    end: usize,
}

impl Found {
    fn read(text: &str, start: usize, is_formula: bool) -> Self {
        let before = Before::of(&text[..start], is_formula);
        let (mut value, number_end) = magnitude(text, start);
        let mut end = number_end;
        let has_currency = before.has_currency || context::starts_with_currency(&text[end..]);
        if let Some((factor, length)) = scale::factor(&text[end..], has_currency) {
            value = value.map(|value| value.times(&factor));
            end += length;
        }
        let mut is_percent = match context::percent_sign(&text[end..]) {
            Some(length) => {
                end += length;
                true
            }
            None => false,
        };
        let has_minus_behind = !is_formula && context::is_trailing_minus(&text[end..]);
        let outer_minus = context::is_minus_of_brackets(&text[..start], &text[end..], is_formula);
        let brackets = context::accountants_brackets(text, start, end);
        let is_negative = before.is_minus || has_minus_behind || brackets.is_some();
        let is_minus_of_brackets = outer_minus && !is_negative;
        end += usize::from(has_minus_behind);
        let touches = before.is_expression
            || context::begins_expression(&text[number_end..], is_formula)
            || is_formula && context::is_term(&text[..start], &text[end..])
            || !is_formula && context::is_term_in_prose(&text[..start], &text[end..]);
        let mut value = value.map(|value| if is_negative { value.negated() } else { value });
        // `$(1.2) million` and `(4.5)%`.
        if let Some(close) = brackets {
            if let Some((factor, length)) = scale::factor(&text[close..], true) {
                value = value.map(|value| value.times(&factor));
                end = close + length;
            }
            if let Some(length) = context::percent_sign(&text[close..]) {
                is_percent = true;
                end = close + length;
            }
        }
        if let Some((power, length)) = bracketed_power(&text[..start], &text[end..]) {
            value = value.and_then(|value| power.and_then(|power| value.to_power(&power)));
            end += length;
        }
        if is_minus_of_brackets {
            value = value.map(Exact::negated);
        }
        let is_readable = value.is_some() && !touches;
        let reading = Reading { value: value.unwrap_or_else(Exact::zero), is_percent, from: None };
        Self { reading, is_name: before.is_name, is_readable, start, end }
    }
}

/// `)^2` after `(-2`. The power is `None` if it is not a whole number.
fn bracketed_power(before: &str, after: &str) -> Option<(Option<Exact>, usize)> {
    let rest = after.strip_prefix(')')?;
    let base = before.trim_end_matches(['-', EN_DASH, '+', ' ', THIN_SPACE]);
    let outside = base.strip_suffix('(')?;
    match power(outside, rest) {
        Some((power, length)) => Some((Some(power), 1 + length)),
        // Stars without a number behind them are those of Markdown.
        None => rest.starts_with('^').then_some((None, 2)),
    }
}

/// The unsigned number at a position, and its end: groups of digits, then a fraction or an exponent.
fn magnitude(text: &str, start: usize) -> (Option<Exact>, usize) {
    let (value, mut end) = groups::read(text, start);
    let Some(value) = value else { return (None, end) };
    if let Some((divisor, length)) = divisor(&text[..start], &text[end..]) {
        return (value.divided_by(&divisor), end + length);
    }
    if value.is_whole()
        && let Some((fraction, length)) = mixed(&text[end..])
    {
        return (Some(value.plus(&fraction)), end + length);
    }
    if let Some((exponent, length)) = scientific(&text[end..]) {
        // Nothing is left to read of a number that is too large.
        let factor = Exact::parse(&format!("1e{exponent}"));
        return (factor.map(|factor| value.times(&factor)), end + length);
    }
    if let Some((exponent, length)) = power(&text[..start], &text[end..]) {
        return (value.to_power(&exponent), end + length);
    }
    if let Some((ten, length)) = times_power_of_ten(&text[end..]) {
        end += length;
        return (ten.map(|ten| value.times(&ten)), end);
    }
    (Some(value), end)
}

/// `/4` or ` / 4` after `3`.
fn divisor(before: &str, after: &str) -> Option<(Exact, usize)> {
    let rest = ["/", " / ", "÷", " ÷ "].iter().find_map(|sign| after.strip_prefix(sign))?;
    // `3/-4` and `3/(-4)`.
    let (is_bracketed, number) = match rest.strip_prefix("(-") {
        Some(number) => (true, number),
        None => (false, rest.strip_prefix('-').unwrap_or(rest)),
    };
    if before.ends_with('/') || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (divisor, mut end) = groups::read(number, 0);
    if is_bracketed {
        end += usize::from(number[end..].starts_with(')'));
    }
    if number[end..].starts_with('/') {
        return None;
    }
    let divisor = divisor?;
    let divisor = if number.len() < rest.len() { divisor.negated() } else { divisor };
    Some((divisor, after.len() - number.len() + end))
}

/// ` 1/2` after `3`: a proper fraction.
fn mixed(after: &str) -> Option<(Exact, usize)> {
    let rest = after.strip_prefix([' ', THIN_SPACE])?;
    let digits = groups::leading_digits(rest);
    let above = Exact::parse(&rest[..digits])?;
    let (below, length) =
        divisor("", &rest[digits..]).filter(|_| rest[digits..].starts_with('/'))?;
    let fraction = above.divided_by(&below).filter(|_| above.is_less_than(&below))?;
    Some((fraction, after.len() - rest.len() + digits + length))
}

/// `e3` after `1.2`.
fn scientific(after: &str) -> Option<(i32, usize)> {
    let rest = after.strip_prefix(['e', 'E'])?;
    let (exponent, length) = exponent(rest)?;
    let ends = !rest[length..].starts_with(|c: char| c.is_alphanumeric());
    ends.then_some((exponent, 1 + length))
}

/// A whole number with a sign.
fn exponent(text: &str) -> Option<(i32, usize)> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let length = sign + groups::leading_digits(&text[sign..]);
    Some((text[..length].parse().ok()?, length))
}

/// `^3` or `**3` after `10`. In `**10**3` the stars are those of Markdown.
fn power(before: &str, after: &str) -> Option<(Exact, usize)> {
    let python = after.strip_prefix("**").filter(|_| !before.ends_with("**"));
    let rest = after.strip_prefix('^').or(python)?;
    let (_, mut length) = exponent(rest)?;
    let mut power = Exact::parse(rest[..length].trim_start_matches('+'))?;
    // `2^0.5` and `2^{1/2}` are roots, which are not read.
    if let Some(more) = rest[length..].strip_prefix(['.', '/'])
        && more.starts_with(|c: char| c.is_ascii_digit())
    {
        length += 1 + groups::leading_digits(more);
        power = Exact::parse("0.5")?;
    }
    Some((power, after.len() - rest.len() + length))
}

/// `× 10^3` after `1.2`. The power is `None` if it is too large.
fn times_power_of_ten(after: &str) -> Option<(Option<Exact>, usize)> {
    let space: &[char] = &[' ', THIN_SPACE];
    let rest = after.trim_start_matches(space).strip_prefix(['×', 'x', 'X', '*', '·', '⋅'])?;
    let rest = rest.trim_start_matches(space).strip_prefix("10")?;
    let rest = rest.strip_prefix('^').or_else(|| rest.strip_prefix("**"))?;
    let (exponent, length) = exponent(rest)?;
    Some((Exact::parse(&format!("1e{exponent}")), after.len() - rest.len() + length))
}

#[cfg(test)]
mod tests;
