//! Labels that the parent names and the reply lost.

use super::super::lines::{has_code, has_line, is_whole_prompt, put_back, words_of};
use super::Repaired;
use crate::prompt::Prompt;

/// Letters that each label has at least: a shorter one is named by chance.
const LEAST_LETTERS: usize = 2;
/// The share of a line's words, labels aside, that it has in common with the list that it was made of.
const SAME_WORDS: f64 = 0.8;

/// The text with the parent's list of labels again, where the parent names all labels and the new prompt
/// lacks some: in place of what became of the list, or where it stood. A label that the list does not
/// name comes back with the first line that names it.
pub(super) fn restored(text: &str, old: &str, new: &Prompt, labels: &[String]) -> Repaired {
    let is_short = |label: &String| label.chars().count() < LEAST_LETTERS;
    if labels.len() < 2 || labels.iter().any(is_short) {
        return None;
    }
    let is_lost = |label: &&String| !new.parts().iter().any(|part| names(&part.text, label));
    let lost: Vec<&String> = labels.iter().filter(is_lost).collect();
    if lost.is_empty() || !labels.iter().all(|label| names(old, label)) {
        return None;
    }
    // What names hardly any label and has no line of its parent is no prompt that lost something.
    let is_prompt = lost.len() * 2 <= labels.len()
        || old.split('\n').any(|line| !line.trim().is_empty() && has_line(text, line));
    if !is_prompt {
        return None;
    }
    let named_in = |line: &str| labels.iter().filter(|label| names(line, label)).count();
    let is_fit = |line: &&str| !has_code(line) && !is_whole_prompt(line, text);
    let lines: Vec<&str> = old.split('\n').filter(is_fit).collect();
    let mut left = text.to_owned();
    let mut back = Vec::new();
    let list = lines.iter().copied().rev().max_by_key(|line| named_in(line));
    // Where each label has a line of its own, a rule on two of them is no list.
    let is_list = |list: &&str| named_in(list) > 1 && named_in(list) * 2 >= labels.len();
    if let Some(list) = list.filter(is_list).filter(|list| !has_line(text, list)) {
        let rest = |line: &str| words_of(&without_labels(line, labels));
        let of_list = rest(list);
        let is_made_of_it = |line: &&str| {
            let words = rest(line);
            if words.is_empty() && named_in(line) < 2 {
                return false;
            }
            let shared = words.iter().filter(|word| of_list.contains(word)).count() as f64;
            named_in(line) > 0
                && !has_line(old, line)
                && !has_code(line)
                && shared >= SAME_WORDS * words.len() as f64
        };
        left = match text.split('\n').find(is_made_of_it) {
            Some(cut) => replaced(text, cut, list),
            None => put_back(&left, old, list, list),
        };
        back.push(list.trim().to_owned());
    }
    for label in &lost {
        let line = lines.iter().find(|line| names(line, label));
        if let Some(line) = line.filter(|_| !names(&left, label)) {
            left = put_back(&left, old, line, line);
            back.push(line.trim().to_owned());
        }
    }
    let is_whole = lost.iter().all(|label| names(&left, label));
    (is_whole && !back.is_empty()).then_some((left, back))
}

/// The text with a line in place of another one.
fn replaced(text: &str, line: &str, by: &str) -> String {
    let lines = text.split('\n').map(|own| if own == line { by } else { own });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a text names a label as whole words, in any case.
fn names(text: &str, label: &str) -> bool {
    let (text, label) = (text.to_lowercase(), label.trim().to_lowercase());
    text.match_indices(&label).any(|(at, _)| {
        !text[..at].ends_with(char::is_alphanumeric)
            && !text[at + label.len()..].starts_with(char::is_alphanumeric)
    })
}

/// A line in lower case without the labels that it names.
fn without_labels(line: &str, labels: &[String]) -> String {
    let line = line.to_lowercase();
    labels.iter().fold(line, |line, label| {
        if names(&line, label) { line.replace(&label.trim().to_lowercase(), " ") } else { line }
    })
}
