//! Keeps `summary.json` and `best/` up to date while a search runs.

use super::dir::RunDir;
use super::file::RunInfo;
use super::summary::{Status, Summary};
use crate::engine::CallRunner;
use crate::event::Event;
use crate::id::EventNumber;
use crate::memory::{Observer, State};
use crate::task::Task;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The interval between two writes of the summary.
const EVERY: Duration = Duration::from_secs(2);

/// Writes the summary from time to time.
pub(super) struct SummaryWriter {
    dir: RunDir,
    info: RunInfo,
    task: Arc<Task>,
    runner: Arc<CallRunner>,
    last: Option<Instant>,
}

impl SummaryWriter {
    pub(super) fn new(
        dir: RunDir,
        info: RunInfo,
        task: Arc<Task>,
        runner: Arc<CallRunner>,
    ) -> Self {
        Self { dir, info, task, runner, last: None }
    }
}

impl Observer for SummaryWriter {
    fn observe(&mut self, _number: EventNumber, _event: &Event, state: &State) {
        self.write(state);
    }

    fn tick(&mut self, state: &State) {
        self.write(state);
    }
}

impl SummaryWriter {
    fn write(&mut self, state: &State) {
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        let running = self.runner.running();
        let wallet = self.runner.wallet().clone();
        let status = Status::Running;
        let mut summary = Summary::of(&self.info, &self.task, state, &wallet, running, status);
        summary.waiting = self.runner.waiting();
        if let Err(error) = summary.write(&self.dir) {
            tracing::warn!(%error, "the summary was not written");
        }
        self.last = Some(Instant::now());
    }
}
