//! Makes the two copies equal again when a journal is opened.
//!
//! After a kill one copy may lack a few events, and the last line may be incomplete. If a copy is
//! damaged, the old version is set aside and never deleted. Two histories are not merged: if intact
//! events differ, the store's are used.

use super::Entry;
use super::error::JournalError;
use super::file;
use super::line::{self, Lines};
use super::second_copy::SecondCopy;
use crate::id::EventNumber;
use crate::store::{SledStore, Store, StoreError};
use crate::text::plural;
use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

/// What was found and repaired when a journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The number of events.
    pub events: u64,
    /// The number of events that only `events.jsonl` had.
    pub from_file: u64,
    /// The number of events that only the store had.
    pub from_store: u64,
    /// One sentence per repair, for the user.
    pub repairs: Vec<String>,
}

impl Recovery {
    fn note(&mut self, repair: String) {
        tracing::warn!("{repair}");
        self.repairs.push(repair);
    }
}

/// Opens the store. If it cannot be repaired and there is a second copy, creates an empty one,
/// which is then filled from the second copy.
pub(super) fn open_store(
    folder: &Path,
    file: &Path,
    recovery: &mut Recovery,
) -> Result<SledStore, JournalError> {
    let folder_was_there = folder.exists();
    let opened = match SledStore::open(folder) {
        Ok(store) => Some(store),
        Err(StoreError::Damaged { why, .. }) => {
            recovery.note(format!("The store was damaged and could not be repaired: {why}."));
            None
        }
        Err(other) => return Err(other.into()),
    };
    if opened.as_ref().is_none_or(Store::is_empty) {
        // The file is created before the store, so each state below has only one cause.
        let lost = match Content::of(file)? {
            Content::Readable => false,
            Content::Begun => opened.is_none(),
            Content::Missing => folder_was_there,
            Content::Unreadable => true,
        };
        if lost {
            let (store, file) = (folder.to_owned(), file.to_owned());
            return Err(JournalError::Lost { store, file });
        }
    }
    if let Some(store) = opened {
        if let Some(kept) = store.salvaged() {
            let kept = kept.display();
            recovery.note(format!(
                "The store was damaged and has been repaired; the damaged version is kept in {kept}."
            ));
        }
        return Ok(store);
    }
    let (store, kept) = SledStore::replace(folder)?;
    if let Some(kept) = kept {
        let kept = kept.display();
        recovery.note(format!(
            "The store has been rebuilt from events.jsonl; the damaged version is kept in {kept}."
        ));
    }
    Ok(store)
}

/// The state of a file of events when the store has none.
enum Content {
    Missing,
    /// Only part of its first line: its creation was interrupted.
    Begun,
    /// It has a readable event, or only a header.
    Readable,
    Unreadable,
}

impl Content {
    fn of(path: &Path) -> Result<Self, JournalError> {
        let cannot = |error| JournalError::io("read", path, error);
        let mut lines = match File::open(path) {
            Ok(file) => Lines::after(BufReader::new(file), 0, 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing),
            Err(error) => return Err(cannot(error)),
        };
        let mut state = Self::Begun;
        while lines.advance().map_err(cannot)? {
            let (line, first) = (lines.line(), lines.number() == 1);
            if line::parse(line).is_ok() {
                return Ok(Self::Readable);
            }
            let torn_by_a_kill =
                !lines.is_terminated() && (!first || line::header().as_bytes().starts_with(line));
            if first && line::version(line).is_some() {
                state = Self::Readable;
            } else if !torn_by_a_kill {
                state = Self::Unreadable;
            }
        }
        Ok(state)
    }
}

/// Completes the store from the file, then the file from the store. If this is killed, the next
/// opening completes it; nothing is lost.
pub(super) fn reconcile<E: Entry>(
    store: &dyn Store,
    path: &Path,
    recovery: &mut Recovery,
) -> Result<(), JournalError> {
    let mut copy = SecondCopy::open(path)?;
    let mut failure = Ok(());
    let valid = store.scan(EventNumber(0), &mut |number, event| {
        failure = copy.meet(number, event);
        match failure {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    failure?;
    if valid.0 < store.len() {
        let claimed = store.len();
        store.truncate(valid.0)?;
        recovery.note(format!(
            "The store was damaged after {} of {}; the damaged version is kept beside it.",
            plural(valid.index(), "event"),
            claimed
        ));
    }
    recovery.from_file = copy.give_rest::<E>(store)?;
    recovery.events = store.len();
    recovery.from_store = recovery.events - copy.right;
    if recovery.from_file > 0 {
        let events = plural(recovery.from_file as usize, "event");
        recovery.note(format!("{events} that only events.jsonl had: copied to the store."));
    }
    for repair in copy.repair(store)? {
        recovery.note(repair);
    }
    Ok(())
}

/// Prepares a run's folder: rejects a journal that a newer program wrote, and creates the file of a
/// new journal.
pub(super) fn begin(folder: &Path, file: &Path) -> Result<(), JournalError> {
    file::refuse_newer(file)?;
    if folder.exists() || file.exists() {
        return Ok(());
    }
    file::create(file)
}
