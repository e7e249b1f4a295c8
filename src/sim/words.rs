//! Words as the simulated models understand them: stems, stop words, a few synonyms, sentences.
//!
//! Not grammar: a sentence is the set of its words, and their order means nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Bytes of a line that may have been broken because the page ended.
const FULL_LINE: usize = 50;
/// Characters at the start of a line within which a colon makes it an entry of its own.
const ENTRY: usize = 30;
/// Words that say nothing about a case. Negations and words of time and order are not among them.
const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but",
    "by", "can", "did", "do", "does", "each", "even", "every", "for", "from", "get", "go", "goes",
    "had", "has", "have", "he", "her", "here", "him", "his", "how", "i", "if", "in", "into", "is",
    "it", "its", "just", "like", "may", "me", "my", "of", "on", "or", "our", "she", "should", "so",
    "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "us", "very", "was", "we", "were", "what", "when", "where", "which",
    "who", "whose", "why", "will", "with", "would", "you", "your",
];

/// Words that mean the same to the clerk. The first one represents all.
const SYNONYMS: &[&[&str]] = &[
    &["customer", "client", "shopper"],
    &["parcel", "package"],
    &["damaged", "broken"],
    &["answer", "reply"],
    &["complaint", "grievance"],
    &["money", "cash"],
    &["delivery", "shipment"],
    &["amount", "sum"],
    &["subtract", "deduct"],
    &["wrong", "incorrect"],
    &["right", "correct"],
    &["missing", "absent"],
    &["larger", "bigger", "greater"],
    &["smaller", "lesser"],
    &["request", "ask"],
    &["begin", "start"],
    &["end", "finish"],
    &["picture", "image"],
    &["error", "mistake"],
    &["rule", "policy"],
    &["department", "team"],
    &["fee", "charge"],
    &["price", "cost"],
    &["member", "subscriber"],
    &["company", "firm"],
    &["quick", "fast"],
    &["buy", "acquire"],
    &["repair", "fix"],
];

/// A lower-case word without its apostrophe ending.
pub(super) fn plain(word: &str) -> Cow<'_, str> {
    let bare = word.split_once(['\'', '’']).map_or(word, |(before, _)| before);
    if bare.chars().any(char::is_uppercase) {
        Cow::Owned(bare.to_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

/// The runs of letters, digits and apostrophes in a text.
pub(super) fn raw(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|word| word.trim_matches(['\'', '’']))
        .filter(|word| !word.is_empty())
}

/// Whether a lower-case word says nothing about a case.
pub(super) fn is_stop(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

/// What a lower-case word has in common with its other forms: without a plural s, `ing`, `ed` and a
/// final e, with i for a final y, and with synonyms brought together.
pub(super) fn stem(word: &str) -> String {
    static SAME: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
        SYNONYMS
            .iter()
            .flat_map(|group| {
                let first = strip_endings(group[0]);
                group[1..].iter().map(move |other| (strip_endings(other), first.clone()))
            })
            .collect()
    });
    let own = strip_endings(word);
    SAME.get(&own).cloned().unwrap_or(own)
}

fn strip_endings(word: &str) -> String {
    let mut stem = word.to_owned();
    if !word.is_ascii() {
        // Endings are English; other languages keep their words whole but for a plural s.
        if stem.chars().count() > 3 && stem.ends_with('s') {
            stem.pop();
        }
        return stem;
    }
    if stem.len() > 4 && stem.ends_with("ies") {
        stem.truncate(stem.len() - 3);
        stem.push('y');
    } else if stem.len() > 3
        && stem.ends_with('s')
        && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end))
    {
        stem.pop();
    }
    for ending in ["ing", "ed"] {
        let Some(rest) = stem.strip_suffix(ending) else {
            continue;
        };
        if rest.len() < 3 || !rest.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            continue;
        }
        let mut rest = rest.to_owned();
        let mut last = rest.chars().rev();
        if let (Some(a), Some(b)) = (last.next(), last.next())
            && a == b
            && !"aeiouls".contains(a)
        {
            rest.pop();
        }
        stem = rest;
        break;
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 2 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    stem
}

