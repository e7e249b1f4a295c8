//! Writes `events.jsonl`: the second copy of the journal, which other processes read.
//!
//! Only its first line is read here.

use super::error::JournalError;
use super::line;
use crate::store::sync_folder;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The size of the buffer for reading or writing a file.
pub(super) const BUFFER_BYTES: usize = 128 << 10;
/// The time between two syncs. After a power failure this copy may lack the events of this time;
/// they are restored from the store.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// An `events.jsonl` that is open for writing.
#[derive(Debug)]
pub(super) struct EventsFile {
    path: PathBuf,
    file: File,
    unsynced_since: Option<Instant>,
}

impl EventsFile {
    /// Opens an intact file for appending.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(|e| JournalError::io("open", path, e))?;
        Ok(Self { path: path.to_owned(), file, unsynced_since: None })
    }

    /// Writes complete lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<(), JournalError> {
        self.file.write_all(lines).map_err(|e| JournalError::io("write", &self.path, e))?;
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// The time until the next sync is due; `None` if everything is synced.
    pub(super) fn sync_due(&self) -> Option<Duration> {
        let since = self.unsynced_since?;
        Some(SYNC_EVERY.saturating_sub(since.elapsed()))
    }

    /// Makes everything written durable.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        if self.unsynced_since.take().is_some() {
            self.file.sync_data().map_err(|e| JournalError::io("sync", &self.path, e))?;
        }
        Ok(())
    }
}

/// Creates a file without events, if there is no file.
pub(super) fn create(path: &Path) -> Result<(), JournalError> {
    let made = File::create_new(path).and_then(|mut file| {
        file.write_all(line::header().as_bytes())?;
        file.sync_all()
    });
    match made {
        Ok(()) => sync_folder(path.parent().unwrap_or(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(JournalError::io("create", path, error)),
    }
    Ok(())
}

/// Rejects a file that a newer program wrote, before anything is changed.
pub(super) fn refuse_newer(path: &Path) -> Result<(), JournalError> {
    let first = || -> io::Result<Vec<u8>> {
        let mut first = Vec::new();
        let file = BufReader::new(File::open(path)?);
        file.take(4_096).read_until(b'\n', &mut first)?;
        Ok(first)
    };
    match first() {
        Ok(first) => line::version(&first).map_or(Ok(()), |version| known_version(path, version)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(JournalError::io("read", path, error)),
    }
}

/// Rejects a version that is newer than this program's.
pub(super) fn known_version(path: &Path, version: u64) -> Result<(), JournalError> {
    if version <= line::VERSION {
        return Ok(());
    }
    Err(JournalError::Newer { path: path.to_owned(), found: version, known: line::VERSION })
}
