//! Rewrites a text so that its numbers stand in plain ASCII: LaTeX commands and groups, digits of
//! other scripts, superscripts, vulgar fractions, dashes.
//!
//! It does not read numbers; `numerals` does. Words stay as they are.

use super::exact::Exact;
use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// Stands for a piece of an expression whose value is not read, such as `\sqrt{2}` or `\pi`. A number
/// that touches it is not the answer.
pub(super) const EXPRESSION: char = '\u{FFFC}';

/// Separates the digits of one number, like the thin space of LaTeX and of typography.
pub(super) const THIN_SPACE: char = '\u{a0}';

/// A dash of typography. It may join the ends of a range.
pub(super) const EN_DASH: char = '–';

/// The deepest nesting of fractions.
const DEEPEST: usize = 8;

/// The most characters of a group, so that a text of opening braces cannot take long.
const LONGEST_GROUP: usize = 2_000;

/// The zeros of the decimal digits of scripts in use.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1b50, 0x1bb0,
    0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xaa50, 0xabf0, 0xff10, 0x1d7ce, 0x1d7d8,
    0x1d7e2, 0x1d7ec, 0x1d7f6,
];

const FRACTIONS: &[(char, &str)] = &[
    ('½', "1/2"),
    ('⅓', "1/3"),
    ('⅔', "2/3"),
    ('¼', "1/4"),
    ('¾', "3/4"),
    ('⅕', "1/5"),
    ('⅖', "2/5"),
    ('⅗', "3/5"),
    ('⅘', "4/5"),
    ('⅙', "1/6"),
    ('⅚', "5/6"),
    ('⅐', "1/7"),
    ('⅛', "1/8"),
    ('⅜', "3/8"),
    ('⅝', "5/8"),
    ('⅞', "7/8"),
    ('⅑', "1/9"),
    ('⅒', "1/10"),
];

const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SUBSCRIPTS: &str = "₀₁₂₃₄₅₆₇₈₉";

/// Commands whose value is not read.
const SYMBOLS: &[&str] = &[
    "pi", "alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu", "rho", "sigma",
    "tau", "phi", "omega", "infty", "overline", "bar", "dot", "ddot", "hat", "binom", "dbinom",
    "tbinom", "mathring",
];

/// Commands whose argument is no part of the text.
const ASIDES: &[&str] = &[
    "tag",
    "label",
    "ref",
    "eqref",
    "cite",
    "footnote",
    "footnotemark",
    "hspace",
    "vspace",
    "color",
    "textcolor",
    "phantom",
    "hphantom",
    "vphantom",
    "rule",
];

/// Commands whose argument follows them, also without braces. Their value is not read.
const FUNCTIONS: &[&str] = &[
    "log", "ln", "lg", "exp", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos",
    "arctan", "sinh", "cosh", "tanh", "max", "min", "gcd", "lim", "sum", "prod", "int", "det",
    "deg", "dim", "sup", "inf", "pmod", "bmod", "mod", "pod",
];

/// Units that stand on the lines of a fraction, of which two are no variables.
const UNITS: &[&str] = &[
    "km", "cm", "mm", "m", "ft", "in", "mi", "kg", "mg", "g", "lb", "mol", "ml", "mL", "L", "h",
    "hr", "min", "ms", "s", "kJ", "kW", "J", "N",
];

/// Commands between two sides of a statement.
const RELATIONS: &[&str] = &[
    "approx",
    "approxeq",
    "in",
    "to",
    "equiv",
    "geq",
    "ge",
    "leq",
    "le",
    "gt",
    "lt",
    "sim",
    "simeq",
    "cong",
    "doteq",
    "ne",
    "neq",
    "implies",
    "iff",
    "Rightarrow",
    "rightarrow",
    "longrightarrow",
    "Longrightarrow",
    "Leftrightarrow",
    "mapsto",
    "therefore",
    "coloneqq",
];

