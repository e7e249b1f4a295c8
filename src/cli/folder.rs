//! A folder that is written as a whole or not at all, also if the program is interrupted.

use super::error::{CliError, Kind};
use crate::source;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the names of folders in the making begin with; 16 hexadecimal digits follow.
const PREFIX: &str = ".promptsearch-init-";

/// The file that a folder in the making keeps locked: the lock ends with the process. It is empty until
/// it is locked.
const LOCK: &str = ".lock";

/// The content of a lock file.
const LOCKED: &[u8] = b"locked";

/// A folder of this age without a lock was left by a process that was killed before it had one.
const STALE: Duration = Duration::from_secs(60);

/// A folder in the making, beside the folder that it becomes; it is removed unless it is kept.
pub(super) struct NewFolder {
    target: PathBuf,
    path: PathBuf,
    lock: Option<File>,
    /// Held while files are moved: an interruption waits for it.
    moving: Arc<Mutex<()>>,
}

impl NewFolder {
    /// Creates it. The target may exist already; then files are added to it.
    pub(super) fn create(target: &Path) -> Result<Self, CliError> {
        let target = std::path::absolute(target)?;
        if target.exists() && !target.is_dir() {
            return Err(CliError::usage(format!("{} is not a folder", target.display()))
                .hint("choose another folder; nothing was changed"));
        }
        // On the same disk as the target, so that a rename suffices.
        let beside = target.ancestors().skip(1).find(|it| it.is_dir()).unwrap_or(Path::new("."));
        let inside = if target.is_dir() { &target } else { beside };
        remove_stale(inside);
        // Random, because processes of two containers may have the same number.
        let number = RandomState::new().hash_one(std::process::id());
        let path = inside.join(format!("{PREFIX}{number:016x}"));
        let failed = |error: io::Error| CliError::not_written(inside, &error);
        fs::create_dir(&path).map_err(failed)?;
        let mut folder = Self { target: target.clone(), path, lock: None, moving: Arc::default() };
        let mut lock = File::create(folder.path.join(LOCK)).map_err(failed)?;
        // Where files cannot be locked, only the removal of stale folders is lost.
        let _ = lock.try_lock();
        lock.write_all(LOCKED).map_err(failed)?;
        folder.lock = Some(lock);
        remove_at_interrupt(folder.path.clone(), Arc::clone(&folder.moving));
        Ok(folder)
    }

    /// Where its files are written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts its files into the target. The first one is moved last: a program that is killed meanwhile
    /// leaves a folder without it.
    pub(super) fn keep(mut self, names: &[String]) -> Result<(), CliError> {
        let moving = Arc::clone(&self.moving);
        let _moving = moving.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => CliError::usage(
                format!("another program wrote to {} meanwhile", self.target.display()),
            )
            .hint("choose another folder; nothing was changed"),
            _ => CliError::not_written(&self.target, &error),
        };
        // Removed while it is locked: no other process finds it free.
        fs::remove_file(self.path.join(LOCK)).map_err(failed)?;
        self.lock = None;
        if !self.target.exists() {
            if let Some(parent) = self.target.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            return fs::rename(&self.path, &self.target).map_err(failed);
        }
        let mut moved: Vec<PathBuf> = Vec::new();
        for name in names.iter().rev() {
            let place = self.target.join(name);
            // A link is refused if the file is there, where a rename would replace it.
            let result =
                fs::hard_link(self.path.join(name), &place).or_else(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Err(error),
                    _ => fs::copy(self.path.join(name), &place).map(drop).inspect_err(|_| {
                        // Half of a file is no file.
                        let _ = fs::remove_file(&place);
                    }),
                });
            if let Err(error) = result {
                moved.iter().for_each(|file| drop(fs::remove_file(file)));
                return Err(failed(error));
            }
            moved.push(place);
        }
        Ok(())
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of processes that were killed.
fn remove_stale(inside: &Path) {
    let Ok(entries) = fs::read_dir(inside) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.and_then(|name| name.strip_prefix(PREFIX)).is_some_and(is_number) {
            remove_if_stale(&path);
        }
    }
}

fn is_number(digits: &str) -> bool {
    digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit())
}

