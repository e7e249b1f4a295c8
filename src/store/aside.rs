//! Files and folders set aside: what may have been paid for is moved or copied, never deleted.
//!
//! Not a repair: what to do with a damaged store or file is decided by who found it damaged.

use super::StoreError;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Renames a file or folder to the first free `NAME.damaged-N` beside it, and says which.
///
/// # Errors
/// When it cannot be renamed.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let kept = free_name(path);
    fs::rename(path, &kept).map_err(|e| StoreError::io("set aside", path, e))?;
    Ok(kept)
}

/// Copies a folder to the first free `NAME.damaged-N` beside it, and says which.
pub(super) fn copy_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let kept = free_name(path);
    copy_folder(path, &kept).map_err(|e| StoreError::io("copy aside", path, e))?;
    Ok(kept)
}

/// Copies a folder with everything in it.
pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The same path with something after its last name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn free_name(path: &Path) -> PathBuf {
    (1..)
        .map(|number| with_suffix(path, &format!(".damaged-{number}")))
        .find(|name| !name.exists())
        .unwrap_or_else(|| with_suffix(path, ".damaged"))
}

/// Makes the names in a folder durable. Best effort: not every system can open a folder, and a
/// name that is lost costs one of two copies at most.
pub(crate) fn sync_folder(folder: &Path) {
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::debug!(%error, folder = %folder.display(), "cannot sync the folder");
    }
}

/// The right to open one store, held until it is dropped.
///
/// sled has a lock of its own, but only takes it after its files have been looked at, and we
/// delete some of them before: that must not happen under another process's feet. The lock stands
/// beside the folder, so that it outlasts moving the folder aside.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(store, ".lock");
        let cannot = |error| StoreError::io("lock", &path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(StoreError::InUse {
                    path: store.to_owned(),
                    holder: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        file.set_len(0).map_err(cannot)?;
        writeln!(file, "{}", std::process::id()).map_err(cannot)?;
        Ok(Self { _file: file })
    }
}
