//! What stands around a number: its sign, its currency, its percent sign, brackets, and whether it
//! is part of a name.
//!
//! It reads no digits; `numerals` does. Texts are rewritten by `spelling`.

use super::spelling::{EN_DASH, EXPRESSION, THIN_SPACE};

const CURRENCIES: &[char] = &['$', '€', '£', '¥', '₹', '₩', '₽', '₺', '₫', '₪', '฿', '₦', '₴'];
const CURRENCY_WORDS: &[&str] =
    &["usd", "eur", "gbp", "jpy", "cny", "inr", "chf", "aud", "cad", "rs", "rm", "us"];

/// Marks of emphasis, and the space of LaTeX at which no line breaks.
const MARKS: &[char] = &['*', '_', '`', '~'];

/// Words before a number that name a version.
const VERSION_WORDS: &[&str] = &["version", "ver", "v", "release"];

/// Words after which a number in brackets is the amount itself, not an aside.
const VERBS: &[&str] = &["is", "was", "are", "were", "be", "of", "equals"];

/// Functions whose argument is a number that follows them in a formula: `log 8`.
const FUNCTIONS: &[&str] = &["sqrt", "log", "ln", "exp", "sin", "cos", "tan"];

/// Letters that stand directly after a number for a variable, and hardly for a unit.
const VARIABLES: &[char] =
    &['a', 'b', 'c', 'e', 'i', 'j', 'n', 'p', 'q', 'r', 'u', 'v', 'w', 'x', 'y', 'z'];

/// The context before a number.
pub(super) struct Before {
    pub(super) is_minus: bool,
    pub(super) has_currency: bool,
    pub(super) is_name: bool,
    pub(super) is_expression: bool,
}

impl Before {
    /// The context at the end of a text. In a formula, a minus may stand apart from its number. The marks
    /// of emphasis between a sign and its number change nothing.
    pub(super) fn of(text: &str, is_formula: bool) -> Self {
        let unmarked = text.trim_end_matches(MARKS);
        let bare = without_currency(unmarked).trim_end_matches(MARKS);
        let has_sign = without_currency(unmarked).len() < unmarked.len();
        let has_currency = has_sign || CURRENCY_WORDS.contains(&last_word(bare).as_str());
        let is_expression = ends_expression(text, is_formula);
        if let Some(rest) = bare.strip_suffix(['-', EN_DASH]) {
            let rest = rest.trim_end_matches(MARKS);
            // After a digit or a bracket it is a range or a subtraction, after a letter a hyphen.
            let joins = |c: char| {
                c.is_alphanumeric()
                    || matches!(c, ')' | ']' | '%' | '-' | '°' | EN_DASH | EXPRESSION)
            };
            return Self {
                is_minus: !rest.ends_with(joins),
                has_currency,
                is_name: !has_sign && rest.ends_with(|c: char| c.is_ascii_alphabetic()),
                is_expression: is_expression || ends_expression(rest, is_formula),
            };
        }
        // `5.2 ± 0.1` gives a number and how exact it is; `± 42` gives two.
        let before_deviation = bare.trim_end_matches([' ', THIN_SPACE]).strip_suffix('±');
        let is_deviation = before_deviation.is_some_and(|rest| {
            rest.trim_end_matches([' ', THIN_SPACE]).ends_with(|c: char| c.is_alphanumeric())
        });
        let within_name = bare.ends_with(|c: char| c.is_ascii_alphabetic()) || is_deviation;
        let is_expression = is_expression || before_deviation.is_some() && !is_deviation;
        let word = last_word(bare);
        let is_version = VERSION_WORDS.contains(&word.as_str()) && !has_sign;
        // `4 out of 5`, `4 of 5`, and the footnote `[1]`.
        let is_aside = bare.ends_with(" out of ") || is_whole(bare) || is_footnote(bare);
        Self {
            is_minus: is_spaced_minus(bare, is_formula) || is_minus_word(bare),
            has_currency,
            is_name: is_version || is_aside || within_name && !has_currency,
            is_expression,
        }
    }
}

/// Whether a text ends with ` of ` after a whole number or a decimal: what follows is what it is part of.
fn is_whole(text: &str) -> bool {
    let Some(rest) = text.strip_suffix(" of ") else { return false };
    let number = rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    number.len() < rest.len() && !number.ends_with('/')
}

/// The text without a currency at its end.
pub(super) fn without_currency(text: &str) -> &str {
    let bare = text.strip_suffix([' ', THIN_SPACE]).unwrap_or(text);
    bare.strip_suffix(CURRENCIES).unwrap_or(text)
}

