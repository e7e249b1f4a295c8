//! The rows of train or dev with what a prompt answered to them, and what the answers have in common.
//!
//! Held-out rows are not shown: who looks at their answers chooses by them.

use super::Report;
use super::words::visible_line;
use crate::id::{CandidateIx, RowIx};
use crate::journal::JournalError;
use crate::prompt::value_text;
use crate::run::{RowAnswer, answers};
use crate::seed::Seed;
use crate::stats::{Interval, interval};
use crate::task::Task;
use crate::task::example::{Example, Split};
use crate::text;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// An answer that names no label, or several.
const NO_LABEL: &str = "–";

/// Which rows are shown.
#[derive(Clone, Debug, Default)]
pub struct RowFilter {
    /// Those that are not wholly right.
    pub wrong: bool,
    /// Those on which the baseline has another score.
    pub changed: bool,
    /// Those with this expected answer.
    pub label: Option<String>,
}

/// The rows that a prompt was asked, with its answers.
#[derive(Clone, Debug, Serialize)]
pub struct AnsweredRows {
    /// The version of this format.
    pub schema: u32,
    /// The run.
    pub run: String,
    /// The prompt's id.
    pub candidate: String,
    /// Its number.
    pub number: u32,
    /// Whether it is the baseline.
    pub is_baseline: bool,
    /// The split.
    pub split: Split,
    /// How many rows the split has; a search asks the more promising prompts more of them.
    pub split_rows: usize,
    /// Over all rows that it was asked.
    pub all: RowGroupScore,
    /// What the label scorer's answers have in common; empty without one.
    pub labels: Vec<LabelScore>,
    /// How often a row's label was answered with which: the confusion matrix, without zeros.
    pub confusions: Vec<Confusion>,
    /// Rows by the values of a column, the largest group first.
    pub slices: Vec<Slice>,
    /// The rows that the filter keeps, in the order of the data.
    pub rows: Vec<AnsweredRow>,
}

/// The scores of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowGroupScore {
    /// How many rows.
    pub rows: usize,
    /// How many of them are wholly right.
    pub right: usize,
    /// How many answers cannot be read.
    pub invalid: usize,
    /// The mean score with its 95 % interval; null without rows.
    pub score: Option<Interval>,
    /// The baseline's mean score on those of these rows that it was asked.
    pub baseline: Option<f64>,
}

/// How a label fares.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// How many rows have it.
    pub rows: usize,
    /// How many answers name it.
    pub said: usize,
    /// Of the rows that have it, the share whose answer names it, with its 95 % interval (Wilson).
    pub recall: Option<Interval>,
    /// Of the answers that name it, the share whose row has it.
    pub precision: Option<Interval>,
}

/// A cell of the confusion matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// The row's label.
    pub expected: String,
    /// The label that the answer names; `–` for none or several.
    pub said: String,
    /// In how many rows.
    pub count: usize,
}

/// The rows that have the same value in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// The value.
    pub value: String,
    /// Its scores.
    #[serde(flatten)]
    pub score: RowGroupScore,
}

/// A row with its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnsweredRow {
    /// The row's id.
    pub id: String,
    /// The line of its file.
    pub line: usize,
    /// What the prompt shows of it.
    pub input: String,
    /// A right answer, if the row has one.
    pub expected: Option<String>,
    /// The answer.
    pub answer: String,
    /// What it is worth, in [0, 1].
    pub score: f64,
    /// Why it cannot be read, if so.
    pub invalid: Option<String>,
    /// What the scorer says about it.
    pub feedback: Option<String>,
    /// Further metrics.
    pub metrics: BTreeMap<String, f64>,
    /// What the call cost.
    pub usd: f64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Answer tokens.
    pub completion_tokens: u64,
    /// How long the answer took.
    pub milliseconds: u32,
    /// The baseline's answer to the same row.
    pub baseline: Option<BaselineAnswer>,
}

/// What the baseline made of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineAnswer {
    /// Its answer.
    pub answer: String,
    /// What it is worth.
    pub score: f64,
}

/// The rows that a candidate was asked, from the run's events. `by` names a column whose values make slices.
///
/// # Errors
/// The events cannot be read.
pub fn answered_rows(
    report: &Report<'_>,
    events: &Path,
    candidate: CandidateIx,
    split: Split,
    filter: &RowFilter,
    by: Option<&str>,
) -> Result<AnsweredRows, JournalError> {
    let state = &report.history.state;
    let both = [candidate, CandidateIx::BASELINE];
    let answers = answers(events, report.task, state, &both, split)?;
    let examples = match split {
        Split::Train => report.task.splits.train.as_slice(),
        Split::Dev => report.task.splits.dev.as_slice(),
        Split::Hold => &[],
    };
    let asked: Vec<(&Example, AnsweredRow)> = (0..)
        .map(RowIx)
        .zip(examples)
        .filter_map(|(row, example)| {
            let own = answers.get(&(candidate, row))?;
            let baseline = answers.get(&(CandidateIx::BASELINE, row));
            Some((example, answered_row(report.task, example, own, baseline)))
        })
        .collect();
    let (labels, confusions) = labels(report.task, &asked);
    let standing = state.candidates.get(candidate.index());
    Ok(AnsweredRows {
        schema: 1,
        run: report.summary.run.clone(),
        candidate: standing.map_or_else(String::new, |it| it.candidate.id.to_string()),
        number: candidate.0,
        is_baseline: candidate == CandidateIx::BASELINE,
        split,
        split_rows: examples.len(),
        all: score_of(asked.iter().map(|(_, row)| row)),
        labels,
        confusions,
        slices: by.map(|column| slices(column, &asked)).unwrap_or_default(),
        rows: asked.into_iter().map(|(_, row)| row).filter(|row| filter.keeps(row)).collect(),
    })
}

