//! Words that are spelled like a label of one letter: the article `A` and the pronoun `I`.
//!
//! It knows English alone, and it only hides such words; what is a label is decided in `label`.

use std::borrow::Cow;

/// Words after which `A` or `I` is a label: `A is right`, `A and B`, `I because …`.
const AFTER_LABELS: &[&str] = &[
    "is", "was", "are", "were", "be", "and", "or", "as", "since", "because", "for", "but", "not",
    "with", "has", "fits", "matches", "seems", "looks", "rather", "than", "in", "on", "to", "from",
    "over", "vs", "versus", "if", "while", "which", "that", "where", "instead", "only", "best",
    "applies", "due", "given", "so", "then", "both", "option", "answer", "correct", "right",
];

/// What stands in the place of a hidden letter; no label is this alone.
const HIDDEN: char = '#';

/// The answer with the article `a` and the pronoun `I` hidden, where these are spelled like labels. It is
/// as long as before.
pub(super) fn without_articles<'a>(
    answer: &'a str,
    is_label: impl Fn(&str) -> bool,
) -> Cow<'a, str> {
    let (has_a, has_i) = (is_label("a"), is_label("i"));
    if !has_a && !has_i {
        return Cow::Borrowed(answer);
    }
    let (mut kept, mut from) = (String::new(), 0);
    for (at, c) in answer.char_indices() {
        let is_letter = has_a && matches!(c, 'a' | 'A') || has_i && c == 'I';
        if is_letter && is_article(&answer[..at], c, &answer[at + 1..]) {
            kept.push_str(&answer[from..at]);
            kept.push(HIDDEN);
            from = at + 1;
        }
    }
    match from {
        0 => Cow::Borrowed(answer),
        _ => Cow::Owned(kept + &answer[from..]),
    }
}

fn is_article(before: &str, letter: char, after: &str) -> bool {
    let Some(rest) = after.strip_prefix(' ') else { return false };
    if before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '\'' | '’')) {
        return false;
    }
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let word = &rest[..end];
    let is_word = word.starts_with(char::is_lowercase) && !AFTER_LABELS.contains(&word);
    // Within a sentence `A` is a label; so is `a` only where nothing but a verb follows.
    is_word && (letter != 'A' || begins_sentence(before))
}

fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches(['*', '_', '"', '“', '(', '>', ' ']);
    before.chars().next_back().is_none_or(|c| matches!(c, '.' | '!' | '?' | '\n'))
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
        ] {
            let expected = answer.replace("is A, a city", "is A, # city");
            assert_eq!(left(answer), expected);
        }
        assert_eq!(without_articles("A good one", |_| false), "A good one");
    }
}