/// Functions of programs and calculators, before a bracket.
const CALLS: &[&str] = &[
    "sqrt",
    "cbrt",
    "root",
    "log",
    "ln",
    "exp",
    "sin",
    "cos",
    "tan",
    "abs",
    "floor",
    "ceil",
    "max",
    "min",
    "gcd",
    "lcm",
    "factorial",
    "pow",
];

/// The place of the content of the last `\boxed{…}` that is not empty, in which an answer stands by
/// convention.
pub(super) fn boxed(text: &str) -> Option<Range<usize>> {
    text.rmatch_indices("box").find_map(|(at, _)| {
        let (before, after) = text.split_at(at);
        let after = match after.strip_prefix("boxed") {
            Some(after) if before.ends_with('\\') => after,
            _ if before.ends_with("\\f") => &after["box".len()..],
            _ => return None,
        };
        let after = after.trim_start();
        let (start, content) = match after.strip_prefix('{') {
            Some(rest) => (1, group(after).map_or(rest, |(content, _)| content)),
            None => (0, after.split(|c: char| c.is_whitespace() || c == '$').next()?),
        };
        let start = text.len() - after.len() + start;
        (!content.trim().is_empty()).then_some(start..start + content.len())
    })
}

/// The text with its numbers in plain ASCII.
pub(super) fn plain(text: &str) -> String {
    let is_bare = text.trim().strip_suffix('!').is_some_and(is_number_alone);
    plain_in(text, if is_bare { Mode::Formula } else { Mode::Prose })
}

/// The same of a formula, in which `!` is no exclamation mark.
pub(super) fn plain_formula(text: &str) -> String {
    plain_in(text, Mode::Formula)
}

/// `^3/_4`: a raised and a lowered number are a fraction.
static RAISED_FRACTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(\d?)\^(\d+)/_(\d+)").ok());

/// `|-3|` where a line has no other bars, which would be those of a table.
static ABSOLUTE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^([^|\n]*)\|[-–][^|\n]*\|([^|\n]*)$").ok());

fn plain_in(text: &str, mode: Mode) -> String {
    let mut plain = plain_at(text, mode, 0);
    let replace = |text: &str, pattern: &Option<Regex>, by: &str| {
        let replaced = pattern.as_ref().map(|pattern| pattern.replace_all(text, by));
        match replaced {
            Some(Cow::Owned(replaced)) => Some(replaced),
            _ => None,
        }
    };
    if plain.contains("/_") {
        plain = replace(&plain, &RAISED_FRACTION, "$1 $2/$3").unwrap_or(plain);
    }
    if plain.contains('|') {
        plain = replace(&plain, &ABSOLUTE, "$1\u{fffc}$2").unwrap_or(plain);
    }
    plain
}

fn is_number_alone(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '(' | ')'))
}

/// How `!` after a number is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Prose,
    Formula,
}

fn plain_at(text: &str, mode: Mode, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => command(after, &mut out, depth),
            // `10 ^ { 3 }` is written apart.
            '^' => {
                let bare = out.trim_end_matches([' ', THIN_SPACE]);
                if bare.ends_with(|c: char| c.is_ascii_digit() || c == ')') {
                    out.truncate(bare.len());
                }
                out.push('^');
                let raised = after.trim_start_matches([' ', '{']);
                if raised.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
                    raised
                } else {
                    after
                }
            }
            '{' | '}' => brace(c, after, &mut out),
            '(' if ends_with_call(&out)
                && let Some(after) = past_bracket(rest) =>
            {
                out.push(EXPRESSION);
                after
            }
            'π' if !out.ends_with(char::is_alphabetic)
                && !after.starts_with(char::is_alphabetic) =>
            {
                out.push(EXPRESSION);
                after
            }
            '!' if is_factorial(&out, after, mode) => {
                out.push(EXPRESSION);
                after
            }
            ',' if let Some(after) = dash_for_cents(&out, after) => {
                out.push_str(",00");
                after
            }
            c if is_in(SUPERSCRIPTS, c).is_some() || c == '⁻' || c == '⁺' => {
                script('^', SUPERSCRIPTS, rest, &mut out)
            }
            c if is_in(SUBSCRIPTS, c).is_some() => script('_', SUBSCRIPTS, rest, &mut out),
            c => {
                character(c, &mut out);
                after
            }
        };
    }
    out
}

