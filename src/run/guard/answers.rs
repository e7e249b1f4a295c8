//! Right answers of dev rows that a prompt names outright; those of held-out rows are not looked at, because an answer to which
//! of them are right would be a look at the rows. Where answers are a few labels a prompt must name them;
//! where each row has its own, a prompt that names them has learned the rows.

use super::{Flag, Guard, searched};
use crate::prompt::Prompt;
use crate::task::Task;
use crate::task::scorer::label_form;
use std::collections::{BTreeMap, BTreeSet};

/// Answers of fewer characters are found in any text by chance.
const SHORTEST: usize = 5;
/// An answer that this share of the rows has is a label, whatever the scorer.
const COMMON: f64 = 0.02;
/// The fewest answers that are flagged: one may be an example.
const FEWEST: usize = 2;
/// The most answers that are listed.
const LISTED: usize = 3;

pub(super) fn flags(task: &Task, prompt: &Prompt, baseline: &Prompt) -> Vec<Flag> {
    if !task.scorers.labels().is_empty() {
        return Vec::new();
    }
    let rows = || task.splits.train.iter().chain(&task.splits.dev);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows() {
        task.scorers
            .right_forms(row)
            .into_iter()
            .for_each(|answer| *counts.entry(answer).or_default() += 1);
    }
    let most = (rows().count() as f64 * COMMON).max(1.0) as usize;
    // What train rows say as well may have come from an example.
    let shown: BTreeSet<String> =
        task.splits.train.iter().flat_map(|row| task.scorers.right_forms(row)).collect();
    let rare: BTreeSet<String> = task
        .splits
        .dev
        .iter()
        .flat_map(|row| task.scorers.right_forms(row))
        .filter(|answer| {
            answer.chars().count() >= SHORTEST
                && counts.get(answer).is_some_and(|count| *count <= most)
                && !shown.contains(answer)
        })
        .collect();
    let old: String = searched(task, baseline).map(|(_, text)| padded(text)).collect();
    let mut flags = Vec::new();
    for (part, text) in searched(task, prompt) {
        let text = padded(text);
        let named: Vec<&String> = rare
            .iter()
            .filter(|answer| {
                let answer = padded(answer);
                text.contains(&answer) && !old.contains(&answer)
            })
            .collect();
        if named.len() >= FEWEST {
            let listed: Vec<&str> = named.iter().take(LISTED).map(|it| it.as_str()).collect();
            flags.push(Flag {
                guard: Guard::NamedAnswer,
                part: Some(part.to_owned()),
                found: format!(
                    "names {} right answers of dev: {}{}",
                    named.len(),
                    listed.join(", "),
                    if named.len() > LISTED { " …" } else { "" }
                ),
            });
        }
    }
    flags
}

/// Words between single spaces, so that one text is found in another as whole words.
fn padded(text: &str) -> String {
    let mut words = String::from(" ");
    for word in label_form(text).split_whitespace() {
        words.push_str(word.trim_matches(|c: char| !c.is_alphanumeric()));
        words.push(' ');
    }
    words
}