impl RowFilter {
    fn keeps(&self, row: &AnsweredRow) -> bool {
        let is_changed = || row.baseline.as_ref().is_some_and(|before| before.score != row.score);
        let has_label = |label: &String| row.expected.as_ref() == Some(label);
        !(self.wrong && row.is_right())
            && (!self.changed || is_changed())
            && self.label.as_ref().is_none_or(has_label)
    }
}

impl AnsweredRow {
    /// Whether the score is 1.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.score >= 1.0
    }
}

fn answered_row(
    task: &Task,
    example: &Example,
    own: &RowAnswer,
    baseline: Option<&RowAnswer>,
) -> AnsweredRow {
    let expected = value_text(&task.scorers.right_answer(example)).into_owned();
    let usage = own.answered.usage();
    AnsweredRow {
        id: example.id.to_string(),
        line: example.line,
        input: input_of(task, example),
        expected: (!expected.trim().is_empty()).then_some(expected),
        answer: own.answered.text.clone(),
        score: own.verdict.score.value(),
        invalid: own.verdict.invalid.clone(),
        feedback: own.verdict.feedback.clone(),
        metrics: own.verdict.metrics.clone(),
        usd: own.answered.usd.dollars(),
        prompt_tokens: usage.prompt().0,
        completion_tokens: usage.answer().0,
        milliseconds: own.answered.ms,
        baseline: baseline.map(|it| BaselineAnswer {
            answer: it.answered.text.clone(),
            score: it.verdict.score.value(),
        }),
    }
}

/// The columns that prompts show: the value of one, or each with its name.
fn input_of(task: &Task, example: &Example) -> String {
    let shown: Vec<(&String, String)> = task
        .layout
        .shown_columns()
        .iter()
        .filter_map(|name| Some((name, value_text(example.columns.get(name)?).into_owned())))
        .collect();
    match shown.as_slice() {
        [(_, value)] => value.clone(),
        several => {
            let lines = several.iter().map(|(name, value)| format!("{name}: {value}"));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

/// The same rows give the same interval.
const SEED: Seed = Seed(0x726f_7773);

fn score_of<'a>(rows: impl Iterator<Item = &'a AnsweredRow>) -> RowGroupScore {
    let rows: Vec<&AnsweredRow> = rows.collect();
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let before: Vec<f64> =
        rows.iter().filter_map(|row| row.baseline.as_ref()).map(|it| it.score).collect();
    RowGroupScore {
        rows: rows.len(),
        right: rows.iter().filter(|row| row.is_right()).count(),
        invalid: rows.iter().filter(|row| row.invalid.is_some()).count(),
        score: interval::of_scores(&scores, SEED),
        baseline: (!before.is_empty()).then(|| before.iter().sum::<f64>() / before.len() as f64),
    }
}

/// How each label fares, and which are taken for which.
fn labels(task: &Task, rows: &[(&Example, AnsweredRow)]) -> (Vec<LabelScore>, Vec<Confusion>) {
    let Some(scorer) = task.scorers.label_scorer() else { return (Vec::new(), Vec::new()) };
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, row) in rows {
        let expected = row.expected.as_deref().and_then(|it| scorer.label_in(it));
        let said = scorer.label_in(&row.answer);
        *counts.entry((expected.unwrap_or(NO_LABEL), said.unwrap_or(NO_LABEL))).or_default() += 1;
    }
    let sum = |is: &dyn Fn(&str, &str) -> bool| -> usize {
        let those = counts.iter().filter(|((expected, said), _)| is(expected, said));
        those.map(|(_, count)| count).sum()
    };
    let of = |label: &String| {
        let both = sum(&|expected, said| expected == label && said == label);
        let rows = sum(&|expected, _| expected == label);
        let said = sum(&|_, said| said == label);
        let (recall, precision) = (interval::wilson(both, rows), interval::wilson(both, said));
        LabelScore { label: label.clone(), rows, said, recall, precision }
    };
    let scores = scorer.labels().iter().map(of).collect();
    let confusions = counts
        .iter()
        .map(|((expected, said), count)| Confusion {
            expected: (*expected).to_owned(),
            said: (*said).to_owned(),
            count: *count,
        })
        .collect();
    (scores, confusions)
}

fn slices(column: &str, rows: &[(&Example, AnsweredRow)]) -> Vec<Slice> {
    let mut groups: BTreeMap<String, Vec<&AnsweredRow>> = BTreeMap::new();
    for (example, row) in rows {
        let value = example.columns.get(column).map(value_text).unwrap_or_default();
        let value = text::shorten(&visible_line(&value), 60);
        groups.entry(value).or_default().push(row);
    }
    let mut slices: Vec<Slice> = groups
        .into_iter()
        .map(|(value, rows)| Slice { value, score: score_of(rows.into_iter()) })
        .collect();
    slices.sort_by(|a, b| b.score.rows.cmp(&a.score.rows).then_with(|| a.value.cmp(&b.value)));
    slices
}
