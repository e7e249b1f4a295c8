//! A run as its files show it, whether or not a process works on it.

use super::dir::RunDir;
use super::error::RunError;
use super::file::RunFile;
use super::history::History;
use super::summary::{Status, Summary};
use super::wiring::dev_rows;
use crate::memory::State;
use crate::state::Phase;
use crate::task::Task;

/// A run, read.
pub struct LoadedRun {
    /// Its folder.
    pub dir: RunDir,
    /// What it was started with.
    pub file: RunFile,
    /// Its task.
    pub task: Task,
    /// What happened so far.
    pub history: History,
    /// What is known of it so far.
    pub summary: Summary,
}

impl LoadedRun {
    /// Reads the journal's plain copy, never what a running process holds.
    pub(super) fn read(dir: RunDir, file: RunFile, task: Task) -> Result<Self, RunError> {
        let history = History::read(&dir.events(), dev_rows(&task))?;
        let status = status(&dir, &history.state);
        let (info, running) = (file.info(), history.running());
        let summary = Summary::of(&info, &task, &history.state, &history.wallet, running, status);
        Ok(Self { dir, file, task, history, summary })
    }
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
