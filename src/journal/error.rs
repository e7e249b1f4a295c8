//! Errors of the journal.
//!
//! Damage to one copy is repaired from the other one and is not reported as an error.

use crate::id::EventNumber;
use crate::store::StoreError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// An error of the journal. It can be cloned for every caller that waits for a commit.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system reported an error.
    #[error("cannot {what}")]
    Io {
        /// The operation, as read after "cannot".
        what: String,
        /// The error.
        #[source]
        source: Arc<io::Error>,
    },
    /// A line other than the last one is damaged.
    #[error("line {line} of {} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// An event is intact, but this version does not know it.
    #[error("{place} cannot be read, perhaps because a newer version wrote it: {why}")]
    Unknown {
        /// Which event, and in which copy.
        place: String,
        /// What could not be read.
        why: String,
    },
    /// An event is intact, but cannot follow the events before it.
    #[error("event {number} does not fit the events before it, or the rows of the task: {why}")]
    Inconsistent {
        /// Which.
        number: EventNumber,
        /// What does not fit.
        why: String,
    },
    /// A newer version wrote the journal.
    #[error("{} has version {found}, but this program reads versions up to {known}: use a newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version that this program reads.
        known: u64,
    },
    /// Both copies are unreadable. Starting over could mean paying again, so the user must decide.
    #[error("neither {} nor {} can be read: to start over, move both away", store.display(), file.display())]
    Lost {
        /// The folder of the store.
        store: PathBuf,
        /// The second copy.
        file: PathBuf,
    },
    /// There is no durable event with this number.
    #[error("there is no event {0}")]
    Missing(EventNumber),
    /// The event has no JSON form.
    #[error("the event cannot be encoded: {0}")]
    Encode(String),
    /// The committer's thread has stopped unexpectedly.
    #[error("the journal's committer has stopped")]
    Stopped,
}

impl JournalError {
    pub(super) fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source: Arc::new(source) }
    }
}
