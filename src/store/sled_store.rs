//! The durable store: sled 0.34.7, handled with care.
//!
//! Nothing else names sled. Its habits that matter here were measured: after `flush` its data has
//! reached the file but not the disk; a kill while it opens can leave a half-written snapshot that
//! it then refuses; damage in the middle of its file makes it panic; and what does not fit a
//! quarter of its segments goes to files of their own that it never syncs. Not a repair from the
//! second copy: that is the journal's, which has one.

use super::aside::{self, Lock};
use super::{Record, Store, StoreError, seal, unseal};
use crate::id::{EventNumber, RequestHash};
use ::sled::transaction::{
    ConflictableTransactionError, TransactionError, Transactional, TransactionalTree,
    UnabortableTransactionError,
};
use ::sled::{Db, IVec, Tree};
use std::convert::Infallible;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// Often enough that little of sled's own bookkeeping is redone after a kill.
const FLUSH_EVERY_MS: u64 = 200;
/// sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 64 << 20;
/// A leaf of sled's tree holds up to 17 values, 20 after a merge, and is written as one piece;
/// a piece over 128 KiB becomes a file that is never synced. So a larger body goes in parts.
const PART_BYTES: usize = 6 << 10;
/// How much of the events a scan holds at a time.
const PAGE_BYTES: usize = 1 << 20;
/// How many entries one transaction removes.
const REMOVED_AT_ONCE: usize = 1_024;
/// A thread of sled's that has died would be waited for without end.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Events in a folder of sled's files.
pub struct SledStore {
    path: PathBuf,
    /// Only taken out when the store is dropped.
    trees: Option<Trees>,
    data: File,
    next: Mutex<u64>,
    broken: AtomicBool,
    salvaged: Option<PathBuf>,
    // After the trees, because fields are dropped in order and the lock must go last.
    _lock: Lock,
}

/// Three trees of one database, so that one transaction covers them.
struct Trees {
    _db: Db,
    /// Number, big-endian, to checksum and body; no body where it lies in parts.
    events: Tree,
    /// Request to number.
    answers: Tree,
    /// Number and number of the part, both big-endian, to a part of a body.
    parts: Tree,
}

impl SledStore {
    /// Opens the store in a folder, or makes one. A store that sled cannot read is opened without
    /// its snapshots if that helps; its files as they were are then kept beside it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process has it open; [`StoreError::Damaged`] if sled
    /// cannot read it either way, and then its files are as they were.
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

    /// Sets whatever is in the folder aside and makes an empty store; says where the old one is.
    ///
    /// # Errors
    /// [`StoreError::InUse`], or when the files cannot be moved or made.
    pub fn replace(path: &Path) -> Result<(Self, Option<PathBuf>), StoreError> {
        let lock = Lock::take(path)?;
        let kept = path.exists().then(|| aside::move_aside(path)).transpose()?;
        let store = Self::with(path, start(path)?, None, lock)?;
        Ok((store, kept))
    }

    /// Where the files are kept as they were, if opening took a repair.
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
        // The names of new files must be as durable as what will be in them.
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

    /// Runs sled, whose panics become errors. After one the store is only good for being left.
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
    /// sled's own would print every event.
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
            // Visited outside of `run`, so that a visitor's panic is its own.
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
        tracing::warn!(from = len, kept = %kept.display(), "events are cut from the store, which is kept");
        // From the end backwards and answers first: a kill on the way leaves a shorter store, never
        // one with a gap or with answers that are nowhere.
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
            // Closing flushes, and flushing what is damaged panics or never ends.
            std::mem::forget(trees);
            return;
        }
        let (closed, wait) = mpsc::channel();
        let close = move || {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(trees)));
            let _ = closed.send(());
        };
        if thread::Builder::new().spawn(close).is_ok() && wait.recv_timeout(CLOSE_WITHIN).is_err() {
            tracing::warn!(store = %self.path.display(), "the store does not close; everything in it is synced");
        }
    }
}

/// Opens sled's files and reads all of them once, since some damage shows only then.
fn start(path: &Path) -> Result<Trees, StoreError> {
    remove_snapshots(path, Snapshots::HalfWritten)?;
    let trees = guarded(path, || {
        let db = ::sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .open()?;
        Ok(Trees {
            events: db.open_tree("events")?,
            answers: db.open_tree("answers")?,
            parts: db.open_tree("parts")?,
            _db: db,
        })
    })?;
    let all_read = guarded(path, || {
        [&trees.events, &trees.answers, &trees.parts]
            .into_iter()
            .try_for_each(|tree| tree.iter().try_for_each(|entry| entry.map(drop)))
    });
    match all_read {
        Ok(()) => Ok(trees),
        Err(error) => {
            // Left open, for the reason given where the store is dropped.
            std::mem::forget(trees);
            Err(error)
        }
    }
}

