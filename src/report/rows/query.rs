//! Which rows of a run are asked for, and why such rows cannot be shown.

use super::row::AnsweredRow;
use crate::id::CandidateIx;
use crate::journal::JournalError;
use crate::prompt::value_text;
use crate::task::Task;
use crate::task::example::{Split, VisibleSplit};
use crate::task::scorer::label_form;
use crate::text;
use serde::Serialize;
use std::collections::BTreeSet;

/// The most known names that a hint lists.
const MOST_NAMES: usize = 20;

/// Which rows are asked for.
#[derive(Clone, Debug)]
pub struct RowsQuery {
    /// Whose answers.
    pub candidate: CandidateIx,
    /// The split; `None`: dev, or what an evaluation asked.
    pub split: Option<VisibleSplit>,
    /// Which rows are shown.
    pub filter: RowFilter,
    /// The column whose values make slices.
    pub by: Option<String>,
}

/// Which rows are shown; a row must meet all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RowFilter {
    /// Those that are not wholly right.
    pub wrong: bool,
    /// Those on which the baseline has another score.
    pub changed: bool,
    /// Those that count for this label; without a `label` scorer, those with this right answer.
    pub label: Option<String>,
}

/// Why there are no such rows.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The events cannot be read.
    #[error(transparent)]
    Unreadable(#[from] JournalError),
    /// No row has this column.
    #[error("the rows have no column `{column}`")]
    UnknownColumn {
        /// The column.
        column: String,
        /// What to try.
        help: String,
    },
    /// No row can have this label or right answer.
    #[error("there is no label or right answer `{label}`")]
    UnknownLabel {
        /// The label as it was written.
        label: String,
        /// What to try.
        help: String,
    },
    /// An evaluation has the rows that it asked, and no split beside them.
    #[error(
        "this run evaluated the rows of `{evaluated}`; it has none of `{asked}` apart from them"
    )]
    OtherSplit {
        /// The split that is asked for.
        asked: Split,
        /// What was evaluated: a split, or `all`.
        evaluated: String,
    },
    /// Changed rows are asked for, and the prompt is the one that others are compared with.
    #[error("{prompt} cannot be compared with a baseline, so no row has changed")]
    NoBaseline {
        /// `the baseline`, or `the prompt` of an evaluation.
        prompt: &'static str,
    },
}

impl RowsError {
    /// What to try.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unreadable(_) => None,
            Self::UnknownColumn { help, .. } | Self::UnknownLabel { help, .. } => Some(help),
            Self::OtherSplit { .. } => Some("leave out `--split`"),
            Self::NoBaseline { .. } => Some("leave out `--changed`, or name another candidate"),
        }
    }
}

impl RowFilter {
    /// The filter with its label as the scorer spells it.
    ///
    /// # Errors
    /// No row can have the label.
    pub(super) fn for_task(&self, task: &Task) -> Result<Self, RowsError> {
        let label = self.label.as_ref().map(|label| known_label(task, label)).transpose()?;
        Ok(Self { label, ..self.clone() })
    }

    pub(super) fn keeps(&self, row: &AnsweredRow) -> bool {
        let has_label = |label: &String| match &row.label {
            Some(own) => own == label,
            None => row.expected.iter().chain(&row.also_right).any(|it| is_same(it, label)),
        };
        !(self.wrong && row.is_correct())
            && (!self.changed || row.is_changed())
            && self.label.as_ref().is_none_or(has_label)
    }
}

fn is_same(one: &str, other: &str) -> bool {
    label_form(one) == label_form(other)
}

fn known_label(task: &Task, label: &str) -> Result<String, RowsError> {
    let unknown = |known: &[&str]| {
        Err(RowsError::UnknownLabel { label: label.to_owned(), help: hint(label, known) })
    };
    if let Some(scorer) = task.scorers.label_scorer() {
        let known: Vec<&str> = scorer.labels().iter().map(String::as_str).collect();
        return scorer.label_of(label).map_or_else(|| unknown(&known), |it| Ok(it.to_owned()));
    }
    let rows = task.visible_rows();
    let answers = rows.iter().flat_map(|row| task.scorers.right_answers(row));
    let known: BTreeSet<String> = answers.map(|it| value_text(&it).into_owned()).collect();
    match known.iter().find(|it| is_same(it, label)) {
        Some(known) => Ok(known.clone()),
        None => unknown(&known.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

/// Checks that the rows of a task have a column.
pub(super) fn check_column(task: &Task, column: &str) -> Result<(), RowsError> {
    let rows = task.visible_rows();
    let known: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.columns.keys()).map(String::as_str).collect();
    match known.contains(column) {
        true => Ok(()),
        false => Err(RowsError::UnknownColumn {
            column: column.to_owned(),
            help: hint(column, &known.into_iter().collect::<Vec<_>>()),
        }),
    }
}

/// What was meant, or some of the names that there are.
fn hint(typed: &str, known: &[&str]) -> String {
    if let Some(name) = text::did_you_mean(typed, known.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    let shown: Vec<String> =
        known.iter().take(MOST_NAMES).map(|it| text::shorten(it, 40)).collect();
    let more = match known.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("known: {}{more}", shown.join(", "))
}