/// Whether a text ends with the name of a function, such as `sqrt` or `log2`.
fn ends_with_call(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = text.bytes().rev().take_while(u8::is_ascii_alphabetic).take(12).count();
    let name = &text[text.len() - letters..];
    CALLS.iter().any(|call| call.eq_ignore_ascii_case(name))
}

/// What follows an end that is near; else all.
fn past<'a>(text: &'a str, end: &str) -> &'a str {
    let near = &text[..text.floor_char_boundary(LONGEST_GROUP)];
    near.find(end).map_or(text, |at| &text[at + end.len()..])
}

/// What follows the bracketed text at the beginning.
fn past_bracket(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().take(LONGEST_GROUP) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(&text[at + 1..]);
                }
            }
            _ => {}
        }
    }
    None
}

/// What follows the dashes in `9.500,- €`, which stand for no cents.
fn dash_for_cents<'a>(before: &str, after: &'a str) -> Option<&'a str> {
    let rest = after.trim_start_matches(['-', '–', '—']);
    let is_price = before.ends_with(|c: char| c.is_ascii_digit()) && rest.len() < after.len();
    (is_price && !rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// Whether `!` is a factorial: in a formula, or before an operator or the end of a formula in prose.
fn is_factorial(before: &str, after: &str, mode: Mode) -> bool {
    before.ends_with(|c: char| c.is_ascii_digit() || c == ')')
        && (mode == Mode::Formula
            || after.starts_with(['$', '/', '*', '+', '^', '×', '·', '÷'])
            || after.starts_with("\\)")
            || after.starts_with("\\]"))
}

/// Groups have no meaning of their own; `{,}` is a comma without space, and `x^{2}3` is not `x^23`.
fn brace<'a>(brace: char, after: &'a str, out: &mut String) -> &'a str {
    if brace == '{' {
        if let Some(rest) = [",}", ".}", "'}"].iter().find_map(|it| after.strip_prefix(*it)) {
            out.push_str(&after[..1]);
            // `9{,}\,500`
            return ["\\,", "\\!", "\\;"]
                .iter()
                .find_map(|it| rest.strip_prefix(*it))
                .unwrap_or(rest);
        }
    } else if after.starts_with(|c: char| c == '{' || c.is_ascii_digit())
        && out.ends_with(|c: char| c.is_alphanumeric() || c == ')')
    {
        out.push(' ');
    }
    after
}

fn is_in(row: &str, c: char) -> Option<usize> {
    row.chars().position(|other| other == c)
}

/// A run of raised or lowered digits.
fn script<'a>(mark: char, row: &str, text: &'a str, out: &mut String) -> &'a str {
    out.push(mark);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match (c, is_in(row, c)) {
            ('⁻', _) => out.push('-'),
            ('⁺', _) => {}
            (_, Some(digit)) => out.extend(char::from_digit(digit as u32, 10)),
            _ => break,
        }
        rest = &rest[c.len_utf8()..];
    }
    rest
}

