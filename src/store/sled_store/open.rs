//! Opening sled's files, with or without its snapshots.
//!
//! A store that cannot be opened either way is rebuilt by the journal from the second copy.

use super::Trees;
use crate::store::StoreError;
use crate::store::aside;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The interval of sled's background flush, short enough that little is redone after a kill.
const FLUSH_EVERY_MS: u64 = 200;
/// The size of sled's cache; its default is a gigabyte.
const CACHE_BYTES: u64 = 64 << 20;

/// The longest wait for sled's own lock.
const LET_GO: Duration = Duration::from_secs(5);

/// Opens sled's files and reads all of them once, because some damage is detected only then.
///
/// The caller holds the store's lock, so sled's lock can only be held by a store of this process
/// that was just dropped: sled's threads close its files a little later.
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
            // Not closed, for the reason given in the store's `drop`.
            std::mem::forget(trees);
            Err(error)
        }
    }
}

/// Opens a copy of a damaged store without its snapshots. If the copy can be read, it replaces the
/// store. The store is unchanged until then, so a kill does no harm.
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

/// Handles a copy that a kill left. Without its store, the copy was already checked and only needs
/// to be renamed; with its store beside it, the copy is deleted.
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

/// Removes snapshots, because sled trusts the newest `snap.*` even if a kill left it incomplete.
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

/// Runs sled and turns its panics into errors: it panics on some kinds of damage.
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
