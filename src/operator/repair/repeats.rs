//! Lines that say again what an earlier line says, in other case, marks or numbers.

use super::super::lines::{has_code, is_fence, is_lead, is_telling, without, words_of};
use super::Repaired;
use std::collections::{BTreeMap, BTreeSet};

/// Words before a colon that name a field of an example, at most.
const FIELD_WORDS: usize = 2;

/// The text with repeated lines folded to the first. As often as the parent says it, a line may stay. Lines
/// of code, of different sections and, but for neighbours, of examples are not compared: there a repetition may
/// be meant.
pub(super) fn folded(text: &str, old: &str) -> Repaired {
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for line in old.split('\n') {
        *known.entry(words_of(line)).or_default() += 1;
    }
    let has_examples = has_examples(text);
    let mut all: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut in_section: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut before: Vec<String> = Vec::new();
    let (mut gone, mut said) = (BTreeSet::new(), Vec::new());
    let mut in_code = false;
    for (number, line) in text.split('\n').enumerate() {
        if is_fence(line) {
            in_code = !in_code;
            continue;
        }
        if line.trim().is_empty() || in_code {
            continue;
        }
        if is_heading(line) {
            in_section.clear();
            before.clear();
            continue;
        }
        let words = words_of(line);
        let times = all.entry(words.clone()).or_default();
        let repeats = words == before || !has_examples && in_section.contains(&words);
        let is_new = *times >= known.get(&words).copied().unwrap_or(0).max(1);
        if repeats && is_new && is_telling(&words) && !has_code(line) {
            gone.insert(number);
            said.push(line.trim().to_owned());
            continue;
        }
        *times += 1;
        in_section.insert(words.clone());
        before = words;
    }
    (!gone.is_empty()).then(|| (without(text, |number| gone.contains(&number)), said))
}

/// Whether a line only says what follows.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('#') || line.trim_end_matches(['*', '_']).ends_with(':')
}

/// Whether fields such as `Input:` stand at the start of lines more than once.
fn has_examples(text: &str) -> bool {
    let mut fields = BTreeSet::new();
    let heads = text.split('\n').filter_map(|line| line.trim().split_once(':'));
    let heads = heads.filter(|(head, _)| !is_lead(head)).map(|(head, _)| words_of(head));
    heads.filter(|head| (1..=FIELD_WORDS).contains(&head.len())).any(|head| !fields.insert(head))
}
