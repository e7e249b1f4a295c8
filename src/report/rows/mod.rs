//! The rows of train or dev with what a prompt answered to them, and what the answers have in common.
//!
//! Held-out rows are not shown: who looks at their answers chooses by them. An evaluation of them shows them on purpose;
//! its rows are the dev rows of its run.

mod row; // One row with its answer.
mod query; // Which rows are asked for.
mod group; // The scores of some rows.
mod labels; // How labels fare.
mod page; // For people.
#[cfg(test)]
mod tests;

pub use group::{RowGroupScore, Slice};
pub use labels::{Confusion, LabelScore};
pub use page::rows_page;
pub use query::{RowFilter, RowsError, RowsQuery};
pub(super) use row::input_of;
pub use row::{AnsweredRow, BaselineAnswer};

use super::Report;
use crate::id::{CandidateIx, RowIx};
use crate::journal::Events;
use crate::run::{RunKind, answers};
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::task::example::{Example, Split, VisibleSplit};
use crate::task::model::ModelRole;
use serde::Serialize;

/// The rows that a prompt was asked, with its answers.
#[derive(Clone, Debug, Serialize)]
pub struct AnsweredRows {
    /// The version of this format.
    pub schema: u32,
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// The run.
    pub run: String,
    /// The model that was asked, as `provider/model`.
    pub model: String,
    /// The prompt's id.
    pub candidate: String,
    /// Its number.
    pub candidate_number: u32,
    /// Which prompt of the run it is.
    pub prompt: PromptRole,
    /// The split; for an evaluation what it asked: a split, or `all`.
    pub split: String,
    /// How many rows the split has; a search asks the more promising prompts more of them.
    pub split_rows: usize,
    /// Over all rows that it was asked, whatever the filter.
    pub all: RowGroupScore,
    /// How many of these the baseline has no answer to.
    pub without_baseline: usize,
    /// What the label scorer's answers have in common; empty without one.
    pub labels: Vec<LabelScore>,
    /// How often a row's label was answered with which: the confusion matrix, without zeros.
    pub confusions: Vec<Confusion>,
    /// The column of the slices.
    pub by: Option<String>,
    /// Rows by the values of this column, the largest group first.
    pub slices: Vec<Slice>,
    /// Which rows follow.
    pub filter: RowFilter,
    /// The rows that the filter keeps, in the order of the data.
    pub rows: Vec<AnsweredRow>,
}

/// Which prompt of a run it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptRole {
    /// The one that the search began with.
    Baseline,
    /// Another one of a search.
    Candidate,
    /// The only one of an evaluation.
    Evaluated,
}

/// The rows that a candidate was asked, from the run's events.
///
/// # Errors
/// The events cannot be read, or the run has no such rows.
pub fn answered_rows<'a>(
    report: &Report<'_>,
    events: impl Into<Events<'a>>,
    query: &RowsQuery,
) -> Result<AnsweredRows, RowsError> {
    let (task, state) = (report.task, &report.history.state);
    let candidate = query.candidate;
    let kind = report.run_file.map_or(RunKind::Search, |file| file.kind);
    let (split, split_name) = split_of(kind, query.split)?;
    let prompt = match kind {
        RunKind::Evaluation { .. } => PromptRole::Evaluated,
        _ if candidate == CandidateIx::BASELINE => PromptRole::Baseline,
        RunKind::Comparison { .. } | RunKind::Search => PromptRole::Candidate,
    };
    if query.filter.changed && prompt != PromptRole::Candidate {
        let prompt = if prompt == PromptRole::Baseline { "the baseline" } else { "the prompt" };
        return Err(RowsError::NoBaseline { prompt });
    }
    if let Some(column) = &query.by {
        query::check_column(task, column)?;
    }
    let filter = query.filter.for_task(task)?;

    let mut both = vec![candidate];
    both.extend((prompt == PromptRole::Candidate).then_some(CandidateIx::BASELINE));
    let answers = answers(events, task, state, &both, split)?;
    let examples = task.splits.visible(split);
    let mut asked: Vec<(&Example, AnsweredRow)> = (0..)
        .map(RowIx)
        .zip(examples)
        .filter_map(|(row, example)| {
            let own = answers.get(&(candidate, row))?;
            let baseline = answers.get(&(CandidateIx::BASELINE, row));
            let baseline = baseline.filter(|_| prompt == PromptRole::Candidate);
            Some((example, AnsweredRow::of(task, example, own, baseline)))
        })
        .collect();

    // Figures are those of the summary, which takes rows in the order in which they are asked.
    let seed = Seed(report.summary.seed);
    let rows: Vec<&AnsweredRow> = asked.iter().map(|(_, row)| row).collect();
    let all = RowGroupScore::of(rows.iter().copied(), seed);
    let rows_without_baseline = rows.iter().filter(|row| row.baseline.is_none()).count();
    let scorer = task.scorers.label_scorer();
    let labels = scorer.map(|it| labels::scores(it.labels(), &rows, seed));
    let confusions = scorer.map(|_| labels::confusions(&rows));
    let slices = query.by.as_ref().map(|column| group::slices(column, &asked, seed));
    asked.sort_by_key(|(example, _)| (example.file, example.line));
    let standing = state.candidates.get(candidate.index());
    Ok(AnsweredRows {
        schema: 1,
        score_form: task.score_form(),
        run: report.summary.run.clone(),
        model: task.model(ModelRole::Task).map_or_else(String::new, |it| it.name.to_string()),
        candidate: standing.map_or_else(String::new, |it| it.candidate.id.to_string()),
        candidate_number: candidate.0,
        prompt,
        split: split_name,
        split_rows: examples.len(),
        without_baseline: match prompt {
            PromptRole::Candidate => rows_without_baseline,
            PromptRole::Baseline | PromptRole::Evaluated => 0,
        },
        all,
        labels: labels.unwrap_or_default(),
        confusions: confusions.unwrap_or_default(),
        by: query.by.clone(),
        slices: slices.unwrap_or_default(),
        rows: asked.into_iter().map(|(_, row)| row).filter(|row| filter.keeps(row)).collect(),
        filter,
    })
}

/// Where the rows are in the task, and what they are called.
fn split_of(
    kind: RunKind,
    asked: Option<VisibleSplit>,
) -> Result<(VisibleSplit, String), RowsError> {
    let (RunKind::Comparison { split: evaluated } | RunKind::Evaluation { split: evaluated }) =
        kind
    else {
        let split = asked.unwrap_or(VisibleSplit::Dev);
        return Ok((split, Split::from(split).to_string()));
    };
    let name = evaluated.map_or_else(|| "all".to_owned(), |split| split.to_string());
    match asked.map(Split::from) {
        Some(asked) if Some(asked) != evaluated => {
            Err(RowsError::OtherSplit { asked, evaluated: name })
        }
        _ => Ok((VisibleSplit::Dev, name)),
    }
}
