//! What joins two numbers: `3-4` and `3 kg to 4 kg` are ranges, `3 or 4` names two numbers.
//!
//! Where numbers begin and end is the business of `numerals`.

use super::context;
use super::spelling::{EN_DASH, THIN_SPACE};

/// How a number is joined to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    Range,
    Choice,
}

/// The longest text between two numbers that may join them, in bytes.
const LONGEST: usize = 40;

/// How the text between two numbers joins them. A spaced hyphen does between numbers that ascend: `5 - 3`
/// is a subtraction. A unit behind the first number stands behind the second one, too.
pub(super) fn between(text: &str, after: &str, ascends: bool) -> Option<Joint> {
    if text.len() > LONGEST {
        return None;
    }
    let space: &[char] = &[' ', THIN_SPACE];
    let bare = text.replace(['*', '_', '`', '$', '°'], "");
    let bare = context::past_currency(&bare);
    let rest = bare.trim_start_matches(space);
    let unit = &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())];
    let rest = match unit {
        "" | "to" | "or" => bare,
        _ if after.trim_start_matches(space).starts_with(unit) => &rest[unit.len()..],
        _ => return None,
    };
    let rest = context::before_currency(rest);
    let is_spaced = rest.starts_with(space) && rest.ends_with(space);
    let is_tight = !rest.starts_with(space) && !rest.ends_with(space);
    match rest.trim_matches(space) {
        "-" if is_tight || is_spaced && ascends => Some(Joint::Range),
        "--" if is_tight => Some(Joint::Range),
        "~" => Some(Joint::Range),
        "to" if is_spaced => Some(Joint::Range),
        "or" if is_spaced => Some(Joint::Choice),
        sign if sign.chars().eq([EN_DASH]) => Some(Joint::Range),
        _ => None,
    }
}
