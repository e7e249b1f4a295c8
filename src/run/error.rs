//! What keeps a run from being made, opened, searched or read.

use super::dir::RunDirError;
use crate::engine::SearchError;
use crate::journal::JournalError;
use crate::recipe::RecipeError;
use crate::source::SourceError;

/// Why a run cannot be worked with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The run's folder: unknown, in use, malformed, or not to be read or written.
    #[error(transparent)]
    Dir(#[from] RunDirError),
    /// A mistake in a file or a value of the user's: the task, the recipe, a row.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A recipe that cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The search broke off.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Nothing limits what the run may spend or how long it may take.
    #[error("this run has no cap")]
    Unlimited,
    /// A recipe that can do nothing with a task.
    #[error("{message}")]
    Idle {
        /// What was left out of it.
        message: String,
        /// What to try.
        help: Vec<String>,
    },
    /// A provider that cannot be reached as it is written down.
    #[error("provider `{name}`: {message}")]
    Provider {
        /// The provider.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// The task is not the one that the run was started with.
    #[error("{what} since the run `{run}` was started")]
    Changed {
        /// The run.
        run: String,
        /// What has changed.
        what: String,
    },
    /// The run's task was made in memory, and is needed to go on.
    #[error("the task of the run `{0}` was made by a program, and only that program can give it")]
    TaskNeeded(String),
}
