//! Letters that are spelled like a label of one letter: the article `A`, the pronoun `I`, initials
//! (`U.S.A.`), and names in the text of an option (`B) Vitamin C`).
//!
//! Of articles it knows the English ones alone, and it only hides such letters; what is a label is decided in `label`.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Words after which `A` or `I` is a label: `A is right`, `A and B`, `I because …`.
const AFTER_LABELS: &[&str] = &[
    "is", "was", "are", "were", "be", "and", "or", "as", "since", "because", "for", "but", "not",
    "with", "has", "fits", "matches", "seems", "looks", "rather", "than", "in", "on", "to", "from",
    "over", "vs", "versus", "if", "while", "which", "that", "where", "instead", "only", "best",
    "applies", "due", "given", "so", "then", "both", "option", "answer", "correct", "right",
];

/// What stands in the place of a hidden letter; no label is this alone.
const HIDDEN: char = '#';

/// What may stand between an option's letter and its text: `B) A dog`, `B: A dog`, `B - A dog`.
const OPTION_MARKS: &[char] = &[')', ']', '}', ':', '.', '-', '–', '—', '(', '='];

/// Emphasis and spaces, which change nothing.
const DECORATION: &[char] = &['*', '_', '`', '"', '“', ' '];

/// Letters with points after them, at least two: `U.S.A.`, `D.C.`
static INITIALS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?").ok());

/// The answer with initials, the article `a` and the pronoun `I` hidden, where these are spelled like
/// labels. It is as long as before.
pub(super) fn without_articles<'a>(
    answer: &'a str,
    is_label: impl Fn(&str) -> bool,
) -> Cow<'a, str> {
    let answer = without_initials(answer);
    let (has_a, has_i) = (is_label("a"), is_label("i"));
    if !has_a && !has_i {
        return answer;
    }
    let (mut kept, mut from) = (String::new(), 0);
    for (at, c) in answer.char_indices() {
        let is_letter = has_a && matches!(c, 'a' | 'A') || has_i && c == 'I';
        if is_letter && is_article(&answer[..at], c, &answer[at + 1..], &is_label) {
            kept.push_str(&answer[from..at]);
            kept.push(HIDDEN);
            from = at + 1;
        }
    }
    match from {
        0 => answer,
        _ => Cow::Owned(kept + &answer[from..]),
    }
}

/// A line that begins with an option: its letter, and its text.
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let asked = r"(?:(?:the|my)\s+)?(?:(?:final|correct|best|right)\s+)*(?:answer|option|choice)";
    Regex::new(&format!(
        r#"(?im)^[\s*_`"“>#]*(?:{asked}\s*[*_`]*\s*(?:is|:|=)?:?[\s*_`"]*)?[(\[]?([a-z0-9])[*_`]*(?:[)\]:.]+|\s[-–—]\s)[*_`:]*\s*(.*)"#
    ))
    .ok()
});

/// A name of two words of which the second is one letter.
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(\p{L}{2,})([ -])([A-Za-z0-9])\b").ok());

/// Words in an option's text before a letter that is a label all the same: `A. Or B`, `A. I mean B`.
const BEFORE_LABELS: &[&str] = &[
    "actually", "also", "and", "answer", "be", "both", "but", "choice", "choose", "either", "go",
    "guess", "is", "maybe", "mean", "meant", "no", "nor", "not", "option", "or", "perhaps", "pick",
    "possibly", "probably", "rather", "say", "so", "than", "then", "think", "to", "versus", "vs",
    "was", "with",
];

/// The answer with the letters hidden that are names in the text of an option: in `B) Vitamin C` the
/// leading letter is the choice. It is as long as before.
pub(super) fn without_names_of_options<'a>(
    answer: Cow<'a, str>,
    is_label: impl Fn(&str) -> bool,
) -> Cow<'a, str> {
    let (Some(option), Some(name)) = (&*OPTION, &*NAME) else { return answer };
    let is_label = |letter: &str| is_label(&letter.to_lowercase());
    let mut hidden = Vec::new();
    for found in option.captures_iter(&answer).filter(|found| is_label(&found[1])) {
        let Some(text) = found.get(2) else { continue };
        for found in name.captures_iter(text.as_str()) {
            let is_name = !BEFORE_LABELS.contains(&found[1].to_lowercase().as_str());
            if let Some(letter) = found.get(3).filter(|letter| is_name && is_label(letter.as_str()))
            {
                hidden.push(text.start() + letter.start());
            }
        }
    }
    if hidden.is_empty() {
        return answer;
    }
    let mut written = String::with_capacity(answer.len());
    let mut from = 0;
    for at in hidden {
        written.push_str(&answer[from..at]);
        written.push(HIDDEN);
        from = at + 1;
    }
    written.push_str(&answer[from..]);
    Cow::Owned(written)
}

