//! Sentences as the simulated editor writes them: each is whole.
//!
//! It is a sentence of the text at hand, perhaps in other words or in a frame, or one of the editor's own
//! with what it names. What is lost is lost by the sentence, never by the word: models forget a rule or
//! make it vague, but they do not write half of a sentence.

use super::super::words;
use super::phrases::{ADVERBS, FRAMES, LEADS, SWAPS};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How often a word that has a synonym is swapped for it.
const SWAPPED: f64 = 0.15;
/// What stays of a line's words where it is made vague.
const VAGUE_KEPT: f64 = 0.65;
/// Words that a vague sentence names at least.
const VAGUE_WORDS: usize = 2;
/// Letters of the last word up to which a full stop may belong to an abbreviation.
const ABBREVIATION: usize = 3;
/// How sentences begin that only name words.
const VAGUE_STARTS: &[&str] =
    &["Texts about ", "When it mentions ", "Take care with ", "Watch for ", "Cases that mention "];
/// Words of feedback that fit into a rule.
const LONGEST: usize = 60;
/// Long words that say nothing where they are named alone.
const NAMES_NOTHING: &[&str] = &[
    "after", "already", "another", "because", "before", "even", "must", "never", "only", "other",
    "since", "though", "whether", "while", "within", "without",
];
/// Words before an adverb without which it cannot be left out.
const NEEDS_ADVERB: &[&str] = &["as", "so", "more", "too", "how", "not", "and", "or", "if", "you"];