/// The text without a currency at its end, be it a sign or a code.
pub(super) fn before_currency(text: &str) -> &str {
    let bare = text.trim_end_matches([' ', THIN_SPACE]);
    let letters = bare.bytes().rev().take(12).take_while(u8::is_ascii_alphabetic).count();
    let (rest, word) = bare.split_at(bare.len() - letters);
    match CURRENCY_WORDS.contains(&word.to_ascii_lowercase().as_str()) {
        true => rest,
        false => without_currency(text),
    }
}

/// What follows a currency, be it a sign or a code, at the beginning of a text.
pub(super) fn past_currency(text: &str) -> &str {
    let bare = text.trim_start_matches([' ', THIN_SPACE]);
    let letters = bare.bytes().take(12).take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = bare.split_at(letters);
    match CURRENCY_WORDS.contains(&word.to_ascii_lowercase().as_str()) {
        true => rest,
        false => bare.strip_prefix(CURRENCIES).unwrap_or(text),
    }
}

/// Whether a number that follows is rounded to another: `round 3.998 to 4`.
pub(super) fn is_rounded(before: &str) -> bool {
    let near = &before[before.floor_char_boundary(before.len().saturating_sub(24))..];
    near.to_ascii_lowercase().contains("round")
}

/// The word at the end of a text in lower case, with a space or a point after it.
fn last_word(text: &str) -> String {
    let text = text.trim_end_matches([' ', THIN_SPACE]);
    let text = text.strip_suffix('.').unwrap_or(text);
    let letters = text.bytes().rev().take(12).take_while(u8::is_ascii_alphabetic).count();
    text[text.len() - letters..].to_ascii_lowercase()
}

/// `= - 5`. After a line break it is a bullet, unless it begins a formula; after a number it is a
/// subtraction.
fn is_spaced_minus(text: &str, is_formula: bool) -> bool {
    let Some(bare) = text.strip_suffix([' ', THIN_SPACE]) else { return false };
    let Some(rest) = bare.strip_suffix(['-', EN_DASH]) else { return false };
    let rest = rest.trim_end_matches([' ', THIN_SPACE]);
    let begins = rest.is_empty() || rest.ends_with(['\n', '$', ',']);
    let is_math = is_formula || text.ends_with(THIN_SPACE);
    rest.ends_with(['=', '≈', '≡', '≥', '≤', '→', '∈', '(', '[', ':']) || is_math && begins
}

/// Whether a number that follows stands in the brackets of a citation, which come after a word or a
/// sentence: `[1`, `[1][2`, `^[1`, `【4`.
fn is_footnote(text: &str) -> bool {
    let brackets: &[char] = &['[', '【'];
    let Some(mut rest) = text.strip_suffix(brackets) else { return false };
    // Long chains of citations are cut.
    for _ in 0..8 {
        let Some(inner) = rest.strip_suffix([']', '】']) else { break };
        let from = inner.floor_char_boundary(inner.len().saturating_sub(24));
        let Some(start) = inner[from..].rfind(brackets).map(|at| from + at) else { break };
        rest = &rest[..start];
    }
    let rest = rest.strip_suffix('^').unwrap_or(rest);
    let rest = rest.strip_suffix(' ').unwrap_or(rest);
    rest.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '!' | '?' | ')' | '%' | '*'))
}

/// Whether a text begins with the sign of a currency, or with a letter of scale before one: ` K€`.
pub(super) fn starts_with_currency(text: &str) -> bool {
    let bare = text.strip_prefix([' ', THIN_SPACE]).unwrap_or(text);
    let rest = bare.trim_start_matches(['k', 'K', 'm', 'M', 'b', 'B', 't', 'T']);
    let rest = if bare.len() - rest.len() <= 2 { rest } else { bare };
    rest.strip_prefix([' ', THIN_SPACE]).unwrap_or(rest).starts_with(CURRENCIES)
}

/// Whether a number that follows is a part of an expression: `√16`, `x^2`, `3(4)`, `101_2`, `5 mod 3`.
fn ends_expression(before: &str, is_formula: bool) -> bool {
    let bare = before.trim_end_matches([' ', THIN_SPACE]);
    let word = last_word(before);
    let is_function = word == "sqrt" || is_formula && FUNCTIONS.contains(&word.as_str());
    if is_function || word == "mod" || is_formula && bare.ends_with(EXPRESSION) {
        return true;
    }
    let ends_with_digit = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
    match before.chars().next_back() {
        Some('^' | EXPRESSION) => true,
        Some('_') => ends_with_digit(&before[..before.len() - 1]),
        Some('(') => {
            let outside = &before[..before.len() - 1];
            let whole = outside.strip_suffix('.').unwrap_or(outside);
            outside.ends_with([')', EXPRESSION]) || ends_with_digit(whole)
        }
        _ => false,
    }
}

