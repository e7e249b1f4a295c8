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
    was_paused: bool,
}

impl SummaryWriter {
    pub(super) fn new(
        dir: RunDir,
        info: RunInfo,
        task: Arc<Task>,
        runner: Arc<CallRunner>,
    ) -> Self {
        Self { dir, info, task, runner, last: None, was_paused: false }
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
        let is_paused = self.runner.is_paused();
        let is_news = is_paused != self.was_paused;
        if !is_news && self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.was_paused = is_paused;
        let running = self.runner.running();
        let wallet = self.runner.wallet().clone();
        let status = if is_paused { Status::Paused } else { Status::Running };
        let mut summary = Summary::of(&self.info, &self.task, state, &wallet, running, status);
        summary.waiting = self.runner.waiting();
        if let Err(error) = summary.write(&self.dir) {
            tracing::warn!(%error, "the summary was not written");
        }
        self.last = Some(Instant::now());
    }
}