fn remove_if_stale(folder: &Path) {
    let lock = folder.join(LOCK);
    match source::open(&lock) {
        // Only what this program made has such a file: a folder of the user is not removed.
        Ok(file) if io::read_to_string(&file).is_ok_and(|it| it.as_bytes() == LOCKED) => {
            if file.try_lock().is_ok() {
                let _ = fs::remove_dir_all(folder);
            }
        }
        // It is not locked yet, and has no other file.
        _ => {
            let changed = fs::symlink_metadata(folder).and_then(|it| it.modified());
            if changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > STALE)) {
                if fs::metadata(&lock).is_ok_and(|it| it.len() == 0) {
                    let _ = fs::remove_file(&lock);
                }
                // It fails for a folder that is not empty.
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Removes a folder and ends the program when it is told to stop.
fn remove_at_interrupt(folder: PathBuf, moving: Arc<Mutex<()>>) {
    use tokio::signal::unix::{SignalKind, signal};
    std::thread::spawn(move || -> Option<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().ok()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt()).ok()?;
            let mut terminate = signal(SignalKind::terminate()).ok()?;
            tokio::select! {
                told = interrupt.recv() => told,
                told = terminate.recv() => told,
            }
        })?;
        let _moving = moving.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = fs::remove_dir_all(&folder);
        std::process::exit(i32::from(Kind::Interrupted.exit_code()));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_there_already_takes_back_what_was_moved() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("task");
        fs::create_dir(&target).unwrap();
        let folder = NewFolder::create(&target).unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), "new").unwrap();
        }
        // Another program writes a file of the same name meanwhile.
        fs::write(target.join("b"), "own").unwrap();
        let error = folder.keep(&["a", "b", "c"].map(String::from)).unwrap_err();
        assert!(error.to_string().contains("another program wrote to"), "{error}");
        assert_eq!(names(&target), ["b"]);
        assert_eq!(fs::read_to_string(target.join("b")).unwrap(), "own");
    }

    #[test]
    fn of_two_at_once_one_is_kept_whole() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("task");
        let folder = NewFolder::create(&target).unwrap();
        fs::write(folder.path().join("a"), "new").unwrap();
        // Another program makes the same folder meanwhile.
        fs::create_dir(&target).unwrap();
        fs::write(target.join("a"), "own").unwrap();
        let error = folder.keep(&["a".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("another program wrote to"), "{error}");
        assert_eq!((names(place.path()), names(&target)), (vec!["task".into()], vec!["a".into()]));
        assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "own");
    }

    #[test]
    fn a_folder_that_is_not_kept_is_removed_and_one_that_is_has_no_lock() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("deep/task");
        drop(NewFolder::create(&target).unwrap());
        assert_eq!(names(place.path()), Vec::<String>::new());
        let folder = NewFolder::create(&target).unwrap();
        fs::write(folder.path().join("a"), "new").unwrap();
        folder.keep(&["a".to_owned()]).unwrap();
        assert_eq!(
            (names(place.path()), names(&target)),
            (vec!["deep".to_owned()], vec!["a".to_owned()])
        );
    }

    #[test]
    fn the_folders_of_killed_processes_are_removed_and_those_of_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let of_other = |name: &str| {
            let folder = place.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&folder).unwrap();
            let mut lock = File::create(folder.join(LOCK)).unwrap();
            lock.write_all(LOCKED).unwrap();
            lock
        };
        let (alive, dead, young) = ("00000000000000a1", "00000000000000b2", "00000000000000c3");
        let locked = of_other(alive);
        locked.try_lock().unwrap();
        drop(of_other(dead));
        let make = |name: &str| {
            let folder = place.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&folder).unwrap();
            folder
        };
        // Its process has not locked it yet.
        File::create(make(young).join(LOCK)).unwrap();
        // Folders of the user, the second as old as those that are removed.
        make("mine");
        let own = make("00000000000000d4");
        fs::write(own.join("notes.txt"), "mine").unwrap();
        let old = File::open(&own).unwrap();
        old.set_modified(std::time::UNIX_EPOCH).unwrap();
        drop(NewFolder::create(&place.path().join("task")).unwrap());
        let left = [alive, young, "00000000000000d4", "mine"].map(|it| format!("{PREFIX}{it}"));
        assert_eq!(names(place.path()), left);
    }
}
