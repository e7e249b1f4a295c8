//! Sets files and folders aside: data that may have been paid for is moved or copied, never
//! deleted.
//!
//! It repairs nothing; its callers decide what to do with damaged data.

use super::StoreError;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Renames a file or folder to the first free `NAME.damaged-N` beside it, and returns its path.
///
/// # Errors
/// When it cannot be renamed.
pub(crate) fn move_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let kept = free_name(path);
    fs::rename(path, &kept).map_err(|e| StoreError::io("set aside", path, e))?;
    Ok(kept)
}

/// Copies a folder to the first free `NAME.damaged-N` beside it, and returns its path.
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

/// The path with a suffix added to its last component.
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

/// Makes the names in a folder durable, if possible: not every system can open a folder, and a lost
/// name costs at most one of two copies.
pub(crate) fn sync_folder(folder: &Path) {
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::debug!(%error, folder = %folder.display(), "cannot sync the folder");
    }
}

/// A lock on a store, held until it is dropped.
///
/// sled has a lock of its own, but takes it only after it has read its files. Some files are
/// deleted here before that, which must not happen while another process uses the store. The lock
/// file is beside the folder, so that it stays when the folder is moved aside.
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
