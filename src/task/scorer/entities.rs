//! Character references of HTML in answers: `&minus;12`, `&#8722;12`, `12&nbsp;345`.
//!
//! It knows the names that stand in numbers and between words; others stay as they are.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

static ENTITY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,8}\d{0,2}));").ok()
});

const NAMES: &[(&str, char)] = &[
    ("minus", '−'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("nbsp", '\u{a0}'),
    ("thinsp", '\u{2009}'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("plusmn", '±'),
    ("times", '×'),
    ("divide", '÷'),
    ("middot", '·'),
    ("frasl", '⁄'),
    ("frac12", '½'),
    ("frac14", '¼'),
    ("frac34", '¾'),
    ("sup2", '²'),
    ("sup3", '³'),
    ("radic", '√'),
    ("pi", 'π'),
    ("deg", '°'),
    ("percnt", '%'),
    ("dollar", '$'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("shy", '\u{ad}'),
];

/// The text with the characters that its references stand for.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    match &*ENTITY {
        Some(entity) if text.contains('&') => entity.replace_all(text, |found: &Captures<'_>| {
            character(found).map_or_else(|| found[0].to_owned(), String::from)
        }),
        _ => Cow::Borrowed(text),
    }
}

fn character(found: &Captures<'_>) -> Option<char> {
    if let Some(decimal) = found.get(1) {
        return char::from_u32(decimal.as_str().parse().ok()?);
    }
    if let Some(hex) = found.get(2) {
        return char::from_u32(u32::from_str_radix(hex.as_str(), 16).ok()?);
    }
    let name = found.get(3)?.as_str();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_and_other_ampersands_stay() {
        for (text, expected) in [
            ("&minus;12 &#8722;12 &#x2212;12", "−12 −12 −12"),
            ("12&nbsp;345", "12\u{a0}345"),
            (
                "AT&T; R&D &c; &bogus; &#99999999; &#xd800;",
                "AT&T; R&D &c; &bogus; &#99999999; &#xd800;",
            ),
            ("1 & 2", "1 & 2"),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }
}
