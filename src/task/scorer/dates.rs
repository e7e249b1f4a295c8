//! What is written in digits and is no number: dates, times, telephone numbers, versions, addresses.
//!
//! It reads plain texts, as `spelling` makes them.

use super::groups;
use regex::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// Dates, times, telephone numbers, versions and addresses.
static NO_NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x) \b (?:
            https?://\S+ | www\.\S+ | \d{4}-\d{1,2}-\d{1,2} (?: [T\ ] \d{1,2}:\d{2} (?: :\d{2} (?: \.\d+ )? )? (?: Z | [+-]\d{2}:?\d{2} )? )?
            | \d+ (?: -\d+ ){2,}
            | \d{1,4} / \d{1,2} / \d{1,4}
            | \d{1,2} : \d{2} (?: :\d{2} (?: [.,]\d+ )? )?
            | (?P<dotted> \d+ (?: \.\d+ ){2,} )
        ) \b",
    )
    .ok()
});

/// The text without what is written in digits and is no number.
pub(super) fn without_dates(text: &str) -> String {
    let Some(pattern) = NO_NUMBERS.as_ref() else { return text.to_owned() };
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| match found.name("dotted") {
        // `1.234.567` is grouped by threes.
        Some(dotted) if groups::is_grouped_by(dotted.as_str(), '.') => dotted.as_str().to_owned(),
        _ => "\u{fffd}".to_owned(),
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
