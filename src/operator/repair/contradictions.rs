//! Two lines that say the same of different labels: both cannot be right.
//!
//! Told by their words, whatever their case, marks and leads. A list with a line for each label is none: such lines
//! are short, or more than two.

use super::super::lines::{Section, has_line, sections, without, words_of};
use super::Repaired;
use super::labels::marked;
use std::collections::{BTreeMap, BTreeSet};

/// Words beside the label that a line has at least: a statement on some rows, and no item of a list.
const WORDS: usize = 6;

/// Which of two such lines stays, where one is the parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stays {
    /// The new one: whoever wrote it corrects the other.
    New,
    /// The parent's: it comes from the better of two.
    Old,
}

/// The text without one of each two lines that contradict each other. Of two new ones the first stays; what the
/// parent has twice stays.
pub(super) fn removed(text: &str, old: &str, labels: &[String], stays: Stays) -> Repaired {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut gone = BTreeSet::new();
    for Section { statements, .. } in sections(text) {
        let mut alike: BTreeMap<Vec<String>, Vec<(usize, usize)>> = BTreeMap::new();
        for number in statements {
            if let Some((words, label)) = statement(lines[number], labels) {
                alike.entry(words).or_default().push((number, label));
            }
        }
        for pair in alike.into_values() {
            let [(first, of_first), (second, of_second)] = pair[..] else { continue };
            if of_first == of_second {
                continue;
            }
            let is_old = |number: usize| has_line(old, lines[number]);
            let leaves = match (is_old(first), is_old(second)) {
                (true, true) => continue,
                (false, false) => second,
                (first_is_old, _) if first_is_old == (stays == Stays::Old) => second,
                _ => first,
            };
            gone.insert(leaves);
        }
    }
    let said = gone.iter().map(|number| lines[*number].trim().to_owned()).collect();
    (!gone.is_empty()).then(|| (without(text, |number| gone.contains(&number)), said))
}

/// The words of a line that names one label once, with the label left open, and which one it is.
fn statement(line: &str, labels: &[String]) -> Option<(Vec<String>, usize)> {
    let (line, named) = marked(line, labels);
    let [label] = named[..] else { return None };
    let words = words_of(&line);
    (words.len() > WORDS).then_some((words, label))
}
