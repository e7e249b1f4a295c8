//! The folder of a run: its files, how they are written, and the lock on it.
//!
//! The content of the files is declared elsewhere: `run.json` in `file`, `summary.json` in `summary`.

use crate::source::replace_file;
use crate::store::FactFileError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The version of `run.json` and `summary.json`.
pub const SCHEMA: u32 = 1;

/// An error with a run's folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunDirError {
    /// A file cannot be read or written.
    #[error("{}: {}", path.display(), crate::text::cause(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has invalid content.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file of facts cannot be read or written, or a line of it is damaged.
    #[error(transparent)]
    Facts(#[from] FactFileError),
    /// The runs' folder is no folder.
    #[error("`{path}` is not a folder: runs are kept in a folder, which `--out` names")]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// The run's folder is, or holds, what would lead its files elsewhere.
    #[error(
        "`{path}` is a link, a pipe or a device: a run writes into its own folder only; remove it"
    )]
    Link {
        /// The path.
        path: PathBuf,
    },
    /// Another process is using the run.
    #[error("the run `{run}` is in use{by}")]
    InUse {
        /// The run.
        run: String,
        /// The process, if known.
        by: String,
    },
    /// There is no such run.
    #[error("there is no run `{asked}` under {out}{hint}")]
    Unknown {
        /// The name given by the user.
        asked: String,
        /// The folder that was searched.
        out: PathBuf,
        /// A hint with the runs that exist.
        hint: String,
    },
    /// It is the folder of several runs.
    #[error("`{}` is a night, which has several runs", .0.name())]
    Night(RunDir),
    /// A night has, or will have, a run of this name.
    #[error("the name `{run}` belongs to a run of the night `{night}`: choose another name")]
    OfNight {
        /// The name.
        run: String,
        /// The night's name.
        night: String,
    },
    /// A run with this name already exists.
    #[error("the run `{0}` already exists; use `promptsearch resume {0}` to resume it")]
    Exists(String),
}

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunDir {
    path: PathBuf,
}

/// A lock on a run against other processes, held until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl AsRef<Path> for RunDir {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl RunDir {
    /// The folder at this path, which need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Creates the folder of a new run, and locks it before anything is written there: of two starts
    /// under one name one gets the folder. A folder without `run.json` was left by a process that was
    /// killed before the run started; it is reused.
    ///
    /// # Errors
    /// It already holds a run, another process starts one there, or it cannot be created.
    pub fn create(path: &Path) -> Result<(Self, RunLock), RunDirError> {
        if let Some(out) = path.parent() {
            create_runs_folder(out)?;
        }
        let run = Self::at(path);
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error(path, error));
            }
            _ => run.check_unused()?,
        }
        let lock = run.lock()?;
        // Another process may have started the run, and ended it, since the folder was looked at.
        run.check_unused()?;
        Ok((run, lock))
    }

    fn check_unused(&self) -> Result<(), RunDirError> {
        let files = [RUN_FILE, NIGHT_FILE, "events.jsonl", "journal"];
        match files.iter().any(|file| self.file(file).exists()) {
            true => Err(RunDirError::Exists(self.name())),
            false => Ok(()),
        }
    }

    /// Checks that no night beside it has a run of this name, but for `own`, the night that begins it.
    ///
    /// # Errors
    /// One has.
    pub fn check_name(&self, own: Option<&str>) -> Result<(), RunDirError> {
        #[derive(Deserialize)]
        struct Named {
            night: String,
            runs: Vec<NamedRun>,
        }
        #[derive(Deserialize)]
        struct NamedRun {
            run: String,
        }
        let parent = self.path.parent().unwrap_or(Path::new(""));
        let parent = if parent == Path::new("") { Path::new(".") } else { parent };
        let (run, folders) = (self.name(), fs::read_dir(parent).into_iter().flatten().flatten());
        let files = folders.filter_map(|folder| {
            // A night that cannot be read begins no run.
            let bytes = crate::source::read(&folder.path().join(NIGHT_FILE)).ok()?;
            serde_json::from_slice::<Named>(&bytes).ok()
        });
        let mut others = files.filter(|night| Some(night.night.as_str()) != own);
        match others.find(|night| night.runs.iter().any(|it| it.run == run)) {
            Some(Named { night, .. }) => Err(RunDirError::OfNight { run, night }),
            None => Ok(()),
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// A file of the run.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The journal's second copy, which any process may read.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.file("events.jsonl")
    }

    /// Locks the run for this process.
    ///
    /// # Errors
    /// Another process has locked it.
    pub fn lock(&self) -> Result<RunLock, RunDirError> {
        self.check_links()?;
        let path = self.file("lock");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|source| io_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => {
                let said = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
                said.map_err(|source| io_error(&path, source))?;
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let by = fs::read_to_string(&path).unwrap_or_default();
                let by = match by.trim() {
                    "" => String::new(),
                    process => format!(" by process {process}"),
                };
                Err(RunDirError::InUse { run: self.name(), by })
            }
            Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
        }
    }

    /// A folder that somebody prepared must not lead the files of a run elsewhere.
    fn check_links(&self) -> Result<(), RunDirError> {
        if self.path.is_symlink() {
            return Err(RunDirError::Link { path: self.path.clone() });
        }
        let within = [self.path.clone(), self.file("best"), self.file("journal")];
        for entry in within.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten() {
            let entry = entry.map_err(|source| io_error(&self.path, source))?;
            let meta = entry.path().symlink_metadata().map_err(|e| io_error(&entry.path(), e))?;
            if !(meta.is_dir() || meta.is_file() && links(&meta) == 1) {
                return Err(RunDirError::Link { path: entry.path() });
            }
        }
        Ok(())
    }

    /// Whether a process has locked the run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        let Ok(file) = crate::source::open(&self.file("lock")) else { return false };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// A JSON file of the run.
    ///
    /// # Errors
    /// It cannot be read, or its content is invalid.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunDirError> {
        let path = self.file(name);
        // A pipe in its place would never end.
        let bytes = crate::source::read(&path).map_err(|source| io_error(&path, source))?;
        let malformed = |message: String| RunDirError::Malformed { path: path.clone(), message };
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let version: Version =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if version.schema > SCHEMA {
            let message = format!("written by a newer program (schema {})", version.schema);
            return Err(malformed(message));
        }
        serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))
    }

    /// Replaces a file atomically.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunDirError> {
        let path = self.file(name);
        let parent = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(parent).map_err(|source| io_error(parent, source))?;
        if parent != self.path && parent.is_symlink() {
            return Err(RunDirError::Link { path: parent.to_owned() });
        }
        replace_file(&path, bytes).map_err(|source| io_error(&path, source))
    }

    /// Replaces a file atomically with a value as JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), RunDirError> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| {
            RunDirError::Malformed { path: self.file(name), message: error.to_string() }
        })?;
        bytes.push(b'\n');
        self.write(name, &bytes)
    }
}