fn without_initials(answer: &str) -> Cow<'_, str> {
    let Some(initials) = &*INITIALS else { return Cow::Borrowed(answer) };
    let hidden = |found: &Captures<'_>| {
        let hide = |c: char| if c.is_ascii_alphabetic() { HIDDEN } else { c };
        found[0].chars().map(hide).collect::<String>()
    };
    initials.replace_all(answer, hidden)
}

fn is_article(before: &str, letter: char, after: &str, is_label: impl Fn(&str) -> bool) -> bool {
    let Some(rest) = after.strip_prefix(' ') else { return false };
    if before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'' | '’')) {
        return false;
    }
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..end];
    if word.is_empty() || AFTER_LABELS.contains(&word) {
        return false;
    }
    // The text of an option may go on with a name: `B) A Labrador`.
    if begins_option(before, is_label) {
        return end > 1;
    }
    // Within a sentence `A` is a label; so is `a` only where nothing but a verb follows.
    word.starts_with(char::is_lowercase) && (letter != 'A' || begins_sentence(before))
}

fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches(['*', '_', '"', '“', '(', '>', ' ']);
    before.chars().next_back().is_none_or(|c| matches!(c, '.' | '!' | '?' | '\n'))
}

/// Whether a text ends with a label and the mark after which the text of the option begins.
fn begins_option(before: &str, is_label: impl Fn(&str) -> bool) -> bool {
    let Some(rest) = before.trim_end_matches(DECORATION).strip_suffix(OPTION_MARKS) else {
        return false;
    };
    let rest = rest.trim_end_matches(DECORATION).trim_end_matches([')', ']', '}']);
    let rest = rest.trim_end_matches(DECORATION);
    let letters = rest.chars().rev().take(4).take_while(|c| c.is_alphanumeric());
    let start = rest.len() - letters.map(char::len_utf8).sum::<usize>();
    is_label(&rest[start..].to_lowercase())
        && !rest[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '\'' | '’'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_are_taken_away_and_labels_stay() {
        let left = |answer: &str| {
            without_articles(answer, |label| ["a", "b", "i"].contains(&label)).into_owned()
        };
        for (answer, rest) in [
            ("A good answer is B", "# good answer is B"),
            ("B. A capital city", "B. # capital city"),
            ("It is a city: B", "It is # city: B"),
            ("So I think B", "So # think B"),
            ("B) A dog", "B) # dog"),
            ("(B) A dog", "(B) # dog"),
            ("B: A Labrador", "B: # Labrador"),
            ("**B) A dog**", "**B) # dog**"),
            ("**B**: A dog", "**B**: # dog"),
            ("(B): A dog", "(B): # dog"),
            ("\\boxed{B} A dog", "\\boxed{B} # dog"),
            ("B - A dog", "B - # dog"),
            ("B — A dog", "B — # dog"),
            ("B (A dog)", "B (# dog)"),
            ("The correct answer is B) A dog.", "The correct answer is B) # dog."),
            ("A) A dog", "A) # dog"),
            ("B. U.S.A.", "B. #.#.#."),
            ("B, i.e. the U.S.A", "B, #.#. the #.#.#"),
        ] {
            assert_eq!(left(answer), rest);
        }
        for answer in [
            "A",
            "A is right",
            "The answer is A because it is a",
            "A and B",
            "I and II",
            "The answer is A, a city",
            "a) A",
            "(A) city",
            "A. city",
            "Choose A now",
            "vitamin-a rich",
            "Answer: A Labrador",
            "B: A is wrong",
            "B.A",
        ] {
            let expected = answer.replace("is A, a city", "is A, # city");
            assert_eq!(left(answer), expected);
        }
        assert_eq!(without_articles("A good one", |_| false), "A good one");
        assert_eq!(without_articles("C: in D.C. now", |_| false), "C: in #.#. now");
    }
}
