//! What is written in digits and is no number: dates, times, telephone numbers, versions, addresses; and
//! several numbers that are one value: pairs, intervals, ratios, and amounts in two units.
//!
//! It reads plain texts, as `spelling` makes them.

use super::groups;
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// One value of a pair or an interval: without spaces, with a digit or an unread expression.
const ITEM: &str = r"[^()\[\]\s,;|=]{0,8}[\d\u{fffc}][^()\[\]\s;|=]{0,40}";

/// The rest of an amount in two units, of which no number is the amount: `5 ft 3 in`.
const TWO_UNITS: &str = r"[\ \u{a0}]?(?:
    (?:ft|feet|foot) AND (?:in|inch|inches) | (?:lbs?|pounds?) AND (?:oz|ounces?)
    | (?:h|hrs?|hours?) AND (?:min|mins|minutes?) | (?:min|mins|minutes?) AND (?:s|secs?|seconds?)
    | days? AND (?:h|hrs?|hours?) | weeks? AND days? | months? AND days? | years? AND months?
    | ' \d+ (?:\x22|'')
)";
const AND: &str = r",?[\ \u{a0}]?(?:and[\ \u{a0}])?\d+(?:[.,]\d+)?[\ \u{a0}]?";

/// Dates, times and ratios, telephone numbers, versions and addresses; pairs and intervals; amounts in
/// two units.
static NO_NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = r"(?x)
        [(\[] [^\S\n]* ITEM (?: (?: , [\ \u{a0}] | ; ) [^\S\n]* ITEM )+ [^\S\n]* [)\]]
        | [(\[] (?P<tight> -?\d+ (?: , -?\d+ )+ ) [)\]]
        | \b \d+ (?: [.,]\d+ )? TWO_UNITS (?: \b | $ )
        | \b (?:
            https?://\S+ | www\.\S+ | \d{4}-\d{1,2}-\d{1,2} (?: [T\ ] \d{1,2}:\d{2} (?: :\d{2} (?: \.\d+ )? )? (?: Z | [+-]\d{2}:?\d{2} )? )?
            | \d+ (?: -\d+ ){2,}
            | \d{1,4} / \d{1,2} / \d{1,4}
            | \d+ (?: [.,]\d+ )? (?: : \d+ (?: [.,]\d+ )? )+
            | \d+ (?: [.,]\d+ )? \ :\ \d+ (?: [.,]\d+ )?
            | (?P<dotted> \d+ (?: \.\d+ ){2,} )
        ) \b";
    let two_units = TWO_UNITS.replace("AND", AND);
    Regex::new(&pattern.replace("ITEM", ITEM).replace("TWO_UNITS", &two_units)).ok()
});

/// The text without what is written in digits and is no number.
pub(super) fn without_dates(text: &str) -> String {
    let Some(pattern) = NO_NUMBERS.as_ref() else { return text.to_owned() };
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
        // `1.234.567` and `(1,234)` are grouped by threes.
        let is_grouped = |name, separator| {
            found.name(name).is_some_and(|it| groups::is_grouped_by(it.as_str(), separator))
        };
        match is_grouped("dotted", '.') || is_grouped("tight", ',') {
            true => found[0].to_owned(),
            false => "\u{fffd}".to_owned(),
        }
    });
    replaced.into_owned()
}

/// Dates with the name of their month.
static NAMED_DATES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let month = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?\
                 |sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
    let day = r"\d{1,2}(?:st|nd|rd|th)?";
    Regex::new(&format!(
        r"(?i)\b(?:{day}\s+(?:of\s+)?{month}\b\.?(?:,?\s+\d{{4}}\b)?|{month}\b\.?\s+(?:{day}\b(?:,?\s+\d{{4}}\b)?|\d{{4}}\b))"
    ))
    .ok()
});

/// The places of dates such as `5 May 2024`: their numbers count only if there is no other.
pub(super) fn named_dates(text: &str) -> Vec<Range<usize>> {
    match NAMED_DATES.as_ref() {
        Some(pattern) => pattern.find_iter(text).map(|found| found.range()).collect(),
        None => Vec::new(),
    }
}
