//! The errors of creating, opening, searching and reading a run.

use super::dir::RunDirError;
use crate::engine::SearchError;
use crate::journal::JournalError;
use crate::looks::LooksError;
use crate::recipe::RecipeError;
use crate::source::SourceError;
use crate::task::ProviderChange;

/// An error with a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The run's folder: unknown, in use, malformed, or not to be read or written.
    #[error(transparent)]
    Dir(#[from] RunDirError),
    /// A mistake in a file or a value from the user: the task, the recipe, a row.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The cap on calls has no room for the first rows.
    #[error(
        "a cap of {cap} calls has no room for the first {rows} rows of the baseline beside what is set aside for \
         the end: it needs {needed}"
    )]
    TooFewCalls {
        /// The cap.
        cap: u64,
        /// Rows that are asked at once.
        rows: u64,
        /// The smallest cap that has room for them.
        needed: u64,
    },
    /// A recipe that cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is not known how often held-out rows were looked at, or a look cannot be written down.
    #[error(transparent)]
    Looks(#[from] LooksError),
    /// The search failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// Nothing limits what the run may spend or how long it may take.
    #[error("this run has no cap")]
    Unlimited,
    /// A recipe that cannot change anything in a task.
    #[error("{message}")]
    Idle {
        /// What was left out of it.
        message: String,
        /// What to try.
        help: Vec<String>,
    },
    /// A provider with unusable settings.
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
    /// The task asks its models in another way than the run did, and the change was not accepted.
    #[error(
        "the task asks its models in another way than the run `{run}` did: {}",
        changes.iter().map(ProviderChange::to_string).collect::<Vec<_>>().join("; ")
    )]
    ProvidersChanged {
        /// The run.
        run: String,
        /// What has changed.
        changes: Vec<ProviderChange>,
    },
    /// Its journal is gone, and it had paid for calls: to go on would mean to pay for them again.
    #[error("the journal of the run `{0}` is empty, but its summary.json shows paid calls")]
    Emptied(String),
    /// The copy of the journal that is read without the run's lock is gone.
    #[error("the file events.jsonl of the run `{0}` is missing")]
    NoEvents(String),
    /// A new cap is not above what was spent already.
    #[error("the run `{run}` has used, or asked for, {used}: a cap of {cap} must be above that")]
    Spent {
        /// The run.
        run: String,
        /// What it has used.
        used: String,
        /// The cap.
        cap: String,
    },
    /// A finished run that does not go on with these caps.
    #[error("the run `{run}` is finished, and does not go on with these caps: {why}")]
    GoesNotOn {
        /// The run.
        run: String,
        /// Why it ended.
        why: String,
        /// What to try.
        help: String,
    },
    /// The answers of a run cannot be taken over.
    #[error("the answers of the run `{run}` cannot be reused: {why}")]
    NotReusable {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// A search cannot start from the prompts of a run.
    #[error("no search can start from the prompts of the run `{run}`: {why}")]
    NoWarmStart {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// Prompts that a recipe cannot hold.
    #[error("the prompts cannot be written into the recipe: {0}")]
    Prompts(toml::de::Error),
    /// A run of which these candidates cannot be compared with the baseline on held-out rows.
    #[error("the run `{run}` cannot confirm this: {why}")]
    Unconfirmable {
        /// The run.
        run: String,
        /// Why not.
        why: String,
        /// What to try.
        help: String,
    },
    /// The run's task was made in memory and must be given again.
    #[error("the task of the run `{0}` was made by a program; only that program can open the run")]
    TaskNeeded(String),
}
