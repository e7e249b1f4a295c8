//! Why facts cannot be written down or read back.
//!
//! Not what to do about it: a damaged copy is repaired from the other one before anything here is
//! reported.

use crate::id::EventNumber;
use crate::store::StoreError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why the journal cannot do what it was asked. Cloned for everyone who waits for a commit.
#[derive(Clone, Debug, Error)]
pub enum JournalError {
    /// The store below.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused.
    #[error("cannot {what}")]
    Io {
        /// What was tried, to be read after "cannot".
        what: String,
        /// Why it was refused.
        #[source]
        source: Arc<io::Error>,
    },
    /// A line that is not the last one is not what was written.
    #[error("line {line} of {} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// An event is whole but means nothing to this version.
    #[error("{place} is not understood, perhaps because a newer version wrote it: {why}")]
    Unknown {
        /// Which event, and in which copy.
        place: String,
        /// What was not understood.
        why: String,
    },
    /// A newer version wrote the journal.
    #[error("{} is of version {found}, this program reads up to version {known}: use the newer program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// Both copies are gone. To begin again could mean to pay again, so a person decides.
    #[error("nothing can be read from {} nor from {}: to start from nothing, move both away", store.display(), file.display())]
    Lost {
        /// The folder of the store.
        store: PathBuf,
        /// The second copy.
        file: PathBuf,
    },
    /// There is no durable event of this number.
    #[error("there is no event {0}")]
    Missing(EventNumber),
    /// The event has no JSON form.
    #[error("the event cannot be encoded: {0}")]
    Encode(String),
    /// The thread that commits has ended before its time.
    #[error("the journal's committer has stopped")]
    Stopped,
}

impl JournalError {
    pub(super) fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source: Arc::new(source) }
    }
}
