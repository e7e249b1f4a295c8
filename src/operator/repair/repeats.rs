//! Lines that say again what an earlier line says, in other case, marks or numbers; in a merged text also in nearly the
//! same words.

use super::super::lines::{
    NEGATIONS, Section, has_code, has_line, is_lead, is_telling, sections, without, words_of,
};
use super::Repaired;
use super::labels::marked;
use std::collections::{BTreeMap, BTreeSet};

/// Words before a colon that name a field of an example, at most.
const FIELD_WORDS: usize = 2;

/// Words that a line has at least to be compared with one in nearly the same words.
const NEARLY_WORDS: usize = 8;
/// One word of so many may be another one.
const WORDS_PER_OTHER: usize = 8;

/// The text with repeated lines folded to the first. As often as the parent says it, a line may stay. Lines
/// of code, of different sections and, but for neighbours, of examples are not compared: there a repetition may
/// be meant.
pub(super) fn folded(text: &str, old: &str) -> Repaired {
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for line in old.split('\n') {
        *known.entry(words_of(line)).or_default() += 1;
    }
    let has_examples = has_examples(text);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut all: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for Section { statements, .. } in sections(text) {
        let mut in_section: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut before: Vec<String> = Vec::new();
        for number in statements {
            let words = words_of(lines[number]);
            let times = all.entry(words.clone()).or_default();
            let repeats = words == before || !has_examples && in_section.contains(&words);
            let is_new = *times >= known.get(&words).copied().unwrap_or(0).max(1);
            if repeats && is_new && is_telling(&words) && !has_code(lines[number]) {
                gone.insert(number);
                continue;
            }
            *times += 1;
            in_section.insert(words.clone());
            before = words;
        }
    }
    left(text, &gone)
}

/// The text without lines that the first of two parents lacks, and that say in nearly the same words what another line of
/// the section says, of the same labels and numbers. Only for what no model wrote: there two lines like that may be
/// two cases.
pub(super) fn nearly_folded(text: &str, old: &str, labels: &[String]) -> Repaired {
    if has_examples(text) {
        return None;
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let mut gone = BTreeSet::new();
    for Section { statements, .. } in sections(text) {
        let (mut said, new): (Vec<usize>, Vec<usize>) =
            statements.into_iter().partition(|number| has_line(old, lines[*number]));
        for number in new {
            let is_said = |other: &usize| are_near(lines[number], lines[*other], labels);
            match said.iter().any(is_said) && !has_code(lines[number]) {
                true => _ = gone.insert(number),
                false => said.push(number),
            }
        }
    }
    left(text, &gone)
}

/// Whether two lines differ in few words alone, none of which is a label, a number or a negation.
fn are_near(one: &str, other: &str, labels: &[String]) -> bool {
    let ((one, of_one), (other, of_other)) = (marked(one, labels), marked(other, labels));
    let (one, other) = (words_of(&one), words_of(&other));
    if of_one != of_other || one.len() != other.len() || one.len() < NEARLY_WORDS {
        return false;
    }
    let differing = one.iter().zip(&other).filter(|(one, other)| one != other);
    let says_other = |word: &str| word.contains(char::is_numeric) || NEGATIONS.contains(&word);
    differing.clone().count() * WORDS_PER_OTHER <= one.len()
        && !differing.clone().any(|(one, other)| says_other(one) || says_other(other))
}

/// The text without these lines, and what they said.
fn left(text: &str, gone: &BTreeSet<usize>) -> Repaired {
    let lines = text.split('\n').enumerate();
    let said =
        lines.filter(|(number, _)| gone.contains(number)).map(|(_, line)| line.trim().to_owned());
    let said = said.collect();
    (!gone.is_empty()).then(|| (without(text, |number| gone.contains(&number)), said))
}

/// Whether fields such as `Input:` stand at the start of lines more than once.
fn has_examples(text: &str) -> bool {
    let mut fields = BTreeSet::new();
    let heads = text.split('\n').filter_map(|line| line.trim().split_once(':'));
    let heads = heads.filter(|(head, _)| !is_lead(head)).map(|(head, _)| words_of(head));
    heads.filter(|head| (1..=FIELD_WORDS).contains(&head.len())).any(|head| !fields.insert(head))
}