fn character(c: char, out: &mut String) {
    match c {
        // Brackets around an exponent: `10^(-3)`.
        '(' if out.ends_with('^') => {}
        c if c.is_ascii() => out.push(c),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
        '\u{a0}' | '\u{202f}' | '\u{2007}'..='\u{200a}' => out.push(THIN_SPACE),
        '‐' | '‑' | '‒' | '−' | '﹣' | '－' | '⁃' => out.push('-'),
        '–' | '—' | '―' => {
            out.push(if out.ends_with(['^', 'e', 'E']) { '-' } else { EN_DASH });
        }
        '٫' => out.push('.'),
        '٬' | '’' | '‘' | '＇' => out.push(if c == '٬' { ',' } else { '\'' }),
        '٪' | '﹪' => out.push('%'),
        '⁄' | '∕' | '／' => out.push('/'),
        '～' | '〜' => out.push('~'),
        // Roots, infinity, brackets that round, and the bar over the digits of a period.
        '√' | '∛' | '∜' | '∞' | '⌊' | '⌋' | '⌈' | '⌉' | '\u{305}' => {
            out.push(EXPRESSION);
        }
        c => {
            let code = u32::from(c);
            let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code));
            if let Some(zero) = zero {
                out.extend(char::from_digit(code - zero, 10));
            } else if let Some((_, fraction)) = FRACTIONS.iter().find(|(other, _)| *other == c) {
                push_fraction(fraction, out);
            } else if ('\u{ff01}'..='\u{ff5e}').contains(&c) {
                out.extend(char::from_u32(code - 0xfee0));
            } else {
                out.push(c);
            }
        }
    }
}

/// After a whole number a fraction is the rest of a mixed number.
fn push_fraction(fraction: &str, out: &mut String) {
    if out.ends_with(|c: char| c.is_ascii_digit()) {
        out.push(' ');
    }
    out.push_str(fraction);
}

/// Rewrites the command after a backslash, and returns what follows it.
fn command<'a>(after: &'a str, out: &mut String, depth: usize) -> &'a str {
    let length = after.bytes().take_while(u8::is_ascii_alphabetic).count();
    if length == 0 {
        let Some(c) = after.chars().next() else { return after };
        match c {
            '!' => {}
            ',' | ';' | ':' | ' ' | '>' => out.push(THIN_SPACE),
            // A set, whose numbers are several.
            '{' => out.push('['),
            '}' => out.push(']'),
            '(' | ')' | '[' | ']' | '\\' => out.push(' '),
            c => character(c, out),
        }
        return &after[c.len_utf8()..];
    }
    let (name, rest) = after.split_at(length);
    match name {
        "frac" | "dfrac" | "tfrac" | "cfrac" | "sfrac" | "nicefrac" => {
            return fraction(rest, out, depth);
        }
        name if ASIDES.contains(&name) => {
            out.push(' ');
            let rest = rest.strip_prefix('*').unwrap_or(rest);
            return group(rest).map_or(rest, |(_, rest)| rest);
        }
        "thinspace" | "enspace" | "nobreakspace" | "space" => {
            out.push(THIN_SPACE);
            return rest.trim_start_matches(' ');
        }
        "times" => out.push('×'),
        "div" => out.push('÷'),
        "cdot" => out.push('·'),
        "over" => out.push('/'),
        "pm" => out.push('±'),
        "circ" | "degree" => out.push('°'),
        "left" | "right" | "big" | "Big" | "text" | "textbf" | "textit" | "textrm" | "textsf"
        | "mathord" | "mathrm" | "mathbf" | "mathit" | "mathsf" | "mathtt" | "mathbb" | "mbox"
        | "emph" | "underline" | "boxed" | "fbox" | "operatorname" | "displaystyle" | "bf"
        | "rm" => {}
        "sqrt" => {
            out.push(EXPRESSION);
            let rest = match rest.strip_prefix('[') {
                Some(index) => index.split_once(']').map_or(rest, |(_, rest)| rest),
                None => rest,
            };
            return argument(rest).map_or(rest, |(_, rest)| rest);
        }
        "lfloor" | "lceil" | "lvert" | "lVert" => {
            out.push(EXPRESSION);
            let end = format!("\\r{}", &name[1..]);
            return past(rest, &end);
        }
        "begin" => return environment(rest, out),
        name if FUNCTIONS.contains(&name) => {
            out.truncate(out.trim_end_matches([' ', THIN_SPACE]).len());
            out.push(EXPRESSION);
            return past_argument(rest);
        }
        name if RELATIONS.contains(&name) => out.push('≈'),
        name if SYMBOLS.contains(&name) => {
            out.push(EXPRESSION);
            // Its arguments are part of the expression.
            let mut rest = rest;
            while let Some((_, after)) = group(rest) {
                rest = after;
            }
            return rest;
        }
        _ => out.push(' '),
    }
    rest
}