/// Whether what follows a number makes it an expression: `3√5`, `2^n`, `5x^2`, `2i`, `3(4)`, `0.(3)`,
/// `101_2`. In a formula, a letter after it is a variable: `3x`.
pub(super) fn begins_expression(after: &str, is_formula: bool) -> bool {
    let bare = after.trim_start_matches([' ', THIN_SPACE]);
    let bracket = after.strip_prefix('.').unwrap_or(after);
    let begins_value =
        |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == EXPRESSION);
    bare.starts_with(EXPRESSION)
        || bracket.starts_with(EXPRESSION)
        || bracket.strip_prefix('(').is_some_and(begins_value)
        || after.strip_prefix(")(").is_some_and(begins_value)
        || after
            .strip_prefix('_')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        || after.strip_prefix('^').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '(' | EXPRESSION))
                && !is_ordinal(rest)
        })
        || bare.strip_prefix("mod").is_some_and(|rest| bare != after && rest.starts_with(' '))
        || is_variable(after, is_formula)
        || is_complex(bare)
}

/// `th` after `12^`.
fn is_ordinal(text: &str) -> bool {
    let text = text.trim_start_matches([' ', THIN_SPACE]);
    ["st", "nd", "rd", "th"].iter().any(|end| {
        text.strip_prefix(end).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}

/// `x` after `3`. In prose `3x` may be three times as much, but `3x^2` and `2i` are formulas.
fn is_variable(after: &str, is_formula: bool) -> bool {
    let bare = after.trim_start_matches([' ', THIN_SPACE]);
    let length = bare.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = bare.split_at(length);
    if rest.starts_with(char::is_alphanumeric) {
        return false;
    }
    let is_name = match name.chars().next() {
        Some(c) if name.len() == 1 && bare.len() == after.len() => VARIABLES.contains(&c),
        Some(_) => name.len() <= 3 && name.chars().all(|c| matches!(c, 'x' | 'y' | 'z')),
        None => false,
    };
    is_name && (is_formula || name == "i" || rest.starts_with(['^', '$']) || continues_sum(rest))
}

/// Whether a formula goes on with a sum or an equation: ` + 5` or `=8` after `3x`.
fn continues_sum(after: &str) -> bool {
    let space: &[char] = &[' ', THIN_SPACE];
    let Some(rest) = after.trim_start_matches(space).strip_prefix(['+', '-', EN_DASH, '=']) else {
        return false;
    };
    let rest = rest.trim_start_matches(space);
    let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '(') || length == 1
}

/// Whether a number in prose is a term of a sum or a product: `3 + 4`, `3 × 4`, and `5` in `3x - 5`. The
/// value of the whole is not read. `5 - 3` may be a list or a range.
pub(super) fn is_term_in_prose(before: &str, after: &str) -> bool {
    let space: &[char] = &[' ', THIN_SPACE];
    let bare = without_currency(before).trim_end_matches(space);
    let is_added = bare.strip_suffix(['+', '-', EN_DASH]).is_some_and(|rest| {
        let rest = rest.trim_end_matches(space);
        let name = rest.trim_end_matches(['x', 'y', 'z']);
        let is_variable = name.len() < rest.len() && !name.ends_with(char::is_alphabetic);
        is_variable || bare.ends_with('+') && rest.ends_with(|c: char| c.is_ascii_digit())
    });
    let rest = after.trim_start_matches(space).strip_prefix('+');
    is_added
        || is_factor(before, after)
        || rest.is_some_and(|rest| {
            let rest = rest.trim_start_matches(space);
            let rest = rest.strip_prefix(CURRENCIES).unwrap_or(rest);
            rest.starts_with(|c: char| c.is_ascii_digit()) || is_lone_variable(rest)
        })
}

/// Whether a number is a factor of a product, in prose and in formulas: `3 × 4`, `3·4`, `3 x 4`, `3*4`. A star or a letter stands
/// alike on both sides, or else it may open an emphasis or be part of a word.
fn is_factor(before: &str, after: &str) -> bool {
    let space: &[char] = &[' ', THIN_SPACE];
    let signs = |sign: char| match sign {
        '×' | '·' | '⋅' => Some(false),
        '*' | 'x' | 'X' => Some(true),
        _ => None,
    };
    let begins_value = |text: &str| {
        let text = text.strip_prefix("**").unwrap_or(text);
        let text = text.strip_prefix(['-', EN_DASH]).unwrap_or(text);
        let text = text.strip_prefix('(').unwrap_or(text);
        let text = text.strip_prefix(CURRENCIES).unwrap_or(text);
        text.starts_with(|c: char| c.is_ascii_digit() || c == EXPRESSION)
    };
    let ends_value = |text: &str| {
        let text = text.strip_suffix("**").unwrap_or(text);
        text.ends_with(|c: char| c.is_ascii_digit() || matches!(c, ')' | '%' | EXPRESSION))
    };
    // `**3** × **4**`. A star alone may be the sign.
    let (before, after) = match (before.strip_suffix("**"), after.strip_prefix("**")) {
        (Some(before), Some(after)) => (before, after),
        _ => (before, after),
    };
    let after = after.strip_prefix(')').unwrap_or(after);
    let is_multiplied = || {
        let sign = after.trim_start_matches(space);
        let mut rest = sign.chars();
        let must_be_even = rest.next().and_then(signs)?;
        let value = rest.as_str().trim_start_matches(space);
        let (left, right) = (after.len() - sign.len(), rest.as_str().len() - value.len());
        Some(begins_value(value) && (!must_be_even || (left == 0) == (right == 0)))
    };
    let is_multiplier = || {
        let number = without_currency(before.strip_suffix('(').unwrap_or(before));
        let number = number.strip_suffix(['-', EN_DASH]).unwrap_or(number);
        let sign = number.trim_end_matches(space);
        let mut rest = sign.chars();
        let must_be_even = rest.next_back().and_then(signs)?;
        let value = rest.as_str().trim_end_matches(space);
        let (left, right) = (rest.as_str().len() - value.len(), number.len() - sign.len());
        Some(ends_value(value) && (!must_be_even || (left == 0) == (right == 0)))
    };
    is_multiplied().unwrap_or_default() || is_multiplier().unwrap_or_default()
}

/// `x` or `3x`.
fn is_lone_variable(text: &str) -> bool {
    let name = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = name.trim_start_matches(['x', 'y', 'z']);
    rest.len() < name.len() && !rest.starts_with(char::is_alphanumeric)
}

/// ` + 2i` after `3`.
fn is_complex(after: &str) -> bool {
    let Some(rest) = after.strip_prefix(['+', '-', EN_DASH]) else { return false };
    let rest = rest.trim_start_matches([' ', THIN_SPACE]);
    let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let has_number = number.len() < rest.len();
    has_number
        && number
            .strip_prefix('i')
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// Whether a minus behind a number is its sign, as SAP writes it: `1.234,50-` at the end of a line or a cell, or
/// before a currency. `12- and 24-hour` is none.
pub(super) fn is_trailing_minus(after: &str) -> bool {
    let Some(rest) = after.strip_prefix('-') else { return false };
    let rest = rest.trim_start_matches(['*', '_', '`']);
    let bare = rest.trim_start_matches([' ', THIN_SPACE]);
    // In `$3-$4` a number follows.
    let behind = past_currency(bare);
    let begins_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_currency =
        behind.len() < bare.len() && !begins_number(behind.trim_start_matches([' ', THIN_SPACE]));
    let is_end = |text: &str| text.is_empty() || text.starts_with(['\n', '\r', '\t', '|', ';']);
    is_end(bare)
        || is_currency
        || rest.strip_prefix('.').is_some_and(|rest| is_end(rest.trim_start_matches(' ')))
}

/// Whether a number is one term of a formula, such as `5 + 3` or `x + 2`: the value of the whole is not
/// read.
pub(super) fn is_term(before: &str, after: &str) -> bool {
    let is_factor = is_factor(before, after);
    let operators: &[char] = &['+', '*', '·', '×', '÷', '/'];
    let is_beside = before.ends_with('*');
    let before = before.trim_end_matches([' ', THIN_SPACE]);
    let bare = after.trim_start_matches([' ', THIN_SPACE, ')']);
    let is_apart = bare.len() < after.len();
    let is_sum = before.strip_suffix(operators).is_some_and(|rest| {
        // In `is *5*`, the star opens an emphasis.
        let is_emphasis = is_beside && rest.ends_with(' ');
        !is_emphasis
            && rest.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ' ' | ')' | EXPRESSION))
    });
    // In `*5*` and `**(5)** in all`, the stars close one.
    let is_emphasis = bare.strip_prefix('*').is_some_and(|rest| {
        let is_beside = !after.starts_with([' ', THIN_SPACE]);
        is_beside
            && !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | EXPRESSION))
    });
    let is_difference = bare
        .strip_prefix(['-', EN_DASH])
        .is_some_and(|rest| is_apart || rest.starts_with(|c: char| c == ' ' || c.is_alphabetic()));
    let is_subtracted = before.strip_suffix(['-', EN_DASH]).is_some_and(|rest| {
        let bare = rest.trim_end_matches([' ', THIN_SPACE]);
        // Digits on both sides of a hyphen are a range.
        rest.ends_with(char::is_alphabetic)
            || bare.len() < rest.len()
                && bare.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | EXPRESSION))
    });
    is_sum
        || is_difference
        || is_subtracted
        || bare.starts_with(operators) && !is_emphasis
        || is_factor
}

