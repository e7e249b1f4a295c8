//! What a run cannot read from its folder, and the caller gives again.

use super::error::RunError;
use super::file::RunFile;
use crate::operator::Operator;
use crate::task::Task;
use std::fmt;
use std::sync::Arc;

/// What the program that started a run had made in memory: its task, its operators.
#[derive(Default)]
pub struct Given {
    task: Option<Task>,
    operators: Vec<Arc<dyn Operator>>,
}

impl From<Task> for Given {
    fn from(task: Task) -> Self {
        Self { task: Some(task), operators: Vec::new() }
    }
}

impl Given {
    /// With operators from outside of this crate.
    #[must_use]
    pub fn operators(mut self, operators: impl IntoIterator<Item = Arc<dyn Operator>>) -> Self {
        self.operators.extend(operators);
        self
    }

    /// The task of a run and the operators: the task is read from files where none is given.
    ///
    /// # Errors
    /// The task's files cannot be read, it differs, or it was made in memory and is not given.
    pub(super) fn of(self, file: &RunFile) -> Result<(Task, Vec<Arc<dyn Operator>>), RunError> {
        let task = match self.task {
            Some(task) => file.same_task(task)?,
            None => file.read_task()?,
        };
        Ok((task, self.operators))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.task.as_ref().map(|task| &task.name);
        f.debug_struct("Given").field("task", &task).field("operators", &self.operators).finish()
    }
}
