//! How the labels of a `label` scorer fare, and which are taken for which.

use super::group::difference_seed;
use super::row::AnsweredRow;
use crate::report::paired::{PairedScores, ScorePair};
use crate::seed::Seed;
use crate::stats::{Interval, interval};
use serde::Serialize;
use std::collections::BTreeMap;

/// How a label fares. A row with several right labels counts for the one that was answered, else for the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// How many rows have it.
    pub support: usize,
    /// How many answers name it.
    pub predicted: usize,
    /// Of the rows that have it, the share whose answer names it, with its 95 % interval (Wilson).
    pub recall: Option<Interval>,
    /// Of the answers that name it, the share whose row has it.
    pub precision: Option<Interval>,
    /// The recall against the baseline's, on the rows that have the label and that both answered; null without such
    /// rows, and for the baseline.
    pub against_baseline: Option<PairedScores>,
}

/// A cell of the confusion matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// The row's label; null where it has none.
    pub expected: Option<String>,
    /// The label that the answer names; null for none or several.
    pub predicted: Option<String>,
    /// In how many rows.
    pub count: usize,
}

/// The scores of each label in the task's order, given the run's seed.
pub(super) fn scores(labels: &[String], rows: &[&AnsweredRow], seed: Seed) -> Vec<LabelScore> {
    let mut having: BTreeMap<&str, Vec<&AnsweredRow>> = BTreeMap::new();
    let mut naming: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if let Some(label) = &row.label {
            having.entry(label).or_default().push(row);
        }
        if let Some(label) = &row.predicted {
            *naming.entry(label).or_default() += 1;
        }
    }
    let of = |label: &String| {
        let rows = having.get(label.as_str()).map(Vec::as_slice).unwrap_or_default();
        let is_named = |row: &AnsweredRow| row.predicted.as_ref() == Some(label);
        let both = rows.iter().filter(|row| is_named(row)).count();
        let predicted = naming.get(label.as_str()).copied().unwrap_or(0);
        let point = |is_right: bool| f64::from(u8::from(is_right));
        let pairs = rows.iter().filter_map(|row| {
            let before = point(row.baseline.as_ref()?.names_label);
            // Shares of rows count each row once.
            Some(ScorePair { before, after: point(is_named(row)), weight: 1.0 })
        });
        LabelScore {
            label: label.clone(),
            support: rows.len(),
            predicted,
            recall: interval::wilson(both, rows.len()),
            precision: interval::wilson(both, predicted),
            against_baseline: PairedScores::of(&pairs.collect::<Vec<_>>(), difference_seed(seed)),
        }
    };
    labels.iter().map(of).collect()
}

/// How often each label was answered with which, without zeros.
pub(super) fn confusions(rows: &[&AnsweredRow]) -> Vec<Confusion> {
    let mut counts: BTreeMap<(Option<&str>, Option<&str>), usize> = BTreeMap::new();
    for row in rows {
        *counts.entry((row.label.as_deref(), row.predicted.as_deref())).or_default() += 1;
    }
    let confusion =
        |((expected, predicted), count): ((Option<&str>, Option<&str>), usize)| Confusion {
            expected: expected.map(str::to_owned),
            predicted: predicted.map(str::to_owned),
            count,
        };
    counts.into_iter().map(confusion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_looks_like_none_is_another_one() {
        let row = |label: &str, predicted: Option<&str>| AnsweredRow {
            label: Some(label.to_owned()),
            predicted: predicted.map(str::to_owned),
            ..AnsweredRow::default()
        };
        let rows = [row("–", Some("–")), row("–", None), row("a", Some("–"))];
        let rows: Vec<&AnsweredRow> = rows.iter().collect();
        let found = confusions(&rows);
        let cell = |predicted: Option<&str>| {
            let is_it = |it: &&Confusion| {
                it.expected.as_deref() == Some("–") && it.predicted.as_deref() == predicted
            };
            found.iter().find(is_it).map(|it| it.count)
        };
        assert_eq!((cell(Some("–")), cell(None), found.len()), (Some(1), Some(1), 3));
        let scores = scores(&["–".to_owned(), "a".to_owned()], &rows, Seed(1));
        assert_eq!((scores[0].support, scores[0].predicted), (2, 2));
        assert_eq!(scores[0].recall.map(|it| it.mean), Some(0.5));
    }
}
