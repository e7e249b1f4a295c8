//! Two copies made one again: what either lacks is taken from the other.
//!
//! A kill leaves the copies a few events apart, and perhaps a torn last line. Damage is another
//! matter: what is replaced because of it is set aside, never deleted. Not a merge of two
//! histories: where whole events differ, the store is believed.

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

/// What opening a journal found, and what it put right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many events there are.
    pub events: u64,
    /// How many of them only `events.jsonl` had.
    pub from_file: u64,
    /// How many of them only the store had.
    pub from_store: u64,
    /// A sentence for everything that was put right, for people.
    pub repairs: Vec<String>,
}

impl Recovery {
    fn note(&mut self, repair: String) {
        tracing::warn!("{repair}");
        self.repairs.push(repair);
    }
}

/// Opens the store, or makes an empty one in its place if it is beyond repair and there is a
/// second copy to fill it from.
pub(super) fn open_store(
    folder: &Path,
    file: &Path,
    recovery: &mut Recovery,
) -> Result<SledStore, JournalError> {
    let folder_was_there = folder.exists();
    let opened = match SledStore::open(folder) {
        Ok(store) => Some(store),
        Err(StoreError::Damaged { why, .. }) => {
            recovery.note(format!("The store was damaged beyond repair: {why}."));
            None
        }
        Err(other) => return Err(other.into()),
    };
    if opened.as_ref().is_none_or(Store::is_empty) {
        // The file is made before the store, so each state below has one cause.
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
                "The store was damaged and could be repaired; as it was, it is kept in {kept}."
            ));
        }
        return Ok(store);
    }
    let (store, kept) = SledStore::replace(folder)?;
    if let Some(kept) = kept {
        let kept = kept.display();
        recovery.note(format!(
            "The store is made again from events.jsonl; the damaged one is kept in {kept}."
        ));
    }
    Ok(store)
}

/// What a file of events is good for when the store has none.
enum Content {
    Missing,
    /// No more than a part of its first line: its making was interrupted.
    Begun,
    /// An event can be read, or a header that nothing follows.
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

/// Completes the store from the file, then the file from the store. A kill on the way leaves
/// something to do for the next time, never less than there was.
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
            "The store was damaged after {} of {}; as it was, it is kept beside it.",
            plural(valid.index(), "event"),
            claimed
        ));
    }
    recovery.from_file = copy.give_rest::<E>(store)?;
    recovery.events = store.len();
    recovery.from_store = recovery.events - copy.right;
    if recovery.from_file > 0 {
        let events = plural(recovery.from_file as usize, "event");
        recovery.note(format!("{events} that only events.jsonl had went into the store."));
    }
    for repair in copy.repair(store)? {
        recovery.note(repair);
    }
    Ok(())
}

/// Prepares a run's folder: refuses what a newer program wrote, and begins a new journal's file.
pub(super) fn begin(folder: &Path, file: &Path) -> Result<(), JournalError> {
    file::refuse_newer(file)?;
    if folder.exists() || file.exists() {
        return Ok(());
    }
    file::create(file)
}