/// The stems of a text's content words, in order.
pub(super) fn content(text: &str) -> Vec<String> {
    raw(text).map(plain).filter(|word| !is_stop(word)).map(|word| stem(&word)).collect()
}

/// The sentences of one line: cut after `.`, `!`, `?` or `;` where a space follows.
pub(super) fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest
            .char_indices()
            .zip(rest.chars().skip(1))
            .find(|((_, c), next)| matches!(c, '.' | '!' | '?' | ';') && next.is_whitespace())
            .map_or(rest.len(), |((at, c), _)| at + c.len_utf8());
        let (sentence, after) = rest.split_at(cut);
        rest = after;
        Some(sentence.trim())
    })
    .filter(|sentence| !sentence.is_empty())
}

/// The lines of a text, with those put together again that only a narrow page had parted.
pub(super) fn unwrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut before = "";
    for line in text.lines() {
        match lines.last_mut() {
            Some(last) if continues(before, line) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
        before = line;
    }
    lines
}

/// Whether a line only goes on with the one before it because the page ended there.
fn continues(before: &str, line: &str) -> bool {
    let (before, line) = (before.trim(), line.trim());
    let is_open = before.len() >= FULL_LINE && !before.ends_with(['.', '!', '?', ':', ';']);
    // A list such as `billing: double charges` without bullets starts in lower case, too.
    let head: String = line.chars().take(ENTRY).collect();
    let is_entry = head.contains(':') || ["->", "=>", "→"].iter().any(|it| line.contains(it));
    is_open && line.starts_with(char::is_lowercase) && !is_entry
}

/// Whether a phrase is in a text as whole words; both in lower case.
pub(super) fn holds_phrase(text_lower: &str, phrase_lower: &str) -> bool {
    phrase_from(text_lower, phrase_lower, 0).is_some()
}

/// A text without a phrase where it occurs as whole words; both in lower case.
pub(super) fn without_phrase(text_lower: &str, phrase_lower: &str) -> String {
    let mut kept = String::with_capacity(text_lower.len());
    let mut from = 0;
    while let Some(at) = phrase_from(text_lower, phrase_lower, from) {
        kept.push_str(&text_lower[from..at]);
        kept.push(' ');
        from = at + phrase_lower.len();
    }
    kept.push_str(&text_lower[from..]);
    kept
}

/// Where a phrase first occurs as whole words, from a place on.
fn phrase_from(text: &str, phrase: &str, from: usize) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric();
    if phrase.is_empty() {
        return None;
    }
    text[from..].match_indices(phrase).map(|(at, _)| from + at).find(|at| {
        !text[..*at].ends_with(is_word) && !text[at + phrase.len()..].starts_with(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_sorted_for_the_search() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn forms_of_one_word_share_a_stem() {
        for (one, other) in [
            ("dates", "date"),
            ("shipped", "shipping"),
            ("deliveries", "delivery"),
            ("boxes", "box"),
            ("multiplying", "multiply"),
            ("crates", "crate"),
            ("missed", "misses"),
            ("damaged", "damage"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} and {other}");
        }
        assert_ne!(stem("string"), stem("str"));
        assert_eq!(stem("clients"), stem("customer"));
        assert_eq!(
            content("Another person's LOGIN, please"),
            ["another", "person", "login", "please"].map(stem)
        );
    }

    #[test]
    fn a_line_falls_into_sentences_but_a_number_does_not() {
        let parts: Vec<_> = sentences("Add 1.5 kilos. Then stop! Or not; who knows?").collect();
        assert_eq!(parts, ["Add 1.5 kilos.", "Then stop!", "Or not;", "who knows?"]);
    }

    #[test]
    fn a_phrase_is_found_as_whole_words_only() {
        assert!(holds_phrase("to billing, please", "billing"));
        assert!(!holds_phrase("rebilling", "billing"));
        assert!(!holds_phrase("anything", ""));
        assert_eq!(without_phrase("spam, not spam, spammer", "spam"), " , not  , spammer");
    }
}