/// `minus 5`, `negative 5`, but not `10 minus 5`.
fn is_minus_word(text: &str) -> bool {
    let Some(text) = text.strip_suffix(' ') else { return false };
    match last_word(text).as_str() {
        "negative" => true,
        "minus" => {
            let rest = text[..text.len() - "minus".len()].trim_end();
            !rest.ends_with(|c: char| c.is_ascii_digit() || matches!(c, ')' | '%' | EXPRESSION))
        }
        _ => false,
    }
}

/// The length of a percent sign or word at the beginning of a text.
pub(super) fn percent_sign(text: &str) -> Option<usize> {
    let rest = text.trim_start_matches([' ', THIN_SPACE]);
    let space = text.len() - rest.len();
    if rest.starts_with('%') {
        return Some(space + 1);
    }
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let words = ["percentage points", "percentage point", "percent", "per cent", "pct"];
    let word = words.into_iter().find(|word| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
        rest.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
            && ends(&rest[word.len()..])
    })?;
    Some(text.len() - rest.len() + word.len())
}

/// Whether a number stands alone in brackets behind a minus: `-(3/4)`. The minus is outside of a power.
pub(super) fn is_minus_of_brackets(before: &str, after: &str, is_formula: bool) -> bool {
    let space: &[char] = &[' ', THIN_SPACE];
    let outside = before.trim_end_matches(space).strip_suffix('(');
    after.trim_start_matches(space).starts_with(')')
        && outside.is_some_and(|outside| {
            outside.ends_with(['-', EN_DASH]) && Before::of(outside, is_formula).is_minus
        })
}