/// The whole sentences of a line. A full stop after a short word is taken for an abbreviation, and a
/// semicolon parts no sentences.
pub(super) fn sentences(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, mark) in line.match_indices(['.', '!', '?']) {
        let end = at + mark.len();
        let after = &line[end..];
        let begins = after.starts_with(char::is_whitespace)
            && after.trim_start().starts_with(|c: char| !c.is_lowercase());
        let last = line[from..at].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if begins && (mark != "." || last.chars().count() > ABBREVIATION) {
            found.push(line[from..end].trim());
            from = end;
        }
    }
    found.push(line[from..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// A text on one line, as many of its sentences as fit into a rule, without the last full stop.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let mut length = 0;
    let fitting: Vec<&str> = sentences(&text)
        .into_iter()
        .enumerate()
        .take_while(|(place, sentence)| {
            length += sentence.split(' ').count();
            *place == 0 || length <= LONGEST
        })
        .map(|(_, sentence)| sentence)
        .collect();
    fitting.join(" ").trim_end_matches(['.', ' ']).to_owned()
}

/// A text with some words swapped for others that mean the same, and nothing lost. The label stays.
pub(super) fn reworded(text: &str, label: Option<&str>, rng: &mut ChaCha8Rng) -> String {
    let label = label.map(str::to_lowercase);
    let is_of_label =
        |word: &str| label.as_deref().is_some_and(|label| words::holds_phrase(label, word));
    let mut before = "";
    let mut changed = Vec::new();
    for token in text.split(' ') {
        let word = token.trim_matches(|c: char| !c.is_alphanumeric());
        let others: Vec<&str> = SWAPS
            .iter()
            .filter(|(one, other)| *one == word && fits_article(before, word, other))
            .map(|(_, other)| *other)
            .collect();
        let other = if is_of_label(word) { None } else { others.choose(rng) };
        changed.push(match other {
            Some(other) if rng.random_bool(SWAPPED) => token.replacen(word, other, 1),
            _ => token.to_owned(),
        });
        before = token;
    }
    changed.join(" ")
}

/// Whether a word may take another one's place behind the word before it: not `mistake` behind `an`.
fn fits_article(before: &str, word: &str, other: &str) -> bool {
    let has_vowel = |word: &str| word.starts_with(['a', 'e', 'i', 'o', 'u']);
    let is_article = ["a", "an"].iter().any(|article| before.eq_ignore_ascii_case(article));
    !is_article || has_vowel(word) == has_vowel(other)
}

/// One of the frames around a text.
pub(super) fn framed(text: &str, rng: &mut ChaCha8Rng) -> String {
    let frame = FRAMES.choose(rng).copied().unwrap_or("{S}.");
    let text = text.trim().trim_end_matches('.');
    let framed = if frame.contains("{S}") {
        frame.replace("{S}", &capitalised(text))
    } else {
        frame.replace("{s}", &uncapitalised(text))
    };
    if text.ends_with(['!', '?']) { framed.trim_end_matches('.').to_owned() } else { framed }
}

/// What is in a frame, if the line is in one.
pub(super) fn unframed(line: &str) -> &str {
    FRAMES
        .iter()
        .filter_map(|frame| frame.split_once("{s}"))
        .find_map(|(before, after)| line.strip_prefix(before)?.strip_suffix(after))
        .unwrap_or(line)
}

/// Whether a line's text may be put into a frame: it is a sentence, and no heading, code or lead-in.
pub(super) fn is_sentence(body: &str) -> bool {
    let body = body.trim();
    body.starts_with(char::is_alphanumeric)
        && body.split_whitespace().count() > 2
        && (body.ends_with(['.', '!', '?']) || body.ends_with(char::is_alphanumeric))
}

/// The words of a text that tell what it is about, each once, in lower case.
pub(super) fn keywords(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words::raw(text)
        .map(|word| words::plain(word).into_owned())
        .filter(|word| word.chars().count() > 3 && !words::is_stop(word))
        .filter(|word| !NAMES_NOTHING.contains(&word.as_str()))
        .filter(|word| !word.contains(|c: char| c.is_numeric()))
        .filter(|word| seen.insert(word.clone()))
        .collect()
}

/// A sentence that names words of some cases, and their label.
pub(super) fn naming(named: &[String], label: Option<&str>, rng: &mut ChaCha8Rng) -> String {
    let list = named.join(", ");
    match (label, named.is_empty()) {
        (Some(label), false) => match rng.random_range(0..3) {
            0 => format!("Texts about {list} → {label}."),
            1 => format!("When it mentions {list}, answer {label}."),
            _ => format!("{}: {label}.", capitalised(&list)),
        },
        (Some(label), true) => format!("Some of them are {label}."),
        (None, false) => match rng.random_range(0..3) {
            0 => format!("Take care with cases about {list}."),
            1 => format!("Watch for {list}; they change the result."),
            _ => format!("Cases that mention {list} need a second look."),
        },
        (None, true) => "Look at each case on its own.".to_owned(),
    }
}

/// A text made vague: a sentence that names some of its words. None where it has too few, or is vague.
pub(super) fn vague(
    text: &str,
    kept: f64,
    label: Option<&str>,
    rng: &mut ChaCha8Rng,
) -> Option<String> {
    let text = unframed(text);
    if VAGUE_STARTS.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let of_label = label.map(keywords).unwrap_or_default();
    let named: Vec<String> = keywords(text)
        .into_iter()
        .filter(|word| !of_label.contains(word) && rng.random_bool(kept))
        .collect();
    (named.len() >= VAGUE_WORDS).then(|| naming(&named, label, rng))
}

/// Less than a text says: without one of its sentences, or as a vague one where it is a rule of one
/// sentence. None where nothing whole would be left.
pub(super) fn less_of(body: &str, is_rule: bool, rng: &mut ChaCha8Rng) -> Option<String> {
    let mut parts = sentences(body);
    if parts.len() > 1 {
        parts.remove(rng.random_range(0..parts.len()));
        return Some(parts.join(" "));
    }
    if is_rule { vague(body, VAGUE_KEPT, None, rng) } else { None }
}

/// A text with words at the start of its sentences, and adverbs, left out that say nothing.
pub(super) fn shortened(text: &str) -> String {
    let shorter: Vec<String> = sentences(text)
        .into_iter()
        .map(|sentence| capitalised(&without_adverbs(without_lead(sentence))))
        .collect();
    shorter.join(" ")
}

/// A sentence without what only leads over to it.
fn without_lead(sentence: &str) -> &str {
    let mut rest = sentence;
    while let Some(shorter) = LEADS.iter().find_map(|lead| {
        let (begin, after) = rest.split_at_checked(lead.len())?;
        (begin.eq_ignore_ascii_case(lead) && after.starts_with(' ')).then(|| after.trim_start())
    }) {
        rest = shorter;
    }
    rest
}

fn without_adverbs(sentence: &str) -> String {
    let tokens: Vec<&str> = sentence.split_whitespace().collect();
    let mut kept: Vec<String> = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        let word = token.trim_end_matches(['.', '!']);
        let before = kept.last().map_or(String::new(), |before| before.to_lowercase());
        let is_needed = before.is_empty()
            || before.ends_with(|c: char| !c.is_alphanumeric())
            || before.ends_with("n't")
            || NEEDS_ADVERB.contains(&before.as_str())
            || matches!(tokens.get(place + 1), Some(&("and" | "or" | "as" | "that" | "enough")));
        if !ADVERBS.contains(&word) || is_needed {
            kept.push((*token).to_owned());
        } else if let Some(last) = kept.last_mut() {
            last.push_str(&token[word.len()..]);
        }
    }
    kept.join(" ")
}

