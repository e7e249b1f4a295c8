//! Rules as the simulated editor writes them: from feedback, with losses, or guessed from inputs.

use super::super::words;
use super::evidence::Record;
use super::sentence::{framed, keywords, naming, one_line, reworded, sentences, unframed, vague};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// How often a rule is made too general, and what then is left of its words.
const OVER_GENERAL: f64 = 0.15;
const GENERAL_KEPT: f64 = 0.5;
/// How often a rule that is made of a note loses as much.
const TOLD_GENERAL: f64 = 0.03;
/// How often a sentence of several is left out.
const LEFT_OUT: f64 = 0.15;
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
        if general
            && !wrong
            && let Some(line) = vague(&feedback, GENERAL_KEPT, label.as_deref(), rng)
        {
            return Self { line, stems, label };
        }
        let named = if wrong { foreign.choose(rng).map(|it| (*it).clone()) } else { label.clone() };
        let mut text = reworded(&said_of(&feedback, rng), label.as_deref(), rng);
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
        let label = label.map(String::as_str);
        let general = rng.random_bool(TOLD_GENERAL);
        let line = if general { vague(&text, GENERAL_KEPT, label, rng) } else { None };
        let line = line.unwrap_or_else(|| framed(&reworded(&text, label, rng), rng));
        Self { line, stems, label: label.map(str::to_owned) }
    }

    /// A guess from the words of some rows with the same answer.
    pub(super) fn guessed(records: &[&Record], rng: &mut ChaCha8Rng) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in records {
            let seen: BTreeSet<String> = keywords(&record.input).into_iter().collect();
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
        let line = naming(&chosen, label, rng);
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

/// What is said of a feedback text: all its sentences, or all but some.
fn said_of(feedback: &str, rng: &mut ChaCha8Rng) -> String {
    let all = sentences(feedback);
    let said: Vec<&str> =
        all.iter().copied().filter(|_| all.len() == 1 || !rng.random_bool(LEFT_OUT)).collect();
    let said = if said.is_empty() { all } else { said };
    said.join(" ").trim_end_matches('.').to_owned()
}

/// Whether feedback says more than that the answer differs from the expected one. What a scorer writes
/// does not: no model puts its message into a prompt.
pub(super) fn says_something(feedback: &str, record: &Record) -> bool {
    if feedback.contains("xpected `") {
        return false;
    }
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
