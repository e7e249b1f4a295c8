//! Where a throttle's state is: in this process, or in a file that all runs of this machine share.
//!
//! The file is small, and locked for a moment at each step. Where another process keeps the lock for
//! longer than 50 ms, a run goes on with what it knew last. A file that cannot be read is written anew.

use super::moment::{Moment, follow_the_clock};
use super::state::State;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often, and how far apart, the lock is tried for.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

/// After it was not given, it is not tried for this long.
const ON_ITS_OWN: Duration = Duration::from_secs(5);

/// Larger than any state.
const LARGEST: u64 = 64 * 1024;

/// A state, and the file that shares it.
#[derive(Debug)]
pub(super) struct Place {
    known: Mutex<PlaceState>,
}

#[derive(Debug)]
struct PlaceState {
    state: State,
    file: Option<File>,
    /// Until when the file is left alone.
    alone_until: Moment,
}

impl Place {
    /// In this process.
    pub(super) fn own() -> Self {
        let now = Moment::now();
        let known = PlaceState { state: State::new(now), file: None, alone_until: now };
        Self { known: Mutex::new(known) }
    }

    /// In a file, which is made where it is not there.
    ///
    /// # Errors
    /// It cannot be opened, or is no file.
    pub(super) fn shared(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // A pipe would wait for its other end.
        if fs::symlink_metadata(path).is_ok_and(|it| !it.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let place = Self::own();
        place.known.lock().unwrap_or_else(PoisonError::into_inner).file = Some(file);
        Ok(place)
    }

    /// Changes the state. Whatever it takes from the clock, it takes while the state is locked.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        // No code that holds the lock can panic halfway, so a poisoned state is still whole.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let PlaceState { state, file, alone_until } = &mut *known;
        if file.is_some() {
            follow_the_clock();
        }
        let now = Moment::now();
        let Some(file) = file.as_mut().filter(|_| now >= *alone_until) else {
            return change(state);
        };
        if !try_to_lock(file) {
            tracing::debug!("another process keeps the file of limits");
            *alone_until = now + ON_ITS_OWN;
            return change(state);
        }
        match read(file) {
            Ok(shared) if shared.is_sane(now) => *state = shared,
            Ok(_) => *state = State::new(now),
            Err(_) => {}
        }
        let result = change(state);
        if let Err(error) = write(file, state) {
            tracing::debug!(%error, "the file of limits cannot be written");
            *alone_until = now + ON_ITS_OWN;
        }
        // The system releases it when the process exits.
        let _ = file.unlock();
        result
    }
}

fn try_to_lock(file: &File) -> bool {
    (0..TRIES).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(BETWEEN_TRIES);
        }
        file.try_lock().is_ok()
    })
}

/// What another process wrote. A process that was killed may have left half of it.
fn read(file: &mut File) -> io::Result<State> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(LARGEST).read_to_end(&mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

fn write(file: &mut File, state: &State) -> io::Result<()> {
    let bytes = serde_json::to_vec(state).map_err(io::Error::other)?;
    file.rewind()?;
    file.write_all(&bytes)?;
    file.set_len(bytes.len() as u64)
}
