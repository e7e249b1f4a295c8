//! Durable bytes: numbered events, and which of them answers which request.
//!
//! Not the journal: a store knows nothing of what the bytes mean, waits for nobody and batches
//! nothing. The journal above it does, and keeps a second copy besides.

mod aside;
#[cfg(test)]
mod contract;
mod memory;
mod sled_store;

pub(crate) use aside::{move_aside, sync_folder};
pub use memory::Memory;
pub use sled_store::SledStore;

use crate::id::{EventNumber, RequestHash};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// One event on its way into a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The event's JSON.
    pub bytes: Vec<u8>,
    /// The request that this event answers, if it is an answer.
    pub answers: Option<RequestHash>,
}

/// A list of events, numbered from 0 without a gap, that survives its process.
pub trait Store: Send + Sync {
    /// Adds events after the last one, all of them or none. `first` must be [`len`](Self::len):
    /// a writer that is wrong about it must not leave a gap.
    ///
    /// The first answer to a request stays the one that is found, so that a second one never
    /// changes what has been decided already.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] for another `first`; otherwise the store cannot be relied on
    /// any more and must be opened again.
    fn append(&self, first: EventNumber, events: &[Record]) -> Result<(), StoreError>;

    /// Makes everything appended durable: on return it survives a loss of power.
    ///
    /// # Errors
    /// Nothing appended since the last success may be believed durable.
    fn sync(&self) -> Result<(), StoreError>;

    /// The number that the next event gets.
    fn len(&self) -> u64;

    /// Whether no event has been appended yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One event, or nothing where there is none of this number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if its checksum is wrong.
    fn read(&self, number: EventNumber) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the events from `from` on, in order, until `visit` breaks or an event is missing or
    /// damaged: what was visited is the longest valid prefix. Memory stays flat.
    ///
    /// Returns the number after the last valid event that was visited; whether that is the end or
    /// a damaged event is seen by comparing it with [`len`](Self::len).
    ///
    /// # Errors
    /// When the store itself cannot be read.
    fn scan(
        &self,
        from: EventNumber,
        visit: &mut dyn FnMut(EventNumber, &[u8]) -> ControlFlow<()>,
    ) -> Result<EventNumber, StoreError>;

    /// The event that answers this request.
    ///
    /// # Errors
    /// When the store itself cannot be read.
    fn find_answer(&self, request: &RequestHash) -> Result<Option<EventNumber>, StoreError>;

    /// Visits every request that has an answer, in no order that means anything.
    ///
    /// # Errors
    /// When the store itself cannot be read.
    fn answered(&self, visit: &mut dyn FnMut(&[u8; 16], EventNumber)) -> Result<(), StoreError>;

    /// Drops the events from number `len` on, with their answers, because they follow one that is
    /// damaged. An implementation that can keeps a copy of what it drops.
    ///
    /// # Errors
    /// When the store itself cannot be written.
    fn truncate(&self, len: u64) -> Result<(), StoreError>;
}

/// Why a store cannot do what it was asked.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is in use by {}", path.display(), holder_name(*.holder))]
    InUse {
        /// The folder of the store.
        path: PathBuf,
        /// The process that has it open, where it could be found out.
        holder: Option<u32>,
    },
    /// Its files are not what was written.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The folder of the store.
        path: PathBuf,
        /// What was seen.
        why: String,
    },
    /// The events to append do not follow those that are there.
    #[error("event {got} cannot be appended, the next one is {expected}")]
    OutOfOrder {
        /// The number that the next event must have.
        expected: u64,
        /// The number that the first event had.
        got: u64,
    },
    /// The operating system refused.
    #[error("cannot {what}")]
    Io {
        /// What was tried, to be read after "cannot".
        what: String,
        /// Why it was refused.
        #[source]
        source: Arc<io::Error>,
    },
}

impl StoreError {
    fn io(what: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{what} {}", path.display()), source: Arc::new(source) }
    }
}

fn holder_name(holder: Option<u32>) -> String {
    holder.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"))
}

/// What is kept of one event: a checksum, then the bytes.
fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(4 + bytes.len());
    value.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    value.extend_from_slice(bytes);
    value
}

/// The bytes back, or nothing if the checksum is not theirs.
fn unseal(value: &[u8]) -> Option<&[u8]> {
    let (checksum, bytes) = value.split_first_chunk()?;
    (u32::from_le_bytes(*checksum) == crc32fast::hash(bytes)).then_some(bytes)
}

/// What the engine below this module has to say in a log: warnings only.
pub const LOG_FILTER: &str = "sled=warn";

/// Whether a panic at this place is the engine's own: it is caught and the store repaired, so there
/// is no reason to alarm a person.
#[must_use]
pub fn is_caught_here(place: &str) -> bool {
    place.contains("/sled-")
}