/// The name of the file with what a run was started with.
pub const RUN_FILE: &str = "run.json";
/// The name of the file that a folder of several runs has in its place.
pub const NIGHT_FILE: &str = "night.json";
/// The name of the file with the summary.
pub const SUMMARY_FILE: &str = "summary.json";

/// Creates the folder that holds the runs, unless it is there.
pub(super) fn create_runs_folder(out: &Path) -> Result<(), RunDirError> {
    if out.symlink_metadata().is_ok() && !out.is_dir() && out != Path::new("") {
        return Err(RunDirError::NoFolder { path: out.to_owned() });
    }
    fs::create_dir_all(out).map_err(|source| io_error(out, source))
}

pub(super) fn io_error(path: &Path, source: io::Error) -> RunDirError {
    RunDirError::Io { path: path.to_owned(), source }
}

/// How many names a file has: another one may lie in another folder.
#[cfg(unix)]
fn links(meta: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    meta.nlink()
}

/// Where the system does not say, it is one.
#[cfg(not(unix))]
fn links(_meta: &fs::Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(out: &Path, name: &str) -> RunDir {
        let (run, _) = RunDir::create(&out.join(name)).unwrap();
        run.write(RUN_FILE, br#"{"schema": 1}"#).unwrap();
        run
    }

    #[test]
    fn a_folder_of_a_run_that_never_began_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("r");
        RunDir::create(&folder).unwrap();
        let (run, lock) = RunDir::create(&folder).unwrap();
        let in_use = RunDir::create(&folder).unwrap_err();
        assert!(matches!(in_use, RunDirError::InUse { .. }), "{in_use}");
        drop(lock);
        run.write(RUN_FILE, br#"{"schema": 1}"#).unwrap();
        let exists = RunDir::create(&folder).unwrap_err();
        assert!(exists.to_string().contains("resume r"));
    }

    #[test]
    fn a_second_lock_reports_the_process_that_has_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), "r");
        assert!(!run.is_running());
        let lock = run.lock().unwrap();
        assert!(run.is_running());
        let error = run.lock().unwrap_err();
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(lock);
        run.lock().unwrap();
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), "r");
        run.write(RUN_FILE, br#"{"schema": 99}"#).unwrap();
        let read = run.read_json::<serde_json::Value>(RUN_FILE);
        assert!(read.unwrap_err().to_string().contains("newer"));
    }
}
