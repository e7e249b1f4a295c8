//! Prompts on the same rows: whether one is better than another, and on which rows.
//!
//! The first prompt is A; each of the others is compared with it, row by row. There are two claims. One is made once, of a
//! number of rows that was set before ([`Basis::Fixed`]). The other is made after each row and is right at all of them at
//! once, so that asking may stop when it is decided ([`SequentialTest`](crate::stats::SequentialTest)). Not for units of real traffic, of which each saw one prompt.

// A file uses only files declared above it.
mod pair;
mod changed;
mod analysis;
mod page;
mod asked;

pub use asked::{NotShown, of_run};
pub use changed::{ChangedRow, ChangedRows};
pub use page::page;

use crate::event::StopReason;
use crate::prompt::value_text;
use crate::run::Status;
use crate::score_form::ScoreForm;
use crate::seed::Seed;
use crate::stats::sequential::EValues;
use crate::stats::{Decision, Interval, Level, TestName, Tested};
use crate::task::example::{Example, MustPassResult};
use serde::Serialize;

/// The version of this format.
pub const SCHEMA: u32 = 1;

/// What decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// All rows were there before anything was compared.
    Fixed,
    /// Rows came one after the other, until it was decided.
    Sequential,
}

/// What is known before the first row.
#[derive(Clone, Debug)]
pub struct PairedDesign {
    /// How scores are written for people.
    pub score_form: ScoreForm,
    /// What decides.
    pub basis: Basis,
    /// The names of the prompts, A first.
    pub names: Vec<String>,
    /// Differences up to this, in (0, 1), count as none.
    pub margin: Option<f64>,
    /// The one-sided level, which all prompts that are compared with A share.
    pub level: Level,
    /// Where all rows are there before: of the order in which they are gone through one by one.
    pub seed: Seed,
    /// Columns by whose values rows are divided.
    pub slices: Vec<String>,
    /// How many changed rows are listed, better ones and worse ones each.
    pub listed: usize,
}

/// A row with what each prompt got.
#[derive(Clone, Debug)]
pub struct PairedRow {
    /// Its id.
    pub id: String,
    /// How much it counts, above 0.
    pub weight: f64,
    /// Whether a prompt that does not get it wholly right is no replacement.
    pub must_pass: bool,
    /// The right answer, for people.
    pub expected: String,
    /// Its values in the columns of the slices.
    pub slices: Vec<Option<String>>,
    /// One for each prompt; `None` where it has no answer.
    pub answers: Vec<Option<RowScore>>,
}

/// What a prompt got for a row.
#[derive(Clone, Debug)]
pub struct RowScore {
    /// In [0, 1]; the mean, where the row was asked several times.
    pub score: f64,
    /// The answer, where it is known.
    pub answer: Option<String>,
    /// Whether the answer is invalid.
    pub is_invalid: bool,
    /// What it cost live, in dollars, where that is known.
    pub usd: Option<f64>,
    /// How long it took, where that is known.
    pub milliseconds: Option<f64>,
    /// Where the row was asked several times: whether the scores differ.
    pub flips: Option<bool>,
}

impl RowScore {
    /// A score with the answer, where that is known.
    #[must_use]
    pub fn recorded(score: f64, answer: Option<String>, is_invalid: bool) -> Self {
        Self { score, answer, is_invalid, usd: None, milliseconds: None, flips: None }
    }
}

/// Prompts on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbTest {
    /// How scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// The version of this format.
    pub schema: u32,
    /// The task's name.
    pub task: String,
    /// What decides.
    pub basis: Basis,
    /// The rows that there are.
    pub rows: usize,
    /// Differences up to this count as none.
    pub margin: Option<f64>,
    /// The look at these rows, and its one-sided level before it is shared.
    pub look: Level,
    /// The random seed of the order.
    pub seed: Seed,
    /// The run that asked the prompts; `None` for answers that were recorded elsewhere.
    pub run: Option<AskedRun>,
    /// The prompts, A first.
    pub prompts: Vec<AbPrompt>,
    /// The others beside A.
    pub comparisons: Vec<AbComparison>,
}

/// The run that asked the prompts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AskedRun {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// Why it ended.
    pub stop_reason: Option<StopReason>,
    /// The flag with which it goes on, where a cap ended it.
    pub more: Option<String>,
    /// Calls made.
    pub calls: u64,
    /// Dollars spent.
    pub usd: f64,
    /// That simulated models answered, if any did.
    pub simulated: Option<&'static str>,
    /// That the scores are those of a judge who was not compared with people, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
}

/// A prompt by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbPrompt {
    /// Its name.
    pub name: String,
    /// Its mean score.
    pub quality: Option<Interval>,
    /// Answers that are invalid.
    pub invalid: usize,
    /// What the rows that must pass, of those with an answer, say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_pass: Option<MustPassResult>,
    /// What 1,000 calls cost, in dollars.
    pub usd_per_1k: Option<Interval>,
    /// How long half of the answers took at most, in milliseconds.
    pub latency_ms: Option<Interval>,
    /// Of the rows that were asked several times, the share whose scores differ.
    pub flips: Option<f64>,
}

/// A prompt beside A.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbComparison {
    /// Its name.
    pub name: String,
    /// What is decided.
    pub decision: Decision,
    /// Rows on which both have a score, of those that count.
    pub rows: usize,
    /// Its mean score less that of A, with a 95 % interval; one that is right after any number of rows, where rows came one by one.
    pub difference: Interval,
    /// The same at the level that decides, where that is another one.
    pub tested: Option<Tested>,
    /// How many rows of these weights show this difference in 80 % of cases at the level that decides; only where all rows were
    /// there before, and none where the means are equal.
    #[serde(skip)]
    pub rows_needed: Option<usize>,
    /// Rows on which its score is higher.
    pub better: usize,
    /// Rows on which it is lower.
    pub worse: usize,
    /// The two-sided p-value of no difference; only where all rows were there before.
    pub p_value: Option<f64>,
    /// The test that gave it.
    pub test: Option<TestName>,
    /// What 1,000 of its calls cost more than those of A, in dollars, paired.
    pub usd_per_1k: Option<Interval>,
    /// Row by row.
    pub sequential: RowByRow,
    /// By values of columns.
    pub slices: Vec<Slice>,
    /// Rows whose score changed.
    pub changed: ChangedRows,
}

/// What rows say that are looked at after each of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowByRow {
    /// What they decide.
    pub decision: Decision,
    /// After how many rows.
    pub decided_after: Option<usize>,
    /// The e-values then, or after the last row.
    pub e_values: EValues,
    /// What has to be reached.
    pub e_value_needed: f64,
    /// The difference then, with an interval that is right after any number of rows, at the level that decides.
    pub difference: Interval,
}

/// The rows with one value of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// Rows.
    pub rows: usize,
    /// The difference, at a level that all slices share.
    pub difference: Interval,
    /// What it decides.
    pub decision: Decision,
}

/// The name by which the right answer divides rows.
pub const ANSWER: &str = "answer";

/// A row's value in a column, as a slice is named.
#[must_use]
pub fn slice_of(row: &Example, column: &str) -> Option<String> {
    let value = row.columns.get(column).or((column == ANSWER).then_some(&row.answer))?;
    (!value.is_null()).then(|| value_text(value).into_owned())
}

#[cfg(test)]
mod tests;
