//! HTML in answers: character references (`&minus;12`, `12&nbsp;345`), tags and comments.
//!
//! It knows the references that stand in numbers and between words, and the tags of texts; others stay
//! as they are, so that `a < b` and `<<3*4=12>>` lose nothing.

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
    ("hyphen", '‐'),
    ("dash", '‐'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("hellip", '…'),
    ("sol", '/'),
    ("permil", '‰'),
];

/// Comments, and the tags of texts and tables.
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?isx) <!--.*?-->
        | </? (?: (?P<script> sup|sub )
            | (?P<block> br|p|div|hr|h[1-6]|ul|ol|li|dl|dt|dd|table|thead|tbody|tfoot|tr|td|th|caption|blockquote|pre )
            | b|i|u|s|em|strong|mark|code|kbd|samp|var|span|font|del|ins|small|big|wbr|nobr
          ) (?: \s [^<>]{0,200} )? /? >",
    )
    .ok()
});

/// The text with its references decoded and without tags; one that ends a line or a cell is a line break.
/// Raised and lowered text keeps its place only in [`with_scripts`].
pub(super) fn without_tags(text: &str) -> Cow<'_, str> {
    replaced(text, |_| "")
}

/// The same with `^` for raised and `_` for lowered text.
pub(super) fn with_scripts(text: &str) -> Cow<'_, str> {
    // A degree.
    let text = match text.contains("<sup>o</sup>") {
        true => Cow::Owned(text.replace("<sup>o</sup>", "°")),
        false => Cow::Borrowed(text),
    };
    Cow::Owned(
        replaced(&text, |tag| match tag.to_ascii_lowercase().starts_with("<sup") {
            true => "^",
            false if tag.starts_with("</") => "",
            false => "_",
        })
        .into_owned(),
    )
}

fn replaced(text: &str, script: impl Fn(&str) -> &'static str) -> Cow<'_, str> {
    let text = decoded(text);
    match &*TAG {
        Some(tag) if text.contains('<') => {
            let plain = tag.replace_all(&text, |found: &Captures<'_>| {
                match (found.name("script"), found.name("block")) {
                    (Some(_), _) => script(&found[0]),
                    (_, Some(_)) => "\n",
                    _ => "",
                }
            });
            Cow::Owned(plain.into_owned())
        }
        _ => text,
    }
}

/// The text with the characters that its references stand for.
fn decoded(text: &str) -> Cow<'_, str> {
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

    #[test]
    fn tags_and_comments_are_taken_away_and_raised_text_is_marked() {
        for (text, expected) in [
            ("5<!-- 7\n -->", "5"),
            ("<td colspan=2>5</td>", "\n5\n"),
            ("a<br/>b<wbr>c <B class='x'>d</B>", "a\nbc d"),
            ("10<sup>3</sup> x<sub>2</sub>", "10^3 x_2"),
            ("<<3*4=12>>12 <3 x < y> <bogus 7>", "<<3*4=12>>12 <3 x < y> <bogus 7>"),
            ("&lt;b&gt;5", "5"),
        ] {
            assert_eq!(with_scripts(text), expected, "{text}");
        }
        assert_eq!(without_tags("H<sub>2</sub>O"), "H2O");
    }
}
