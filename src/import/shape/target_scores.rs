//! BIG-bench's answers, a score for each choice: `target_scores: {"yes": 0, "no": 1}`.
//!
//! The choice with the highest score is the answer. Where all rows have the same choices, these are labels.

use super::content::all;
use crate::import::literal::structure;
use crate::prompt::Columns;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The column of the scores, and those that they become.
const SCORES: &str = "target_scores";
const TARGET: &str = "target";
const CHOICES: &str = "choices";

/// The choices of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TargetScores {
    /// Those that all rows have.
    labels: Option<Vec<String>>,
}

impl TargetScores {
    /// From the first rows; `None`: they have no such scores.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let fits = |row: &Columns| {
            scores(row).is_some() && !row.contains_key(TARGET) && !row.contains_key(CHOICES)
        };
        let mut each = rows.iter().filter_map(scores).map(|it| names(&it));
        let first = all(rows, fits).then(|| each.next()).flatten()?;
        let is_same = |other: Vec<String>| in_order(other) == in_order(first.clone());
        Some(Self { labels: each.all(is_same).then(|| in_order(first.clone())) })
    }

    /// The row with its answer, and with its choices where they are its own.
    pub(super) fn read(&self, mut row: Columns) -> Columns {
        let Some(scores) = scores(&row) else { return row };
        let points = |value: &Value| value.as_f64().unwrap_or_default();
        let mut best: Option<(&String, f64)> = None;
        for (name, value) in &scores {
            if best.is_none_or(|(_, most)| points(value) > most) {
                best = Some((name, points(value)));
            }
        }
        let target = best.map(|(name, _)| name.clone());
        row.shift_remove(SCORES);
        if self.labels.as_ref() != Some(&in_order(names(&scores))) {
            row.insert(CHOICES.to_owned(), names(&scores).into());
        }
        row.insert(TARGET.to_owned(), target.into());
        row
    }
}

fn names(scores: &Map<String, Value>) -> Vec<String> {
    scores.keys().cloned().collect()
}

fn in_order(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// The scores of a row's choices.
fn scores(row: &Columns) -> Option<Map<String, Value>> {
    let found = structure(row.get(SCORES)?).map(Cow::into_owned)?;
    let Value::Object(found) = found else { return None };
    (found.len() > 1 && found.values().all(Value::is_number)).then_some(found)
}
