//! Right answers of dev and held-out rows that a prompt names outright. Where answers are a few labels a prompt must name them;
//! where each row has its own, a prompt that names them has learned the rows.

use super::{Flag, Guard, searched};
use crate::prompt::{Prompt, value_text};
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
    let rows =
        || task.splits.train.iter().chain(&task.splits.dev).chain(task.splits.hold.open_held_out());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows() {
        let answers: BTreeSet<String> = answers_of(task, row).collect();
        answers.into_iter().for_each(|answer| *counts.entry(answer).or_default() += 1);
    }
    let most = (rows().count() as f64 * COMMON).max(1.0) as usize;
    // What train rows say as well may have come from an example.
    let shown: BTreeSet<String> =
        task.splits.train.iter().flat_map(|row| answers_of(task, row)).collect();
    let rare: BTreeSet<String> = task
        .splits
        .dev
        .iter()
        .chain(task.splits.hold.open_held_out())
        .flat_map(|row| answers_of(task, row))
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
                    "names the right answers of {} rows of dev or hold: {}{}",
                    named.len(),
                    listed.join(", "),
                    if named.len() > LISTED { " …" } else { "" }
                ),
            });
        }
    }
    flags
}

fn answers_of<'a>(
    task: &'a Task,
    row: &'a crate::task::example::Example,
) -> impl Iterator<Item = String> + 'a {
    task.scorers.right_answers(row).into_iter().map(|it| label_form(&value_text(&it)))
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
