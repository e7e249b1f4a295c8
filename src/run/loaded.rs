//! A run, read from its files, whether or not a process works on it.

use super::dir::{RUN_FILE, RunDir, SUMMARY_FILE};
use super::error::RunError;
use super::file::RunFile;
use super::history::History;
use super::invalid::InvalidOfRun;
use super::summary::{Status, Summary};
use crate::caps::Caps;
use crate::memory::State;
use crate::operator::Operator;
use crate::recipe::{self, Recipe};
use crate::state::{Named, Phase};
use crate::task::Task;
use std::sync::Arc;

/// A run that was read from its files.
pub struct LoadedRun {
    /// Its folder.
    pub dir: RunDir,
    /// The content of its `run.json`.
    pub file: RunFile,
    /// Its recipe; `None` where this version, or this program, does not know a kind of it.
    pub recipe: Option<Recipe>,
    /// Its task.
    pub task: Task,
    /// Its history so far.
    pub history: History,
    /// Its summary so far.
    pub summary: Summary,
    /// Why answers of it are invalid.
    pub invalid: InvalidOfRun,
}

impl LoadedRun {
    /// Reads the plain copy of the journal, because a running process may hold the journal itself.
    pub(super) fn read(
        dir: RunDir,
        file: RunFile,
        task: Task,
        operators: &[Arc<dyn Operator>],
    ) -> Result<Self, RunError> {
        let recipe = recipe::parse_with(&dir.file(RUN_FILE), &file.recipe, operators).ok();
        if !dir.events().exists() && dir.file("journal").is_dir() && !dir.is_running() {
            return Err(RunError::NoEvents(file.run.to_string()));
        }
        let history = History::read(&dir.events(), Named::of(&task))?;
        check_emptied(&dir, &file, history.state.phase == Phase::New)?;
        let status = status(&dir, &history.state);
        let (info, running) = (file.info(), history.running());
        let mut summary =
            Summary::of(&info, &task, &history.state, &history.wallet, running, status);
        if status == Status::Running {
            // Only the process that works on the run knows.
            let last = dir.read_json::<Summary>(SUMMARY_FILE).ok();
            summary.waiting = last.and_then(|last| last.waiting);
        }
        let invalid = InvalidOfRun::read(&dir.events(), &task, &history.state)?;
        Ok(Self { dir, file, recipe, task, history, summary, invalid })
    }
}

impl LoadedRun {
    /// What the run may spend.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.history.state.caps.unwrap_or(self.file.caps)
    }
}

/// Refuses a run whose journal is empty although it had paid for calls, by its summary.
pub(super) fn check_emptied(dir: &RunDir, file: &RunFile, is_empty: bool) -> Result<(), RunError> {
    let paid = || {
        dir.read_json::<Summary>(SUMMARY_FILE)
            .is_ok_and(|last| last.spent.by_role.values().any(|role| role.calls > 0))
    };
    if is_empty && paid() { Err(RunError::Emptied(file.run.to_string())) } else { Ok(()) }
}

fn status(dir: &RunDir, state: &State) -> Status {
    if state.phase == Phase::Over {
        Status::Finished
    } else if dir.is_running() {
        Status::Running
    } else {
        Status::Interrupted
    }
}
