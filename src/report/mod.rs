//! A finished or running search, explained.
//!
//! Everything here is made from events: nothing is measured twice, and nothing is remembered.
//! The summary and the history of a run are what programs read; `terminal`, `markdown` and `html` say
//! the same to people, out of one set of `findings`. Held-out rows appear as means only, never by name.

mod words; // Money, intervals, diffs: how they look, wherever they are shown.
mod verdict; // What was shown and what was not, in words.
mod findings; // The tables.
mod plot; // The two plots.
mod terminal;
mod strategy; // Recipes, listed and explained.
pub mod explain; // One candidate, from its parents to its children.
mod markdown;
mod html;

#[cfg(test)]
mod example;

pub use html::html;
pub use markdown::markdown;
pub use strategy::{Listed, list as strategies_list, strategy as strategy_page};
pub use terminal::{end_of_run, status_line};

use crate::run::{History, LoadedRun, RunFile, Summary};
use crate::task::Task;
use std::path::Path;

/// All that is known of a run: what every report is made from.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// What programs read.
    pub summary: &'a Summary,
    /// The folded journal.
    pub history: &'a History,
    /// The task as the run froze it.
    pub task: &'a Task,
    /// The run's folder.
    pub folder: &'a Path,
    /// What the run was started with, where it can still be read.
    pub run_file: Option<&'a RunFile>,
}

impl<'a> From<&'a LoadedRun> for Report<'a> {
    fn from(run: &'a LoadedRun) -> Self {
        Self {
            summary: &run.summary,
            history: &run.history,
            task: &run.task,
            folder: run.dir.path(),
            run_file: Some(&run.file),
        }
    }
}

impl Report<'_> {
    /// The run as the command line takes it: its name under `results`, elsewhere its folder.
    fn handle(&self) -> String {
        let is_default = self.folder == Path::new("results").join(&self.summary.run);
        let handle =
            if is_default { self.summary.run.clone() } else { self.folder.display().to_string() };
        words::shell_word(&words::visible_line(&handle))
    }

    /// Whether another prompt than the seed came out on top.
    fn has_winner(&self) -> bool {
        match (&self.summary.baseline, &self.summary.best) {
            (Some(baseline), Some(best)) => baseline.candidate != best.candidate,
            _ => false,
        }
    }
}
