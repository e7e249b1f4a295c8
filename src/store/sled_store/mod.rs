//! The durable store, on sled 0.34.7.
//!
//! No other module names sled. These properties of sled were measured: `flush` writes data to the
//! file but does not sync it to disk; a kill while it opens can leave an incomplete snapshot that
//! it then rejects; damage in the middle of its file makes it panic; and a value larger than a
//! quarter of a segment goes to a file of its own, which it never syncs. Repair from the second
//! copy is done by the journal.

mod open;
#[cfg(test)]
mod tests;

use super::aside::{self, Lock};
use super::{Record, Store, StoreError, seal, unseal};
use crate::id::{EventNumber, RequestHash};
use ::sled::transaction::{
    ConflictableTransactionError, TransactionError, Transactional, TransactionalTree,
    UnabortableTransactionError,
};
use ::sled::{Db, IVec, Tree};
use open::{finish_salvage, guarded, salvage, start};
use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// A leaf of sled's tree holds up to 17 values, 20 after a merge, and is written as one piece. A
/// piece over 128 KiB becomes a file that is never synced, so a larger body is stored in parts.
const PART_BYTES: usize = 6 << 10;
/// How many bytes of events a scan holds at a time.
const PAGE_BYTES: usize = 1 << 20;
/// How many entries one transaction removes.
const REMOVED_AT_ONCE: usize = 1_024;
/// The longest wait for sled to close; without it, a dead thread of sled would be awaited for ever.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Events in a folder of sled's files.
pub struct SledStore {
    path: PathBuf,
    /// `None` only while the store is dropped.
    trees: Option<Trees>,
    data: File,
    next: Mutex<u64>,
    broken: AtomicBool,
    salvaged: Option<PathBuf>,
    // Declared after the trees, because fields are dropped in order and the lock must be released
    // last.
    _lock: Lock,
}

/// Three trees of one database, so that one transaction covers them.
struct Trees {
    _db: Db,
    /// Number (big-endian) to checksum and body; the body is empty if it is stored in parts.
    events: Tree,
    /// Request to number.
    answers: Tree,
    /// Number and part number (both big-endian) to a part of a body.
    parts: Tree,
}

impl SledStore {
    /// Opens the store in a folder, or creates one. If sled cannot read a store, it is opened
    /// without its snapshots; if that works, the old files are kept beside it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open; [`StoreError::Damaged`] if sled
    /// cannot read it either way; its files are then unchanged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::take(path)?;
        let unfinished = aside::with_suffix(path, ".salvage");
        if unfinished.exists() {
            finish_salvage(path, &unfinished)?;
        }
        let (trees, salvaged) = match start(path) {
            Ok(trees) => (trees, None),
            Err(StoreError::Damaged { path, why }) => {
                tracing::warn!(store = %path.display(), %why, "the store is damaged, trying without its snapshots");
                let kept = salvage(&path, &unfinished)?;
                (start(&path)?, Some(kept))
            }
            Err(other) => return Err(other),
        };
        Self::with(path, trees, salvaged, lock)
    }

    /// Sets the folder aside, creates an empty store, and returns the path of the old one.
    ///
    /// # Errors
    /// [`StoreError::InUse`], or when the files cannot be moved or created.
    pub fn replace(path: &Path) -> Result<(Self, Option<PathBuf>), StoreError> {
        let lock = Lock::take(path)?;
        let kept = path.exists().then(|| aside::move_aside(path)).transpose()?;
        let store = Self::with(path, start(path)?, None, lock)?;
        Ok((store, kept))
    }

    /// The path of the old files, if the store was repaired when it was opened.
    #[must_use]
    pub fn salvaged(&self) -> Option<&Path> {
        self.salvaged.as_deref()
    }

    fn with(
        path: &Path,
        trees: Trees,
        salvaged: Option<PathBuf>,
        lock: Lock,
    ) -> Result<Self, StoreError> {
        let data = path.join("db");
        let data = File::open(&data).map_err(|e| StoreError::io("open", &data, e))?;
        // The names of new files must be as durable as their content.
        aside::sync_folder(path);
        aside::sync_folder(path.parent().unwrap_or(path));
        let next = guarded(path, || next_number(&trees.events))?;
        Ok(Self {
            path: path.to_owned(),
            trees: Some(trees),
            data,
            next: Mutex::new(next),
            broken: AtomicBool::new(false),
            salvaged,
            _lock: lock,
        })
    }

    /// Runs sled and turns its panics into errors. After a panic the store cannot be used any more.
    fn run<T>(&self, work: impl FnOnce(&Trees) -> ::sled::Result<T>) -> Result<T, StoreError> {
        let trees = self.trees.as_ref().ok_or_else(|| self.damaged("closed"))?;
        let result = guarded(&self.path, || work(trees));
        if matches!(result, Err(StoreError::Damaged { .. })) {
            self.broken.store(true, Ordering::Relaxed);
        }
        result
    }

    fn next(&self) -> MutexGuard<'_, u64> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn damaged(&self, why: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), why: why.to_owned() }
    }
}

