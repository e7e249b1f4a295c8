//! Lines that say again what an earlier line says, in other case, marks or numbers; in a merged text also in nearly the
//! same words.

use super::super::lines::{has_code, is_lead, is_telling, sections, without, words_of};
use super::Repaired;
use std::collections::{BTreeMap, BTreeSet};

/// Words before a colon that name a field of an example, at most.
const FIELD_WORDS: usize = 2;

/// Words that a line has at least to be compared with one in nearly the same words: a rule, and no item of a list.
const NEARLY_WORDS: usize = 8;
/// Two near lines may differ in one of every eight words: a synonym, a label. Chosen on merges of the simulated tasks. On
/// recorded prompts 11 of 75,000 lines that a merge could take over are so near to one that is there.
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
    for statements in sections(text) {
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

/// A merged text without lines that the better parent lacks and that differ in few words from another line of the section.
/// They say the same, or the same of another label; where they mean another case, the other parent still has it. Lines of
/// examples are not compared, nor are numbers other words.
pub(super) fn nearly_folded(text: &str, old: &str) -> Repaired {
    if has_examples(text) {
        return None;
    }
    let known: BTreeSet<Vec<String>> = old.split('\n').map(words_of).collect();
    let lines: Vec<&str> = text.split('\n').collect();
    let mut gone = BTreeSet::new();
    for statements in sections(text) {
        let statements = statements.into_iter().map(|number| (number, words_of(lines[number])));
        let (mut said, new): (Vec<_>, Vec<_>) =
            statements.partition(|(_, words)| known.contains(words));
        for (number, words) in new {
            let is_said = |(_, other): &(usize, Vec<String>)| are_near(&words, other);
            match said.iter().any(is_said) && !has_code(lines[number]) {
                true => _ = gone.insert(number),
                false => said.push((number, words)),
            }
        }
    }
    left(text, &gone)
}

/// Whether two lines differ in few words alone, none of which is a number.
fn are_near(one: &[String], other: &[String]) -> bool {
    if one.len() != other.len() || one.len() < NEARLY_WORDS {
        return false;
    }
    let differing: Vec<_> = one.iter().zip(other).filter(|(one, other)| one != other).collect();
    let is_number = |word: &String| word.contains(char::is_numeric);
    differing.len() * WORDS_PER_OTHER <= one.len()
        && !differing.iter().any(|(one, other)| is_number(one) || is_number(other))
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
