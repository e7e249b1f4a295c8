//! A row with what a prompt answered to it.

use crate::event::Step;
use crate::prompt::value_text;
use crate::report::paired::RowChange;
use crate::run::RowAnswer;
use crate::task::Task;
use crate::task::example::Example;
use serde::Serialize;
use std::collections::BTreeMap;

/// A row with its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AnsweredRow {
    /// The row's id.
    pub id: String,
    /// The line of its file, from 1.
    pub line: usize,
    /// What the prompt shows of it.
    pub input: String,
    /// A right answer, if the row has one.
    pub expected: Option<String>,
    /// The other right answers, where it has several.
    pub also_right: Vec<String>,
    /// With a `label` scorer, the label that the row counts for: of several right ones the one that was answered, else
    /// the first.
    pub label: Option<String>,
    /// The label that the answer names; null for none or several.
    pub predicted: Option<String>,
    /// The answer.
    pub answer: String,
    /// How a target came to it, step by step; left out where nothing is known of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trajectory: Vec<Step>,
    /// What it is worth, in [0, 1].
    pub score: f64,
    /// How much the row counts in a mean score, as the data say it: 1 for each where they say nothing.
    pub weight: f64,
    /// Whether that is more or less than the baseline's; null where the baseline has no answer, and in its own rows.
    pub change: Option<RowChange>,
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
    /// The baseline's answer to the same row; null in its own rows.
    pub baseline: Option<BaselineAnswer>,
}

/// What the baseline made of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineAnswer {
    /// Its answer.
    pub answer: String,
    /// What it is worth, in [0, 1].
    pub score: f64,
    /// Whether it names a right label; false without a `label` scorer.
    #[serde(skip)]
    pub names_label: bool,
}

impl AnsweredRow {
    pub(super) fn of(
        task: &Task,
        example: &Example,
        own: &RowAnswer,
        baseline: Option<&RowAnswer>,
    ) -> Self {
        let usage = own.answered.usage();
        let mut right: Vec<String> = Vec::new();
        for answer in task.scorers.right_answers(example) {
            let text = value_text(&answer).into_owned();
            if !text.trim().is_empty() && !right.contains(&text) {
                right.push(text);
            }
        }
        let scorer = task.scorers.label_scorer();
        let labels = scorer.map(|it| it.right_labels(example)).unwrap_or_default();
        let named = |answer: &str| scorer.and_then(|it| it.label_in(answer));
        let is_right = |label: &&str| labels.contains(label);
        let predicted = named(&own.answered.text);
        let label = predicted.filter(is_right).or(labels.first().copied());
        let score = own.score;
        let baseline = baseline.map(|it| BaselineAnswer {
            answer: it.answered.text.clone(),
            score: it.score,
            names_label: named(&it.answered.text).is_some_and(|label| is_right(&label)),
        });
        let mut right = right.into_iter();
        Self {
            id: example.id.to_string(),
            line: example.line,
            input: input_of(task, example),
            expected: right.next(),
            also_right: right.collect(),
            label: label.map(str::to_owned),
            predicted: predicted.map(str::to_owned),
            answer: own.answered.text.clone(),
            trajectory: own.answered.trajectory.clone(),
            score,
            weight: example.weight,
            change: baseline.as_ref().map(|before| RowChange::between(before.score, score)),
            invalid: own.verdict.invalid.clone(),
            feedback: own.verdict.feedback.clone(),
            metrics: own.verdict.metrics.clone(),
            usd: own.answered.usd.dollars(),
            prompt_tokens: usage.prompt().0,
            completion_tokens: usage.answer().0,
            milliseconds: own.answered.ms,
            baseline,
        }
    }

    /// Whether the score is 1.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.score >= 1.0
    }

    /// Whether the score is another one than the baseline's.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.change.is_some_and(|change| change != RowChange::Same)
    }
}

/// The columns that prompts show: the value of one, or each with its name.
pub(in crate::report) fn input_of(task: &Task, example: &Example) -> String {
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