/// With a capital at the start.
pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn uncapitalised(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        // A word in capitals is a name and stays, as does the word I.
        (Some(first), Some(second)) if second.is_lowercase() || first == 'A' && second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn a_line_falls_into_whole_sentences() {
        let line = "Names such as Foo Ltd. GmbH stay; so do Inc. and Co. Add 1.5 kilos. Then stop! Or \
                    not? Who knows.";
        let parts = [
            "Names such as Foo Ltd. GmbH stay; so do Inc. and Co. Add 1.5 kilos.",
            "Then stop!",
            "Or not?",
            "Who knows.",
        ];
        assert_eq!(sentences(line), parts);
        assert!(sentences(" ").is_empty());
    }

    #[test]
    fn a_rule_holds_as_many_sentences_as_fit() {
        let long = "word ".repeat(40);
        let text = format!("First {long}ends.\nSecond {long}ends.");
        assert_eq!(one_line(&text), format!("First {long}ends"));
        assert_eq!(one_line("Send it\nto claims."), "Send it to claims");
    }

    #[test]
    fn other_words_fit_behind_an_article_and_spare_the_label() {
        let text = "an error of a parcel is a complaint";
        let all: BTreeSet<String> = (0..400)
            .map(|number| reworded(text, Some("Complaint"), &mut Seed(number).rng()))
            .collect();
        assert_eq!(all, BTreeSet::from([text.to_owned(), text.replace("parcel", "package")]));
    }

    #[test]
    fn words_that_are_swapped_mean_the_same() {
        for (one, other) in SWAPS {
            assert_eq!(words::stem(one), words::stem(other), "{one} and {other}");
        }
    }

    #[test]
    fn only_what_says_nothing_is_shortened_away() {
        for (text, shorter) in [
            ("Please note that late parcels go to logistics.", "Late parcels go to logistics."),
            ("Read it very carefully.", "Read it."),
            ("Read it carefully and precisely.", "Read it carefully and precisely."),
            ("It is not always late. Important: be brief.", "It is not always late. Be brief."),
            ("This is important: be brief.", "This is important: be brief."),
        ] {
            assert_eq!(shortened(text), shorter);
        }
    }

    #[test]
    fn a_frame_keeps_the_mark_at_the_end() {
        for number in 0..40 {
            let mut rng = Seed(number).rng();
            let framed = framed("Is it late?", &mut rng);
            assert!(framed.ends_with("it late?"), "{framed}");
        }
        assert_eq!(unframed("Note: is it late."), "is it late");
    }
}