/// Opens a copy of a damaged store without its snapshots, and if that can be read puts it in the
/// store's place. The store itself is untouched until then, so a kill on the way changes nothing.
fn salvage(path: &Path, copy: &Path) -> Result<PathBuf, StoreError> {
    let cannot = |error| StoreError::io("copy", path, error);
    aside::copy_folder(path, copy).map_err(cannot)?;
    remove_snapshots(copy, Snapshots::All)?;
    match start(copy) {
        Ok(trees) => {
            drop(trees);
            let kept = aside::move_aside(path)?;
            fs::rename(copy, path).map_err(cannot)?;
            Ok(kept)
        }
        Err(error) => {
            fs::remove_dir_all(copy).map_err(cannot)?;
            Err(match error {
                StoreError::Damaged { why, .. } => {
                    StoreError::Damaged { path: path.to_owned(), why }
                }
                other => other,
            })
        }
    }
}

/// A copy without its store was checked and only waits for the last rename; with its store beside
/// it, it may be anything.
fn finish_salvage(path: &Path, copy: &Path) -> Result<(), StoreError> {
    if path.exists() {
        fs::remove_dir_all(copy).map_err(|e| StoreError::io("remove", copy, e))
    } else {
        fs::rename(copy, path).map_err(|e| StoreError::io("rename", copy, e))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Snapshots {
    HalfWritten,
    All,
}

/// sled takes the newest `snap.*` for whole, even one that a kill left half-written.
fn remove_snapshots(path: &Path, which: Snapshots) -> Result<(), StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    for entry in entries {
        let file = entry.map_err(|e| StoreError::io("read", path, e))?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let half_written = name.ends_with(".generating");
        if name.starts_with("snap.") && (half_written || which == Snapshots::All) {
            fs::remove_file(&file).map_err(|e| StoreError::io("remove", &file, e))?;
        }
    }
    Ok(())
}

fn next_number(events: &Tree) -> ::sled::Result<u64> {
    let last = events.last()?;
    Ok(last.and_then(|(key, _)| number_of(&key)).map_or(0, |last| last + 1))
}

fn number_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// Some of the events from `from` on, up to the first that is missing or damaged.
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

/// An event's bytes, put together from its parts if there are any; nothing if the checksum is not
/// theirs.
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

/// Removes the last keys first. They are listed before, because removing merges the leaves that
/// an iterator would still be on.
fn remove(tree: &Tree, keys: impl Iterator<Item = ::sled::Result<IVec>>) -> ::sled::Result<()> {
    let keys = keys.collect::<::sled::Result<Vec<_>>>()?;
    for some in keys.rchunks(REMOVED_AT_ONCE) {
        let mut batch = ::sled::Batch::default();
        some.iter().for_each(|key| batch.remove(key));
        tree.apply_batch(batch)?;
    }
    Ok(())
}

fn guarded<T>(path: &Path, work: impl FnOnce() -> ::sled::Result<T>) -> Result<T, StoreError> {
    let damaged = |why: String| StoreError::Damaged { path: path.to_owned(), why };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(::sled::Error::Io(error))) => Err(match error.kind() {
            _ if error.to_string().starts_with("could not acquire lock") => {
                StoreError::InUse { path: path.to_owned(), holder: None }
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => damaged(error.to_string()),
            _ => StoreError::io("use", path, error),
        }),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(damaged(format!("sled panicked: {}", said.unwrap_or("no message"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::{self, bodies, records, scanned};
    use tempfile::TempDir;

    fn filled(path: &Path, len: u64) {
        let store = SledStore::open(path).unwrap();
        for first in (0..len).step_by(500) {
            let some = records(first..len.min(first + 500));
            store.append(EventNumber(first), &some).unwrap();
        }
        store.sync().unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn sled_keeps_the_contract() {
        let folder = TempDir::new().unwrap();
        let mut number = 0;
        contract::check(&mut || {
            number += 1;
            Box::new(SledStore::open(&folder.path().join(number.to_string())).unwrap())
        });
        for number in 1..=number {
            let large = folder.path().join(format!("{number}/blobs"));
            assert_eq!(names(&large), [""; 0], "sled never syncs its blobs");
        }
    }

    #[test]
    fn events_of_every_size_stay_out_of_the_files_that_are_never_synced() {
        let folder = TempDir::new().unwrap();
        let store = SledStore::open(&folder.path().join("journal")).unwrap();
        for round in 0..40 {
            let sizes = [PART_BYTES, PART_BYTES - 1, 2 * PART_BYTES, 5 * PART_BYTES + 7];
            let events = sizes.map(|size| Record { bytes: vec![b'x'; size], answers: None });
            store.append(EventNumber(4 * round), &events).unwrap();
        }
        store.sync().unwrap();
        assert_eq!(names(&folder.path().join("journal/blobs")), [""; 0]);
    }

    #[test]
    fn everything_is_there_after_opening_again() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        filled(&path, 700);
        let store = SledStore::open(&path).unwrap();
        assert_eq!(store.len(), 700);
        assert_eq!(scanned(&store, 0), bodies(0..700));
        store.truncate(650).unwrap();
        drop(store);
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scanned(&store, 0), bodies(0..650));
        assert_eq!(contract::answered(&store).last(), Some(&648));
        let kept = SledStore::open(&folder.path().join("journal.damaged-1")).unwrap();
        assert_eq!(kept.len(), 700, "what is cut is kept");
    }

    #[test]
    fn a_second_opener_is_told_who_has_it() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        let first = SledStore::open(&path).unwrap();
        for second in [SledStore::open(&path).map(drop), SledStore::replace(&path).map(drop)] {
            let error = second.unwrap_err();
            let me = std::process::id();
            assert!(
                matches!(error, StoreError::InUse { holder: Some(holder), .. } if holder == me),
                "{error}"
            );
        }
        drop(first);
        SledStore::open(&path).unwrap();
    }

    #[test]
    fn sleds_own_lock_is_understood() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        let _other = ::sled::open(&path).unwrap();
        let error = SledStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    }

    #[test]
    fn a_half_written_snapshot_is_removed() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        filled(&path, 100);
        fs::write(path.join("snap.FFFFFFFFFFFFFFFF.generating"), b"half").unwrap();
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scanned(&store, 0), bodies(0..100));
        assert_eq!(store.salvaged(), None);
    }

    #[test]
    fn a_damaged_snapshot_is_done_without() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        filled(&path, 100);
        fs::write(path.join("snap.FFFFFFFFFFFFFFFF"), b"not a snapshot").unwrap();
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scanned(&store, 0), bodies(0..100));
        assert_eq!(store.salvaged(), Some(&*folder.path().join("journal.damaged-1")));
        assert!(
            names(&folder.path().join("journal.damaged-1"))
                .contains(&"snap.FFFFFFFFFFFFFFFF".into())
        );
        drop(store);
        assert_eq!(SledStore::open(&path).unwrap().salvaged(), None);
        assert_eq!(names(folder.path()), ["journal", "journal.damaged-1", "journal.lock"]);
    }

    #[test]
    fn a_salvage_that_was_killed_is_finished_or_begun_again() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        let copy = folder.path().join("journal.salvage");
        filled(&copy, 10);
        let store = SledStore::open(&path).unwrap();
        assert_eq!(store.len(), 10, "a copy alone was good already");
        drop(store);
        filled(&copy, 5);
        let store = SledStore::open(&path).unwrap();
        assert_eq!(store.len(), 10, "a copy beside its store may be half a copy");
        assert!(!copy.exists());
    }

    #[test]
    fn a_store_beyond_repair_is_reported_and_left_as_it_is() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        filled(&path, 20_000);
        let data = path.join("db");
        let mut bytes = fs::read(&data).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + (64 << 10)].fill(0);
        fs::write(&data, &bytes).unwrap();
        let error = SledStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert_eq!(names(folder.path()), ["journal", "journal.lock"]);
        let (store, kept) = SledStore::replace(&path).unwrap();
        assert_eq!(store.len(), 0);
        assert_eq!(kept, Some(folder.path().join("journal.damaged-1")));
    }

    #[test]
    fn a_scan_stops_before_a_damaged_or_missing_event() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal");
        filled(&path, 50);
        let meddle = |number: u64, value: Option<&[u8]>| {
            let db = ::sled::open(&path).unwrap();
            let events = db.open_tree("events").unwrap();
            match value {
                Some(value) => events.insert(number.to_be_bytes(), value).unwrap(),
                None => events.remove(number.to_be_bytes()).unwrap(),
            };
        };
        meddle(30, Some(b"1234wrong"));
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scanned(&store, 0), bodies(0..30));
        assert_eq!(store.len(), 50);
        let error = store.read(EventNumber(30)).unwrap_err();
        assert!(error.to_string().contains("event 30"), "{error}");
        drop(store);
        meddle(20, None);
        let store = SledStore::open(&path).unwrap();
        assert_eq!(scanned(&store, 0), bodies(0..20));
        assert_eq!(store.read(EventNumber(20)).unwrap(), None);
    }
}