impl fmt::Debug for SledStore {
    /// Written by hand because sled's own `Debug` prints every event.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store for SledStore {
    fn append(&self, first: EventNumber, events: &[Record]) -> Result<(), StoreError> {
        let mut next = self.next();
        if first.0 != *next {
            return Err(StoreError::OutOfOrder { expected: *next, got: first.0 });
        }
        self.run(|trees| {
            transact(trees, |tree, answers, parts| {
                for (number, record) in (first.0..).zip(events) {
                    put(tree, parts, number, &record.bytes)?;
                    if let Some(request) = &record.answers
                        && answers.get(request.as_bytes())?.is_none()
                    {
                        answers.insert(request.as_bytes(), &number.to_be_bytes())?;
                    }
                }
                Ok(())
            })
        })?;
        *next += events.len() as u64;
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.run(|trees| trees.events.flush().map(drop))?;
        self.data.sync_data().map_err(|e| StoreError::io("sync", &self.path, e))
    }

    fn len(&self) -> u64 {
        *self.next()
    }

    fn read(&self, number: EventNumber) -> Result<Option<Vec<u8>>, StoreError> {
        let key = number.0.to_be_bytes();
        let found = self.run(|trees| match trees.events.get(key)? {
            None => Ok(None),
            Some(value) => body(trees, &key, &value).map(Some),
        })?;
        match found {
            None => Ok(None),
            Some(Some(bytes)) => Ok(Some(bytes)),
            Some(None) => Err(self.damaged(&format!("the checksum of event {number} is wrong"))),
        }
    }

    fn scan(
        &self,
        from: EventNumber,
        visit: &mut dyn FnMut(EventNumber, &[u8]) -> ControlFlow<()>,
    ) -> Result<EventNumber, StoreError> {
        let mut next = from;
        loop {
            let page = self.run(|trees| page(trees, next.0))?;
            if page.is_empty() {
                return Ok(next);
            }
            // Called outside of `run`, so that a visitor's panic is not taken for sled's.
            for bytes in page {
                let number = next;
                next.0 += 1;
                if visit(number, &bytes).is_break() {
                    return Ok(next);
                }
            }
        }
    }

    fn find_answer(&self, request: &RequestHash) -> Result<Option<EventNumber>, StoreError> {
        let found = self.run(|trees| trees.answers.get(request.as_bytes()))?;
        Ok(found.as_deref().and_then(number_of).map(EventNumber))
    }

    fn answered(&self, visit: &mut dyn FnMut(&[u8; 16], EventNumber)) -> Result<(), StoreError> {
        let mut requests = self.run(|trees| Ok(trees.answers.iter()))?;
        while let Some((request, number)) = self.run(|_| requests.next().transpose())? {
            if let (Ok(request), Some(number)) = (request.as_ref().try_into(), number_of(&number)) {
                visit(request, EventNumber(number));
            }
        }
        Ok(())
    }

