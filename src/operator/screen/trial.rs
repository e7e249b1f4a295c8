//! The trait of a recipe's screens, and what they are given.

use crate::operator::ask::Refusal;
use crate::prompt::{Layout, Prompt};
use crate::state::Facts;
use crate::task::example::Example;
use crate::vector::ComparedText;
use std::fmt::Debug;

/// Bytes of one token where a limit on tokens meets a text whose tokens are not counted: the usual
/// figure for English.
const BYTES_PER_TOKEN: f64 = 4.0;

/// What of a task screens look at: never a held-out row, which no mutator has seen.
#[derive(Clone, Copy, Debug)]
pub struct ScreenedTask<'a> {
    /// The most tokens of a prompt without the row.
    pub max_tokens: u64,
    /// The labels that the task's scorers know.
    pub labels: &'a [String],
    /// The rows that must not be copied.
    pub rows: &'a [&'a Example],
    /// The task's own prompt.
    pub baseline: &'a Prompt,
}

/// A new prompt.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// The prompt.
    pub prompt: &'a Prompt,
    /// The prompt without its demonstrations.
    pub texts: &'a Prompt,
    /// Its first parent.
    pub parent: &'a Prompt,
    /// The task's layout.
    pub layout: &'a Layout,
    /// The run so far.
    pub facts: &'a Facts,
}

/// A kind of screen.
pub trait Screen: Debug + Send + Sync {
    /// The screen made ready for a task; `None`: it refuses nothing by itself.
    fn trial(&self, task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        let _ = task;
        None
    }

    /// Which text of a prompt it compares with those of others.
    fn compares(&self) -> Option<ComparedText> {
        None
    }

    /// The most children of one parent in one generation that are tried.
    fn most_children(&self) -> Option<usize> {
        None
    }

    /// How often in all an operator is used for a child that is new.
    fn attempts(&self) -> Option<u8> {
        None
    }
}

/// A screen that is ready for a task.
pub trait Trial: Debug + Send {
    /// Whether it says how near two texts are.
    fn compares_texts(&self) -> bool {
        false
    }

    /// Refuses a prompt, or lets it pass.
    ///
    /// # Errors
    /// The reason to refuse it.
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal>;
}

/// Tokens of a prompt as it is sent, without the row, as far as a text's length tells.
pub(super) fn estimated_tokens(layout: &Layout, prompt: &Prompt) -> f64 {
    layout.bytes_without_row(prompt) as f64 / BYTES_PER_TOKEN
}
