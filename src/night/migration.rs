//! A night that moves one prompt to other models: what all of its runs have in common, frozen when it starts.
//!
//! Its first run is the bar: the old model with the prompt in force, on the held-out rows. Each of the others searches
//! for one new model. Not what the rows show, which is `compare`'s.

use crate::looks::Looker;
use crate::source::SourceError;
use crate::task::goal::{Aim, Goal};
use crate::task::model::ModelName;
use crate::task::{DataFile, Task, TaskFiles};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the runs of a migration have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    /// The old model.
    pub from: ModelName,
    /// The new models, one for each run after the first.
    pub to: Vec<ModelName>,
    /// By how much a new model may be worse, as a score in [0, 1].
    pub margin: f64,
    /// The task with the prompt in force, as it was when the migration started.
    pub files: TaskFiles,
    /// Its rows, likewise.
    pub data: Vec<DataFile>,
}

impl Migration {
    /// The number of the run that measures the bar.
    pub const BAR: usize = 0;

    /// The model of a run; `None` where there is no such run.
    #[must_use]
    pub fn model(&self, run: usize) -> Option<&ModelName> {
        match run.checked_sub(1) {
            None => Some(&self.from),
            Some(target) => self.to.get(target),
        }
    }

    /// The task of a run. A search is for the best quality that its model has, within a limit on the cost that the
    /// task's goal may name: the bar is another model's, so that what the goal says of the baseline is no measure.
    ///
    /// # Errors
    /// There is no such run, its model does not fit the task, or the rows have changed since.
    pub fn task(&self, run: usize) -> Result<Task, SourceError> {
        let file = &self.files.file;
        let model = self.model(run).ok_or_else(|| {
            SourceError::new(file, format!("the migration has no run number {run}"))
        })?;
        let task = of_model(&self.files, model)?;
        let is_same = |(then, now): (&DataFile, &DataFile)| then.blake3 == now.blake3;
        match self.data.iter().zip(&task.data).find(|pair| !is_same(*pair)) {
            Some((_, now)) => Err(SourceError::new(
                &now.path,
                "the rows have changed since the migration was started",
            )
            .help("put the file back as it was, or start a new migration")),
            None => Ok(task),
        }
    }

    /// Who looks at the held-out rows, for all targets together. Where searches went on after they had ended, their
    /// winners are compared with the bar once more, and that is a look of its own.
    #[must_use]
    pub fn looker(night: &str, created: Timestamp, went_on: usize) -> Looker {
        let claim = match went_on {
            0 => "parity with another model".to_owned(),
            times => format!("parity with another model, after {times} of its searches went on"),
        };
        Looker { run: night.to_owned(), created, claim }
    }
}

/// The task with another model for its rows, and the goal that a search for this model has.
///
/// # Errors
/// The model does not fit the task.
pub fn of_model(files: &TaskFiles, model: &ModelName) -> Result<Task, SourceError> {
    let task = Task::rebuild(files.clone().with_task_model(model))?;
    match task.goal.aim {
        Aim::MaxQuality { .. } => Ok(task),
        Aim::Least { .. } => {
            let best = Goal { bounds: task.goal.bounds, ..Goal::max_quality() };
            Task::rebuild(files.clone().with_task_model(model).with_goal(&best))
        }
    }
}