    fn truncate(&self, len: u64) -> Result<(), StoreError> {
        let mut next = self.next();
        if len >= *next {
            return Ok(());
        }
        self.run(|trees| trees.events.flush().map(drop))?;
        let kept = aside::copy_aside(&self.path)?;
        tracing::warn!(from = len, kept = %kept.display(), "events are removed from the store; a copy is kept");
        // Backwards from the end and index entries first, so that a kill leaves a shorter store,
        // but never a gap or an index entry without its event.
        self.run(|trees| {
            let late = trees.answers.iter().filter_map(|entry| match entry {
                Ok((request, number)) => (number_of(&number)? >= len).then_some(Ok(request)),
                Err(error) => Some(Err(error)),
            });
            remove(&trees.answers, late)?;
            let from = len.to_be_bytes();
            remove(&trees.events, trees.events.range(from..).keys())?;
            remove(&trees.parts, trees.parts.range(from..).keys())
        })?;
        *next = len;
        Ok(())
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        let Some(trees) = self.trees.take() else {
            return;
        };
        if self.broken.load(Ordering::Relaxed) {
            // Closing flushes, and flushing a damaged store panics or never returns.
            std::mem::forget(trees);
            return;
        }
        let (closed, wait) = mpsc::channel();
        let close = move || {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(trees)));
            let _ = closed.send(());
        };
        if thread::Builder::new().spawn(close).is_ok() && wait.recv_timeout(CLOSE_WITHIN).is_err() {
            tracing::warn!(store = %self.path.display(), "the store does not close; all its data is synced");
        }
    }
}

fn next_number(events: &Tree) -> ::sled::Result<u64> {
    let last = events.last()?;
    Ok(last.and_then(|(key, _)| number_of(&key)).map_or(0, |last| last + 1))
}

fn number_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// A batch of events from `from` on, up to the first that is missing or damaged.
fn page(trees: &Trees, from: u64) -> ::sled::Result<Vec<Vec<u8>>> {
    let mut page = Vec::new();
    let mut size = 0;
    for (expected, entry) in (from..).zip(trees.events.range(from.to_be_bytes()..)) {
        let (key, value) = entry?;
        if number_of(&key) != Some(expected) {
            break;
        }
        let Some(bytes) = body(trees, &key, &value)? else {
            break;
        };
        size += bytes.len();
        page.push(bytes);
        if size >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

/// An event's bytes, joined from its parts if it has any; `None` if the checksum does not match.
fn body(trees: &Trees, key: &[u8], value: &IVec) -> ::sled::Result<Option<Vec<u8>>> {
    if value.len() > 4 {
        return Ok(unseal(value).map(<[u8]>::to_vec));
    }
    let mut whole = value.to_vec();
    for part in trees.parts.scan_prefix(key) {
        whole.extend_from_slice(&part?.1);
    }
    Ok(unseal(&whole).map(<[u8]>::to_vec))
}

fn put(
    events: &TransactionalTree,
    parts: &TransactionalTree,
    number: u64,
    bytes: &[u8],
) -> Result<(), UnabortableTransactionError> {
    let key = number.to_be_bytes();
    let mut value = seal(bytes);
    if bytes.len() > PART_BYTES {
        for (at, part) in (0_u32..).zip(bytes.chunks(PART_BYTES)) {
            let place = [key.as_slice(), at.to_be_bytes().as_slice()].concat();
            parts.insert(place, part)?;
        }
        value.truncate(4);
    }
    events.insert(&key, value)?;
    Ok(())
}

fn transact(
    trees: &Trees,
    work: impl Fn(
        &TransactionalTree,
        &TransactionalTree,
        &TransactionalTree,
    ) -> Result<(), UnabortableTransactionError>,
) -> ::sled::Result<()> {
    let result =
        (&trees.events, &trees.answers, &trees.parts).transaction(|(events, answers, parts)| {
            work(events, answers, parts).map_err(ConflictableTransactionError::<Infallible>::from)
        });
    match result {
        Ok(()) => Ok(()),
        Err(TransactionError::Storage(error)) => Err(error),
        Err(TransactionError::Abort(never)) => match never {},
    }
}

/// Removes keys, last ones first. The keys are listed before, because a removal can merge leaves
/// that an iterator is still using.
fn remove(tree: &Tree, keys: impl Iterator<Item = ::sled::Result<IVec>>) -> ::sled::Result<()> {
    let keys = keys.collect::<::sled::Result<Vec<_>>>()?;
    for some in keys.rchunks(REMOVED_AT_ONCE) {
        let mut batch = ::sled::Batch::default();
        some.iter().for_each(|key| batch.remove(key));
        tree.apply_batch(batch)?;
    }
    Ok(())
}