/// What follows the argument of a function, as far as it stands in brackets. A bare one comes next.
fn past_argument(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((_, after)) = rest.strip_prefix(['_', '^']).and_then(argument) {
        rest = after.trim_start();
    }
    let inner = ["\\left", "\\big", "\\Big"].iter().find_map(|size| rest.strip_prefix(size));
    let bracketed = inner.unwrap_or(rest).trim_start();
    if let Some(set) = bracketed.strip_prefix("\\{") {
        return past(set, "\\}");
    }
    if bracketed.starts_with(['(', '[']) {
        return past_bracket(bracketed).unwrap_or(rest);
    }
    group(rest).map_or(rest, |(_, rest)| rest)
}

/// A matrix or a list of cases is one expression; of other environments the content is read.
fn environment<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some((name, after)) = group(rest) else { return rest };
    if name.ends_with("matrix") || ["array", "cases"].contains(&name) {
        out.push(EXPRESSION);
        let end = format!("\\end{{{name}}}");
        return after.split_once(&end).map_or("", |(_, rest)| rest);
    }
    out.push(' ');
    after
}

/// A number on one line of a fraction.
static NUMERAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*\(?([+-]?[$€£¥]?\d[\d.,'\u{a0}]*)\)?\s*$").ok());

fn fraction<'a>(rest: &'a str, out: &mut String, depth: usize) -> &'a str {
    let Some((above, after)) = argument(rest) else {
        out.push(EXPRESSION);
        return rest;
    };
    let Some((below, after)) = argument(after) else {
        out.push(EXPRESSION);
        return after;
    };
    if out.ends_with(|c: char| c.is_ascii_digit() || c == ' ' || c == THIN_SPACE)
        && let Some(unit) = unit(above, below)
    {
        out.push_str(&unit);
        return after;
    }
    let numeral = |part: &str| {
        let part =
            if depth < DEEPEST { plain_at(part, Mode::Formula, depth + 1) } else { return None };
        let part = powered(&part).unwrap_or(part);
        match NUMERAL.as_ref()?.captures(&part) {
            Some(found) => Some(found.get(1)?.as_str().to_owned()),
            None => ratio(&part).map(|_| part.trim().to_owned()),
        }
    };
    let value = match (numeral(above), numeral(below)) {
        (Some(above), Some(below)) if above.contains('/') || below.contains('/') => {
            quotient(&above, &below)
        }
        (Some(above), Some(below)) => Some(format!("{above}/{below}")),
        _ => None,
    };
    match value {
        // `3\frac{-1}{2}` is no mixed number.
        Some(value) if !(value.contains('-') && out.ends_with(|c: char| c.is_ascii_digit())) => {
            push_fraction(&value, out);
        }
        _ => out.push(EXPRESSION),
    }
    after
}

/// ` km/h` of the two lines of a fraction, if they are units and not variables.
fn unit(above: &str, below: &str) -> Option<String> {
    let is_text = above.contains("\\text") || above.contains("\\mathrm");
    let name = |part: &str| plain_at(part, Mode::Formula, DEEPEST).trim().to_owned();
    let (above, below) = (name(above), name(below));
    let is_word = |part: &str| !part.is_empty() && part.chars().all(char::is_alphabetic);
    let is_known = |part: &String| UNITS.contains(&part.as_str());
    let is_unit = is_word(&above)
        && is_word(&below)
        && (is_text || is_known(&above) && is_known(&below) && above.len() + below.len() > 2);
    is_unit.then(|| format!(" {above}/{below}"))
}

/// The value of a power such as `10^3` whose parts are whole numbers.
fn powered(text: &str) -> Option<String> {
    let (base, power) = text.trim().split_once('^')?;
    let value = Exact::parse(base)?.to_power(&Exact::parse(power)?)?;
    value.is_whole().then(|| value.to_string())
}

/// A whole number or a fraction of whole numbers, as its two parts.
fn ratio(text: &str) -> Option<(i128, i128)> {
    let text = text.trim();
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    Some((above.parse().ok()?, below.parse().ok()?))
}

/// A fraction of fractions.
fn quotient(above: &str, below: &str) -> Option<String> {
    let ((a, b), (c, d)) = (ratio(above)?, ratio(below)?);
    let (over, under) = (a.checked_mul(d)?, b.checked_mul(c)?);
    let sign = if under < 0 { -1 } else { 1 };
    Some(format!("{}/{}", over.checked_mul(sign)?, under.checked_mul(sign)?))
}

/// The argument of a command: a group, or one character.
fn argument(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    group(text).or_else(|| {
        let c = text.chars().next()?;
        Some(text.split_at(c.len_utf8()))
    })
}

/// The content of the group at the beginning of a text, and what follows it.
fn group(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, c) in inner.char_indices().take(LONGEST_GROUP) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 0 => return Some((&inner[..at], &inner[at + 1..])),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn latex_is_rewritten() {
        for (text, expected) in [
            (r"7{,}250", "7,250"),
            (r"7\,250", "7\u{a0}250"),
            (r"7,\!250", "7,250"),
            (r"\frac{5}{8}", "5/8"),
            (r"-\dfrac{5}{8}", "-5/8"),
            (r"\tfrac58", "5/8"),
            (r"2\frac{1}{4}", "2 1/4"),
            (r"\frac{1{,}000}{3}", "1,000/3"),
            (r"\frac{\pi}{4}", "\u{fffc}"),
            (r"\frac{x+1}{4}", "\u{fffc}"),
            (r"\frac{\frac{1}{2}}{4}", "1/8"),
            (r"\frac{1}{\frac{-1}{2}}", "-2/1"),
            (r"\frac{1}{-2}", "1/-2"),
            (r"3\frac{1}{-2}", "3\u{fffc}"),
            (r"\frac{\frac{\pi}{2}}{4}", "\u{fffc}"),
            (r"\log_2 8", "\u{fffc}8"),
            (r"\gcd(12, 18) = 6", "\u{fffc} = 6"),
            (r"\max\{1, 2\}", "\u{fffc}"),
            (r"12 \pmod{13}", "12\u{fffc}"),
            (r"3\sqrt{5}", "3\u{fffc}"),
            (r"\sqrt[3]{5}", "\u{fffc}"),
            (r"6 \times 10^{-4}", "6 × 10^-4"),
            (r"45^{\circ}", "45^°"),
            (r"40\text{ cm}", "40 cm"),
            (r"\$5 or 5\%", "$5 or 5%"),
            (r"\(12\)", " 12 "),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_and_signs_of_other_scripts_are_rewritten() {
        assert_eq!(plain("４２．５"), "42.5");
        assert_eq!(plain("٤٢٫٥ ۴۲ ४२ 𝟒𝟐"), "42.5 42 42 42");
        assert_eq!(plain("10⁻³ m² H₂O"), "10^-3 m^2 H_2O");
        assert_eq!(plain("2½ ¾"), "2 1/2 3/4");
        assert_eq!(plain("−5 ‑5 －5 –5 —5"), "-5 -5 -5 –5 –5");
    }

    #[test]
    fn the_last_box_is_found() {
        let boxed = |text: &'static str| boxed(text).map(|found| &text[found]);
        assert_eq!(boxed(r"\boxed{1} so \boxed{\frac{1}{2}} and 3"), Some(r"\frac{1}{2}"));
        assert_eq!(boxed(r"\boxed{12"), Some("12"));
        assert_eq!(boxed(r"$\boxed 7$ of 9"), Some("7"));
        assert_eq!(boxed("7"), None);
    }

    proptest! {
        #[test]
        fn any_text_can_be_rewritten(text in r"[\\{}a-c0-9½⁻²₃^_ ,/]{0,40}|(\\frac|\\sqrt|\{|\}|1){0,20}") {
            let _ = plain(&text);
            let _ = boxed(&text);
        }
    }
}
