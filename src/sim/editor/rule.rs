//! Rules as the simulated editor writes them: from feedback, with losses, or guessed from inputs.

use super::super::words;
use super::evidence::Record;
use super::phrases::FRAMES;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// How often a content word of the feedback reaches the rule.
const KEPT: f64 = 0.85;
/// How often a content word of a note reaches the rule that is made of it.
const TOLD_KEPT: f64 = 0.97;
/// How often a rule is made too general, and what then is left of its words.
const OVER_GENERAL: f64 = 0.12;
const GENERAL_KEPT: f64 = 0.5;
/// How often a word that has a synonym is swapped for it.
const SWAPPED: f64 = 0.15;
/// Words of feedback that fit into a rule.
const LONGEST: usize = 60;
/// Words of feedback that only compare the answer with the expected one.
const COMPARING: &[&str] = &[
    "expected", "answer", "answered", "got", "wrong", "instead", "label", "labels", "should",
    "right", "not", "number", "value", "score", "field", "fields", "named",
];

/// A rule with what it was made from.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// One line, without a bullet.
    pub(super) line: String,
    /// The stems of the feedback, by which lines about the same case are found.
    pub(super) stems: BTreeSet<String>,
    /// The label that it should name.
    pub(super) label: Option<String>,
}

impl Rule {
    /// States what one feedback text says about a row.
    pub(super) fn of(
        feedback: &str,
        record: &Record,
        labels: &BTreeSet<String>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let feedback = one_line(feedback);
        let label = record.label().map(str::to_owned);
        let stems = stems_without(&feedback, label.as_deref());
        let general = rng.random_bool(OVER_GENERAL);
        let foreign: Vec<&String> =
            labels.iter().filter(|other| Some(other.as_str()) != label.as_deref()).collect();
        let wrong = general && !foreign.is_empty() && rng.random_bool(0.5);
        let named = if wrong { foreign.choose(rng).map(|it| (*it).clone()) } else { label.clone() };
        let kept = if general && !wrong { GENERAL_KEPT } else { KEPT };
        let mut text = thinned(&feedback, kept, label.as_deref(), rng);
        if let (Some(label), Some(named)) = (&label, &named)
            && label != named
        {
            text = replace_word(&text, label, named);
        }
        if let Some(named) = &named
            && !words::holds_phrase(&text.to_lowercase(), &named.to_lowercase())
        {
            text = match rng.random_range(0..3) {
                0 => format!("{text} → {named}"),
                1 => format!("{text}: answer {named}"),
                _ => format!("{text} (this is {named})"),
            };
        }
        Self { line: framed(&text, rng), stems, label }
    }

    /// What a note says, in the editor's own words: nearly all of it arrives.
    pub(super) fn told(text: &str, labels: &BTreeSet<String>, rng: &mut ChaCha8Rng) -> Self {
        let text = one_line(unframed(text.trim()));
        let lower = text.to_lowercase();
        let label = labels.iter().find(|label| words::holds_phrase(&lower, &label.to_lowercase()));
        let stems = stems_without(&text, label.map(String::as_str));
        let line = thinned(&text, TOLD_KEPT, label.map(String::as_str), rng);
        Self { line: framed(&line, rng), stems, label: label.cloned() }
    }

    /// A guess from the words of some rows with the same answer.
    pub(super) fn guessed(records: &[&Record], rng: &mut ChaCha8Rng) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in records {
            let seen: BTreeSet<String> = words::raw(&record.input)
                .map(|word| words::plain(word).into_owned())
                .filter(|word| word.chars().count() > 3 && !words::is_stop(word))
                .filter(|word| !word.contains(|c: char| c.is_numeric()))
                .collect();
            for word in seen {
                *counts.entry(word).or_default() += 1;
            }
        }
        let mut ranked: Vec<(usize, String)> =
            counts.into_iter().map(|(word, count)| (count, word)).collect();
        ranked.shuffle(rng);
        ranked.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        ranked.truncate(rng.random_range(4..=8));
        let chosen: Vec<String> = ranked.into_iter().map(|(_, word)| word).collect();
        let label = records.first().and_then(|record| record.label());
        let list = chosen.join(", ");
        let line = match (label, chosen.is_empty()) {
            (Some(label), false) => match rng.random_range(0..3) {
                0 => format!("Texts about {list} → {label}."),
                1 => format!("When it mentions {list}, answer {label}."),
                _ => format!("{list}: {label}."),
            },
            (Some(label), true) => format!("Some of them are {label}."),
            (None, false) => match rng.random_range(0..3) {
                0 => format!("Take care with cases about {list}."),
                1 => format!("Watch for {list}; they change the result."),
                _ => format!("Cases that mention {list} need a second look."),
            },
            (None, true) => "Look at each case on its own.".to_owned(),
        };
        Self {
            line,
            stems: chosen.iter().map(|word| words::stem(word)).collect(),
            label: label.map(str::to_owned),
        }
    }

    /// The share of the rule's words that a line holds.
    pub(super) fn covered_by(&self, line: &str) -> f64 {
        let held: BTreeSet<String> = words::content(line).into_iter().collect();
        self.stems.intersection(&held).count() as f64 / self.stems.len().max(1) as f64
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(LONGEST).collect();
    words.join(" ").trim_end_matches(['.', ' ']).to_owned()
}

