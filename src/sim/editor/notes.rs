//! Notes of the simulated editor: what one step of an operator writes for a later one.
//!
//! They say what a reflection would have put into the text, with the same losses, and nothing that
//! the request does not show.

use super::super::words;
use super::brief::Brief;
use super::evidence::Record;
use super::kind::Kind;
use super::phrases::{FORM_FAULT, HASTE_FAULT, HINTS, INTROS, ORDERS, VAGUE_FAULTS};
use super::revise::{Looks, STATED, groups_of, labels_of, tell_of};
use super::rule::Rule;
use super::sentence;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How often a critique also doubts the form of the answer, or the time taken for it.
const DOUBTS_FORM: f64 = 0.20;
const DOUBTS_HASTE: f64 = 0.10;
/// Words that a line of the prompt must share with a row to be praised for it.
const PRAISED_WORDS: usize = 2;

/// The notes that a request asks for.
pub(super) fn written(brief: &Brief, rng: &mut ChaCha8Rng) -> Vec<String> {
    match brief.kind {
        Kind::Critique => critique(brief, rng),
        Kind::Praise => praise(brief, rng),
        Kind::ContrastRule => vec![contrast(brief, rng)],
        Kind::Hint => hints(brief, rng),
        Kind::HypermutateStyle => {
            let order = ORDERS.choose(rng).copied().unwrap_or_default();
            vec![format!("{order} Do it in this manner: {}", brief.manner)]
        }
        Kind::Hypermutate => vec![better_order(&brief.order, rng)],
        _ => vec![summary(brief, rng)],
    }
}

/// What the failed rows show, as rules.
fn rules_of<'a>(
    records: impl Iterator<Item = &'a Record>,
    labels: &BTreeSet<String>,
    rng: &mut ChaCha8Rng,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    tell_of(records, labels, rng, |rule, _| rules.push(rule));
    rules
}

fn failures(brief: &Brief) -> impl Iterator<Item = &Record> {
    brief.evidence.iter().filter(|record| record.failed())
}

/// Reasons, each with its share of what the failures show.
fn critique(brief: &Brief, rng: &mut ChaCha8Rng) -> Vec<String> {
    let labels = labels_of(&brief.evidence);
    let mut faults: Vec<String> =
        rules_of(failures(brief), &labels, rng).into_iter().map(|rule| rule.line).collect();
    if rng.random_bool(DOUBTS_FORM) {
        faults.push(FORM_FAULT.to_owned());
    }
    if rng.random_bool(DOUBTS_HASTE) {
        faults.push(HASTE_FAULT.to_owned());
    }
    faults.shuffle(rng);
    let mut reasons: Vec<Vec<String>> = vec![Vec::new(); brief.notes];
    for (place, fault) in faults.into_iter().enumerate() {
        reasons[place % brief.notes].push(fault);
    }
    reasons
        .into_iter()
        .map(|faults| {
            if faults.is_empty() {
                return VAGUE_FAULTS.choose(rng).copied().unwrap_or_default().to_owned();
            }
            let intro = INTROS.choose(rng).copied().unwrap_or_default();
            format!("{intro}\n- {}", faults.join("\n- "))
        })
        .collect()
}

/// Lines of the text that have words of the rows which came out right.
fn praise(brief: &Brief, rng: &mut ChaCha8Rng) -> Vec<String> {
    let seen: BTreeSet<String> = brief
        .evidence
        .iter()
        .filter(|record| !record.failed())
        .flat_map(|record| words::content(&format!("{} {}", record.input, record.right())))
        .collect();
    let mut lines: Vec<(usize, &str)> = brief
        .current
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let held: BTreeSet<String> = words::content(line).into_iter().collect();
            (held.intersection(&seen).count(), line.trim())
        })
        .collect();
    lines.shuffle(rng);
    lines.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    let told = lines.iter().enumerate().take_while(|(place, (shared, _))| {
        // Something is always found to praise.
        *place == 0 || *shared >= PRAISED_WORDS
    });
    let notes: Vec<String> =
        told.take(brief.notes).map(|(_, (_, line))| format!("Keep: {line}")).collect();
    if notes.is_empty() { vec!["Keep: the plain tone.".to_owned()] } else { notes }
}

/// Rules from rows of which a better and a worse answer are shown, or else from all.
fn contrast(brief: &Brief, rng: &mut ChaCha8Rng) -> String {
    let labels = labels_of(&brief.evidence);
    let compared = |record: &&Record| !record.contrast.is_empty();
    let any = brief.evidence.iter().any(|record| compared(&record));
    let records = brief.evidence.iter().filter(|record| !any || compared(record));
    let rules = rules_of(records, &labels, rng);
    let lines: Vec<String> = rules.into_iter().map(|rule| format!("- {}", rule.line)).collect();
    if lines.is_empty() {
        return format!("- {}", HINTS.choose(rng).copied().unwrap_or_default());
    }
    lines.join("\n")
}

fn hints(brief: &Brief, rng: &mut ChaCha8Rng) -> Vec<String> {
    let mut hints: Vec<&str> = HINTS.to_vec();
    hints.shuffle(rng);
    let mut hints: Vec<String> =
        hints.into_iter().cycle().take(brief.notes).map(str::to_owned).collect();
    if let Some(first) = hints.first_mut()
        && !brief.about.is_empty()
    {
        *first = format!("{} {first}", brief.about);
    }
    hints
}

/// Another wording, sometimes with a second order behind it.
fn better_order(order: &str, rng: &mut ChaCha8Rng) -> String {
    let reworded = sentence::reworded(order, None, rng);
    let more = ORDERS.choose(rng).copied().unwrap_or_default();
    match rng.random_range(0..3) {
        0 => more.to_owned(),
        1 => format!("{more} {reworded}"),
        _ => format!("{reworded} {more}"),
    }
}

/// What rows are about: their sort of answer, and words of their inputs by answer.
fn summary(brief: &Brief, rng: &mut ChaCha8Rng) -> String {
    let records = &brief.evidence;
    let mut lines = vec![
        match Looks::of(records, "") {
            Looks::Label => "Short texts, each of one of a few sorts:",
            Looks::Number => "Problems whose answers are numbers:",
            Looks::Object => "Documents from which facts are drawn:",
            Looks::Unknown => "Inputs of many sorts:",
        }
        .to_owned(),
    ];
    for members in groups_of(records).values() {
        if rng.random_bool(STATED) {
            lines.push(format!("- {}", Rule::guessed(members, rng).line));
        }
    }
    lines.join("\n")
}
