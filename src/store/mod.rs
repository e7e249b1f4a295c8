//! Durable bytes: numbered events, and an index from requests to the events that answer them.
//!
//! A store does not know the meaning of the bytes, does not wait and does not batch. The journal
//! above it does, and keeps a second copy. What is rare and small is a file of facts instead.

mod aside;
#[cfg(test)]
mod contract;
mod facts;
mod memory;
mod sled_store;

pub(crate) use aside::{move_aside, sync_folder};
pub use facts::{FactFile, FactFileError, check_is_file};
pub use memory::Memory;
pub use sled_store::SledStore;

use crate::id::{EventNumber, RequestHash};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// An event to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The event's JSON.
    pub bytes: Vec<u8>,
    /// The request that this event answers, if it is an answer.
    pub answers: Option<RequestHash>,
}

/// A list of events, numbered from 0 without gaps.
pub trait Store: Send + Sync {
    /// Adds events after the last one, all of them or none. `first` must be [`len`](Self::len), so
    /// that a mistaken writer cannot leave a gap.
    ///
    /// The index keeps the first answer to a request, so that a second one cannot change earlier
    /// decisions.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] for another `first`; after any other error the store must be
    /// opened again.
    fn append(&self, first: EventNumber, events: &[Record]) -> Result<(), StoreError>;

    /// Makes everything appended durable: after this it survives a power failure.
    ///
    /// # Errors
    /// Nothing appended since the last success can be considered durable.
    fn sync(&self) -> Result<(), StoreError>;

    /// The number that the next event gets.
    fn len(&self) -> u64;

    /// Whether no event has been appended yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One event; `None` if there is no event with this number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if its checksum is wrong.
    fn read(&self, number: EventNumber) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the events from `from` on, in order, until `visit` breaks or an event is missing or
    /// damaged, so the visited events are the longest valid prefix. Memory use is constant.
    ///
    /// Returns the number after the last valid event; compare it with [`len`](Self::len) to tell
    /// the end from a damaged event.
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

    /// Visits every request that has an answer, in no particular order.
    ///
    /// # Errors
    /// When the store itself cannot be read.
    fn answered(&self, visit: &mut dyn FnMut(&[u8; 16], EventNumber)) -> Result<(), StoreError>;

    /// Removes the events from number `len` on, and their index entries, because they follow a
    /// damaged one. An implementation keeps a copy of what it removes, if it can.
    ///
    /// # Errors
    /// When the store itself cannot be written.
    fn truncate(&self, len: u64) -> Result<(), StoreError>;
}

/// An error of a store.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is in use by {}", path.display(), holder_name(*.holder))]
    InUse {
        /// The folder of the store.
        path: PathBuf,
        /// The process that has it open, if known.
        holder: Option<u32>,
    },
    /// Its files are damaged.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The folder of the store.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The events to append do not follow the last stored one.
    #[error("event {got} cannot be appended, the next one is {expected}")]
    OutOfOrder {
        /// The number that the next event must have.
        expected: u64,
        /// The number of the first event given.
        got: u64,
    },
    /// The operating system reported an error.
    #[error("cannot {what}")]
    Io {
        /// The operation, as read after "cannot".
        what: String,
        /// The error.
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

/// The stored form of an event: a checksum, then the bytes.
fn seal(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(4 + bytes.len());
    value.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    value.extend_from_slice(bytes);
    value
}

/// The bytes of a stored event; `None` if the checksum does not match.
fn unseal(value: &[u8]) -> Option<&[u8]> {
    let (checksum, bytes) = value.split_first_chunk()?;
    (u32::from_le_bytes(*checksum) == crc32fast::hash(bytes)).then_some(bytes)
}

/// The log filter for sled: warnings only.
pub const LOG_FILTER: &str = "sled=warn";

/// Whether a panic at this place is in sled. Such a panic is caught and the store is repaired, so
/// it need not be shown to the user.
#[must_use]
pub fn is_caught_here(place: &str) -> bool {
    place.contains("/sled-")
}
