//! Texts in the form in which they are compared: one form for characters that look alike.
//!
//! Letters are composed (NFC); dashes, apostrophes and quotation marks are those of ASCII; a
//! backslash of Markdown before punctuation is gone, and so are characters without width and the
//! Arabic tatweel; full-width letters have their usual width. Case and white space are the business of
//! `normalize` and of [`Folded`].

use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;

/// The form of a text in which it is compared.
pub(super) fn comparable(text: &str) -> Cow<'_, str> {
    let changes = |c: char| matches!(c, '\\' | '\r') || (!c.is_ascii() && form_of(c) != Some(c));
    if !text.contains(changes) {
        return composed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_escape = c == '\\' && characters.peek().is_some_and(char::is_ascii_punctuation);
        // A line ends in one way.
        if c == '\r' && characters.peek() == Some(&'\n') {
            continue;
        }
        match is_escape {
            true => plain.extend(characters.next()),
            false => plain.extend(form_of(c)),
        }
    }
    Cow::Owned(composed(&plain).into_owned())
}

fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// The form of one character; `None` if it has no width.
fn form_of(c: char) -> Option<char> {
    Some(match c {
        '\u{2010}'..='\u{2015}' | '⸺' | '⸻' | '−' | '⁃' | '﹘' | '﹣' | '－' => '-',
        // The hyphens of dictionaries, Armenian, Mongolian and Japanese, and the wave dash.
        '‧' | '֊' | '᠆' | '⸗' | '゠' | '〜' => '-',
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '‘' | '’' | '‚' | '‛' | '′' | '´' | 'ʼ' | 'ʹ' | '＇' => '\'',
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' | '＂' => '"',
        // Characters without width, and the tatweel, which only stretches an Arabic word.
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2060}'
        | '\u{fe0e}'
        | '\u{fe0f}'
        | '\u{feff}'
        | '\u{640}' => {
            return None;
        }
        // Full-width letters, digits and punctuation.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        c => c,
    })
}

/// A pattern in which dashes, apostrophes, quotation marks and spaces are those of ASCII.
pub(super) fn comparable_pattern(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match form_of(c) {
            // Within brackets, a hyphen would be a range.
            Some(form @ ('-' | '\'' | '"' | ' ')) if form != c => plain.extend(['\\', form]),
            _ => plain.push(c),
        }
    }
    plain
}

/// A text in full case folding: `STRASSE` and `Straße` are equal, and so are `İ`, `I`, `ı` and `i`.
pub(super) fn fold_case(text: &str) -> String {
    // A letter such as ß is two letters in upper case.
    let upper = text.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    let mut folded = String::with_capacity(text.len());
    for c in upper.flat_map(char::to_lowercase) {
        // The dot that `İ` leaves behind.
        if !(c == '\u{307}' && folded.ends_with('i')) {
            folded.push(c);
        }
    }
    folded
}

/// The form of a label in which it is compared: labels with the same form are one label.
#[must_use]
pub fn label_form(label: &str) -> String {
    Folded::new(label).text
}

/// The marks of Arabic and Hebrew for vowels and for reading aloud, which most writers leave away.
fn is_vowel_mark(c: char) -> bool {
    matches!(c,
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{64b}'..='\u{652}' | '\u{656}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}')
}

/// A comparable text without case and without vowel marks, whose runs of white space are one space.
pub(super) struct Folded {
    pub(super) text: String,
    /// The places of hyphens that were written as em dashes: they separate words like a comma.
    breaks: Vec<usize>,
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        let (mut folded, mut breaks) = (String::with_capacity(text.len()), Vec::new());
        // A long dash becomes a hyphen like the others; only its place is remembered.
        for (index, piece) in text.split(['—', '―', '⸺', '⸻']).enumerate() {
            if index > 0 {
                breaks.push(folded.len());
                folded.push('-');
            }
            let piece = comparable(piece);
            let starts_with_space = piece.starts_with(char::is_whitespace);
            if starts_with_space && !folded.is_empty() {
                folded.push(' ');
            }
            let words: Vec<&str> = piece.split_whitespace().collect();
            let mut words = fold_case(&words.join(" "));
            words.retain(|c| !is_vowel_mark(c));
            folded.push_str(&composed(&words));
            if piece.ends_with(char::is_whitespace) && !words.is_empty() {
                folded.push(' ');
            }
        }
        folded.truncate(folded.trim_end().len());
        Self { text: folded, breaks }
    }

    pub(super) fn is_break(&self, place: usize) -> bool {
        self.breaks.binary_search(&place).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_alike_is_alike() {
        for dash in ['-', '‐', '‑', '‒', '–', '—', '―', '−'] {
            assert_eq!(comparable(&format!("pre{dash}paid")), "pre-paid", "{dash}");
        }
        assert_eq!(comparable("won’t ‘say’ “so”"), "won't 'say' \"so\"");
        assert_eq!(comparable("re\u{301}sume\u{301}"), "r\u{e9}sum\u{e9}");
        assert_eq!(comparable("late\\_fee \\*x\\* \\\\ a\\n"), "late_fee *x* \\ a\\n");
        assert_eq!(comparable("a\u{200b}b\u{ad}c"), "abc");
        assert_eq!(comparable("ＯＫ！"), "OK!");
        assert_eq!(comparable("a\r\nb\rc\n"), "a\nb\rc\n");
        assert!(matches!(comparable("plain, naïve"), Cow::Borrowed(_)));
    }

    #[test]
    fn case_is_folded_in_full() {
        assert_eq!(fold_case("GROẞ GROSS groß"), "gross gross gross");
        assert_eq!(fold_case("İPTAL iptal IPTAL ıptal"), "iptal iptal iptal iptal");
        assert_eq!(fold_case("ΛΟΓΟΣ λογος"), "λογοσ λογοσ");
    }

    #[test]
    fn folding_ignores_case_and_the_amount_of_space() {
        assert_eq!(Folded::new("  Billing \n DISPUTE ").text, "billing dispute");
        let dashes = Folded::new(" Yes — it is—so ");
        assert_eq!(dashes.text, "yes - it is-so");
        assert!(dashes.is_break(4) && dashes.is_break(11) && !dashes.is_break(0));
        assert_eq!(Folded::new("—").text, "-");
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(text in "[a-zßİé\u{301}—–’“\u{200b} ]{0,20}") {
            let once = comparable(&text).into_owned();
            prop_assert_eq!(&*comparable(&once), &once);
            let folded = Folded::new(&text).text;
            prop_assert_eq!(&Folded::new(&folded).text, &folded);
        }
    }
}