/// The end of the brackets with which accountants write a negative amount, if a number stands in such:
/// `(1,234)` alone on its line, in a cell or after a colon, and after a verb if it is written as an
/// amount, `is ($1,234)`. In prose, brackets hold an aside, and `(3)` is the third of a list.
pub(super) fn accountants_brackets(text: &str, start: usize, end: usize) -> Option<usize> {
    let space: &[char] = &[' ', THIN_SPACE];
    let inside = before_currency(&text[..start]);
    let before = inside.trim_end_matches(space).strip_suffix('(')?;
    let after = past_currency(&text[end..]).trim_start_matches(space).strip_prefix(')')?;
    let number = &text[start..end];
    let outside = before_currency(before);
    let rest = past_currency(after);
    let has_currency =
        inside.len() < start || outside.len() < before.len() || rest.len() < after.len();
    let is_amount = has_currency || number.contains(['.', ',', '%', THIN_SPACE, ' ']);
    if number.contains('/') || (number.len() == 1 && !has_currency) {
        return None;
    }
    let mark = |c: char| matches!(c, ' ' | '*' | '_' | '`' | THIN_SPACE);
    let line = outside.trim_end_matches(mark);
    let ends_here = rest
        .trim_start_matches(mark)
        .chars()
        .next()
        .is_none_or(|c| matches!(c, '\n' | '\r' | '.' | ',' | ';' | '|' | '%'));
    let is_alone =
        line.is_empty() || line.ends_with(['\n', '\r', ':', '=', '|', ';', '→', '>', '-']);
    let is_scaled = super::scale::factor(after, has_currency).is_some();
    let is_negative = (ends_here || is_scaled) && is_alone
        || is_amount && VERBS.contains(&last_word(line).as_str());
    is_negative.then(|| text.len() - after.len())
}
