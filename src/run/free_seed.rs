//! The smallest seed that no search of a task in a results folder has.
//!
//! Two runs that start at once must not take the same one: the folder is locked from the moment at which its
//! runs are read until the new run has its `run.json`.

use super::dir::{RunDir, RunDirError, create_runs_folder, io_error};
use super::file::{RunFile, RunKind};
use crate::seed::Seed;
use crate::task::{Task, TaskSource};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The file that is locked while a seed is taken.
const LOCK: &str = ".seeds.lock";

/// A seed that no other run takes while this is held.
#[derive(Debug)]
pub(super) struct FreeSeed {
    seed: Seed,
    _lock: File,
}

impl FreeSeed {
    /// Takes the smallest seed, from 1 on, that no search of this task in the folder has: neither one of a
    /// task with this name, nor one of the same file. Waits while another process takes one. A run that
    /// cannot be read has no seed.
    ///
    /// # Errors
    /// The folder cannot be created, read or locked.
    pub(super) fn take(out: &Path, task: &Task) -> Result<Self, RunDirError> {
        create_runs_folder(out)?;
        let lock = lock(&out.join(LOCK))?;
        let file = match &task.source {
            TaskSource::Files(files) => std::path::absolute(&files.file).ok(),
            TaskSource::Memory(_) => None,
        };
        let mut taken = BTreeSet::new();
        for dir in RunDir::list(out)? {
            let Ok(run) = RunFile::read(&dir) else { continue };
            let same_file = file.is_some() && file_of(&run) == file.as_ref();
            if run.kind == RunKind::Search && (run.task_name == task.name || same_file) {
                taken.insert(run.seed.0);
            }
        }
        let free = (1..).find(|seed| !taken.contains(seed)).unwrap_or(1);
        Ok(Self { seed: Seed(free), _lock: lock })
    }

    /// The seed.
    pub(super) fn seed(&self) -> Seed {
        self.seed
    }
}

/// The smallest seed that no search of this task in the folder has now: for several runs that are to have the same one.
///
/// # Errors
/// The folder cannot be created, read or locked.
pub fn free_seed(out: &Path, task: &Task) -> Result<Seed, RunDirError> {
    Ok(FreeSeed::take(out, task)?.seed())
}

fn file_of(run: &RunFile) -> Option<&PathBuf> {
    match &run.task {
        TaskSource::Files(files) => Some(&files.file),
        TaskSource::Memory(_) => None,
    }
}

fn lock(path: &Path) -> Result<File, RunDirError> {
    // A link would lead elsewhere, and a pipe would never open.
    if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        return Err(RunDirError::Link { path: path.to_owned() });
    }
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let locked = options.open(path).and_then(|file| file.lock().map(|()| file));
    locked.map_err(|source| io_error(path, source))
}
