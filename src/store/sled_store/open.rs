//! Opening sled's files, with or without its snapshots.
//!
//! Not the rebuilding of a store that cannot be opened either way: that takes the second copy.

use super::Trees;
use crate::store::StoreError;
use crate::store::aside;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Often enough that little of sled's own bookkeeping is redone after a kill.
const FLUSH_EVERY_MS: u64 = 200;
/// sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 64 << 20;

/// How long sled's own lock is waited for.
const LET_GO: Duration = Duration::from_secs(5);

/// Opens sled's files and reads all of them once, since some damage shows only then.
///
/// Our own lock is held by then, so whoever still has sled's is no other process but a store of this
/// one that was dropped a moment ago: sled's threads let go of its files a little later.
pub(super) fn start(path: &Path) -> Result<Trees, StoreError> {
    let until = Instant::now() + LET_GO;
    loop {
        match start_now(path) {
            Err(StoreError::InUse { .. }) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(2));
            }
            started => return started,
        }
    }
}

fn start_now(path: &Path) -> Result<Trees, StoreError> {
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
pub(super) fn salvage(path: &Path, copy: &Path) -> Result<PathBuf, StoreError> {
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
pub(super) fn finish_salvage(path: &Path, copy: &Path) -> Result<(), StoreError> {
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

/// Runs sled and turns its panics into errors: it panics on some damage, and reports other.
pub(super) fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> ::sled::Result<T>,
) -> Result<T, StoreError> {
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