/// Whether feedback says more than that the answer differs from the expected one.
pub(super) fn says_something(feedback: &str, record: &Record) -> bool {
    let known: BTreeSet<String> = words::raw(record.right())
        .chain(words::raw(&record.answer))
        .map(|word| words::plain(word).into_owned())
        .collect();
    let telling: BTreeSet<String> = words::raw(feedback)
        .map(|word| words::plain(word).into_owned())
        .filter(|word| !words::is_stop(word) && !COMPARING.contains(&word.as_str()))
        .filter(|word| !known.contains(word) && !word.contains(|c: char| c.is_numeric()))
        .collect();
    telling.len() >= 3
}

fn stems_without(text: &str, label: Option<&str>) -> BTreeSet<String> {
    let label: BTreeSet<String> = label.map(words::content).into_iter().flatten().collect();
    words::content(text).into_iter().filter(|stem| !label.contains(stem)).collect()
}

/// A text with each content word kept by chance, and some swapped for a synonym. The label stays.
pub(super) fn thinned(text: &str, keep: f64, label: Option<&str>, rng: &mut ChaCha8Rng) -> String {
    let mut kept: Vec<String> = Vec::new();
    for token in text.split(' ') {
        let word = words::raw(token)
            .next()
            .map(|word| words::plain(word).into_owned())
            .unwrap_or_default();
        let is_label =
            label.is_some_and(|label| words::raw(label).any(|it| it.to_lowercase() == word));
        let is_content = !word.is_empty() && !words::is_stop(&word) && !token.contains("{{");
        if is_label || !is_content {
            kept.push(token.to_owned());
        } else if rng.random_bool(keep) {
            kept.push(swapped(token, &word, rng));
        } else if let Some(end) = token.strip_prefix(|c: char| c.is_alphanumeric())
            && let Some(last) = kept.last_mut()
            && end.ends_with([',', ';'])
        {
            // The pause stays where a word is lost, so that clauses do not run together.
            if last.ends_with(char::is_alphanumeric) {
                last.push_str(&end[end.len() - 1..]);
            }
        }
    }
    kept.join(" ")
}

fn swapped(token: &str, word: &str, rng: &mut ChaCha8Rng) -> String {
    let group = words::SYNONYMS.iter().find(|group| group.contains(&word));
    match group {
        Some(group) if rng.random_bool(SWAPPED) => {
            let others: Vec<&&str> = group.iter().filter(|other| **other != word).collect();
            others
                .choose(rng)
                .map_or_else(|| token.to_owned(), |other| token.replacen(word, other, 1))
        }
        _ => token.to_owned(),
    }
}

/// A text with some words swapped for synonyms and nothing lost.
pub(super) fn reworded(text: &str, rng: &mut ChaCha8Rng) -> String {
    text.split(' ')
        .map(|token| {
            let word = words::raw(token)
                .next()
                .map(|word| words::plain(word).into_owned())
                .unwrap_or_default();
            swapped(token, &word, rng)
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// One of the frames around a text.
pub(super) fn framed(text: &str, rng: &mut ChaCha8Rng) -> String {
    let frame = FRAMES.choose(rng).copied().unwrap_or("{S}.");
    let text = text.trim().trim_end_matches('.');
    if frame.contains("{S}") {
        frame.replace("{S}", &capitalised(text))
    } else {
        frame.replace("{s}", &uncapitalised(text))
    }
}

/// What is in a frame, if the line is in one.
pub(super) fn unframed(line: &str) -> &str {
    FRAMES
        .iter()
        .filter_map(|frame| frame.split_once("{s}"))
        .find_map(|(before, after)| line.strip_prefix(before)?.strip_suffix(after))
        .unwrap_or(line)
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
        // A word in capitals is a name and stays.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    text.split(' ')
        .map(|token| {
            let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
            if bare.eq_ignore_ascii_case(word) {
                token.replacen(bare, by, 1)
            } else {
                token.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}
