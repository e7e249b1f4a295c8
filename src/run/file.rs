//! `run.json`: what a run was started with, so that it can be taken up again.
//!
//! It is written first and never changed. Rows and keys are not part of it.

use super::dir::{RUN_FILE, RunDir, RunDirError, SCHEMA};
use super::error::RunError;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::id::RunName;
use crate::recipe::{self, Recipe};
use crate::seed::Seed;
use crate::task::example::Split;
use crate::task::{DataFile, Task, TaskSource};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// To search for a better prompt.
    Search,
    /// To measure one prompt.
    Evaluation {
        /// On the rows of one split; on all rows where none is named.
        split: Option<Split>,
    },
}

/// What a runner decides when it starts a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The random seed.
    pub seed: Seed,
    /// What the run may spend; the task's own caps where it is not said.
    pub caps: Option<Caps>,
    /// Requests in flight over all providers at most.
    pub concurrency: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: Seed(1), caps: None, concurrency: None }
    }
}

/// What a run was started with: everything but the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The version of this format.
    pub schema: u32,
    /// The run's name.
    pub run: RunName,
    /// The program's version.
    pub version: String,
    /// When it was started.
    pub created: Timestamp,
    /// The task as it stood; paths are absolute.
    pub task: TaskSource,
    /// The task's name.
    pub task_name: String,
    /// The data files with their hashes; paths are absolute.
    pub data: Vec<DataFile>,
    /// What the run is for.
    pub kind: RunKind,
    /// The strategy's name, for people; an evaluation has `eval:` and its rows.
    pub strategy: String,
    /// The recipe after `extends` and `--set`, as TOML.
    pub recipe: String,
    /// The random seed.
    pub seed: Seed,
    /// Caps from the task and the command line together.
    pub caps: Caps,
    /// Requests in flight over all providers at most, if that was limited.
    pub concurrency: Option<usize>,
}

/// What the state does not know about its run.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The run's name.
    pub run: String,
    /// The strategy's name.
    pub strategy: String,
    /// The run's seed.
    pub seed: Seed,
}

impl RunFile {
    /// What a run that starts now is started with.
    pub(super) fn new(
        name: &str,
        task: &Task,
        kind: RunKind,
        recipe: &Recipe,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let strategy = match kind {
            RunKind::Search => recipe.name.clone(),
            RunKind::Evaluation { split: None } => "eval:all".to_owned(),
            RunKind::Evaluation { split: Some(split) } => format!("eval:{split}"),
        };
        let (source, data) = task.absolute()?;
        Ok(Self {
            schema: SCHEMA,
            run: RunName::new(name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Clock::System.now(),
            task: source,
            task_name: task.name.clone(),
            data,
            kind,
            strategy,
            recipe: recipe::effective_table(recipe),
            seed: settings.seed,
            caps: settings.caps.unwrap_or(task.caps),
            concurrency: settings.concurrency,
        })
    }

    /// What a run was started with.
    ///
    /// # Errors
    /// It cannot be read, or is of a newer version.
    pub fn read(dir: &RunDir) -> Result<Self, RunDirError> {
        dir.read_json(RUN_FILE)
    }

    /// The run's task from its files.
    ///
    /// # Errors
    /// The files cannot be read, their rows have changed, or the task was made in memory.
    pub(super) fn read_task(&self) -> Result<Task, RunError> {
        match &self.task {
            TaskSource::Files(files) => self.same_task(Task::build(files.clone())?),
            TaskSource::Memory(_) => Err(RunError::TaskNeeded(self.run.to_string())),
        }
    }

    /// A task, if it is the one that the run was started with.
    ///
    /// # Errors
    /// What has changed.
    pub(super) fn same_task(&self, task: Task) -> Result<Task, RunError> {
        let changed = |what: String| RunError::Changed { run: self.run.to_string(), what };
        if let Some(what) = self.task.difference(&task.source) {
            return Err(changed(what));
        }
        for (place, now) in task.data.iter().enumerate() {
            if self.data.get(place).is_none_or(|then| now.blake3 != then.blake3) {
                return Err(changed(format!("{}: the rows have changed", now.path.display())));
            }
        }
        Ok(match self.kind {
            RunKind::Search => task,
            RunKind::Evaluation { split } => task.for_evaluation(split),
        })
    }

    /// What a summary says of the run.
    #[must_use]
    pub fn info(&self) -> RunInfo {
        RunInfo { run: self.run.to_string(), strategy: self.strategy.clone(), seed: self.seed }
    }
}
