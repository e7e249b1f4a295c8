//! A run that is read on as it grows, so that its state is known at any moment without a second look at its events.

use super::dir::{RUN_FILE, RunDir, SUMMARY_FILE};
use super::error::RunError;
use super::file::RunFile;
use super::given::Given;
use super::history::History;
use super::loaded::LoadedRun;
use crate::event::Event;
use crate::journal::{EventIndex, Events};
use crate::recipe;
use crate::state::Named;
use std::time::SystemTime;

/// A run whose events are folded as they are written, by whatever process.
pub struct FollowedRun {
    run: LoadedRun,
    index: EventIndex,
    /// What was known when the events were read last, beside them: whether a process works on the run, and when it wrote
    /// its summary.
    known: Option<(bool, Option<SystemTime>)>,
}

impl FollowedRun {
    /// Reads what the run was started with, and none of its events yet.
    ///
    /// # Errors
    /// Its files cannot be read, or its rows have changed.
    pub fn open(dir: RunDir) -> Result<Self, RunError> {
        let file = RunFile::read(&dir)?;
        let (task, operators) = Given::default().of(&file)?;
        let recipe = recipe::parse_with(&dir.file(RUN_FILE), &file.recipe, &operators).ok();
        let index = EventIndex::new(&dir.events());
        let history = History::new(Named::of(&task));
        Ok(Self { run: LoadedRun::of(dir, file, task, recipe, history), index, known: None })
    }

    /// Folds the events that were written since the last call. Returns whether anything has changed, also of what the
    /// process that works on the run says beside them.
    ///
    /// # Errors
    /// The events cannot be read, or one cannot follow those before it. Nothing that was folded before is lost.
    pub fn read_new(&mut self) -> Result<bool, RunError> {
        let history = &mut self.run.history;
        let read =
            self.index.read_new(|number, event: Event| history.read_event(number, &event))?;
        let written = std::fs::metadata(self.run.dir.file(SUMMARY_FILE));
        let known = Some((self.run.dir.is_running(), written.and_then(|it| it.modified()).ok()));
        if read == 0 && known == self.known {
            return Ok(false);
        }
        let is_first = self.known.is_none();
        self.known = known;
        let before = (self.run.summary.status, self.run.summary.waiting.clone());
        self.run.sum_up(Some(&self.index))?;
        let after = (self.run.summary.status, self.run.summary.waiting.clone());
        Ok(is_first || read > 0 || before != after)
    }

    /// The run as it is known.
    #[must_use]
    pub fn run(&self) -> &LoadedRun {
        &self.run
    }

    /// Its events, of which each can be read by itself.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events::from(&self.index)
    }
}
