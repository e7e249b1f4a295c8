//! Compares `events.jsonl` with the store when a journal is opened, and corrects it.
//!
//! Writing during a run is in `file`.

use super::Entry;
use super::error::JournalError;
use super::file::BUFFER_BYTES;
use super::line::{self, Lines};
use crate::id::EventNumber;
use crate::store::{Record, Store, move_aside, sync_folder};
use crate::text::plural;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How many bytes of events are copied from the file to the store at a time.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_EVENTS: usize = 1_024;

/// The file of events, read once in parallel with the store.
pub(super) struct SecondCopy<'a> {
    path: &'a Path,
    lines: Option<Lines<BufReader<File>>>,
    /// The next two lines that hold events.
    ahead: Option<Found>,
    beyond: Option<Found>,
    /// The number that the next line should have.
    follows: u64,
    /// How many events of the journal are in the file, in any position.
    pub(super) right: u64,
    /// How many events, and bytes, from the beginning of the file are correct.
    good: u64,
    good_end: u64,
    /// The first line that is damaged or out of place.
    damage: Option<u64>,
    /// Whether the last line is incomplete.
    torn: bool,
    /// The first event that differs from the store's.
    differs: Option<EventNumber>,
}

/// An event in the file.
struct Found {
    number: EventNumber,
    checksum: u32,
    event: Vec<u8>,
    line: u64,
    /// The offset of the line's end, if the line is complete.
    end: Option<u64>,
    /// The number of unreadable lines directly before it.
    after_bad: u64,
}

impl<'a> SecondCopy<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, JournalError> {
        let lines = match File::open(path) {
            Ok(file) => {
                let input = BufReader::with_capacity(BUFFER_BYTES, file);
                Some(Lines::after(input, 0, 0))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(JournalError::io("read", path, error)),
        };
        let mut copy = Self {
            path,
            lines,
            ahead: None,
            beyond: None,
            follows: 0,
            right: 0,
            good: 0,
            good_end: 0,
            damage: None,
            torn: false,
            differs: None,
        };
        copy.beyond = copy.find()?;
        copy.advance()?;
        Ok(copy)
    }

    /// Advances to the next event whose number is confirmed. The checksum does not cover the
    /// number, so a neighbouring line must confirm it.
    fn advance(&mut self) -> Result<(), JournalError> {
        loop {
            self.ahead = self.beyond.take();
            self.beyond = self.find()?;
            let Some(ahead) = &self.ahead else {
                return Ok(());
            };
            let number = ahead.number.0;
            let fits_before = (self.follows..=self.follows + ahead.after_bad).contains(&number);
            let next = self.beyond.as_ref().map(|beyond| beyond.number.0);
            if fits_before || next == Some(number.wrapping_add(1)) {
                self.follows = number.wrapping_add(1);
                return Ok(());
            }
            self.follows += ahead.after_bad + 1;
            self.damaged_here();
        }
    }

    /// Advances to the next line that holds an event.
    fn find(&mut self) -> Result<Option<Found>, JournalError> {
        let Some(lines) = &mut self.lines else {
            return Ok(None);
        };
        let mut after_bad = 0;
        while lines.advance().map_err(|e| JournalError::io("read", self.path, e))? {
            let line = lines.number();
            let end = lines.is_terminated().then(|| lines.end());
            self.torn |= end.is_none();
            if let (1, Some(end), Some(_)) = (line, end, line::version(lines.line())) {
                self.good_end = end;
            } else if let Ok(read) = line::parse(lines.line()) {
                if line == 1 {
                    self.damage = Some(1);
                }
                return Ok(Some(Found {
                    number: read.number,
                    checksum: read.checksum,
                    event: read.event.to_vec(),
                    line,
                    end,
                    after_bad,
                }));
            } else if end.is_some() {
                self.damage.get_or_insert(line);
                after_bad += 1;
            }
        }
        Ok(None)
    }

    /// Compares the file with one event of the store.
    pub(super) fn meet(&mut self, number: EventNumber, event: &[u8]) -> Result<(), JournalError> {
        self.skip_below(number)?;
        match &self.ahead {
            Some(ahead) if ahead.number > number => self.damaged_here(),
            Some(ahead) if ahead.checksum == crc32fast::hash(event) => {
                self.accept();
                self.advance()?;
            }
            Some(_) => {
                self.differs.get_or_insert(number);
                self.damaged_here();
                self.advance()?;
            }
            None => {}
        }
        Ok(())
    }

    /// Appends the events that only the file has to the store, and returns their number.
    pub(super) fn give_rest<E: Entry>(&mut self, store: &dyn Store) -> Result<u64, JournalError> {
        let before = store.len();
        let mut next = before;
        let mut batch = Vec::new();
        let mut size = 0;
        loop {
            self.skip_below(EventNumber(next))?;
            let Some(ahead) = &self.ahead else {
                break;
            };
            // The copies differ here, so the rest of the file is ignored.
            if self.differs.is_some() || ahead.number.0 != next {
                self.damaged_here();
                break;
            }
            let record = ahead.record::<E>(self.path)?;
            self.accept();
            self.advance()?;
            next += 1;
            size += record.bytes.len();
            batch.push(record);
            if size >= BATCH_BYTES || batch.len() >= BATCH_EVENTS {
                store.append(EventNumber(next - batch.len() as u64), &batch)?;
                batch.clear();
                size = 0;
            }
        }
        store.append(EventNumber(next - batch.len() as u64), &batch)?;
        if next > before {
            store.sync()?;
        }
        Ok(next - before)
    }

    fn skip_below(&mut self, number: EventNumber) -> Result<(), JournalError> {
        while self.ahead.as_ref().is_some_and(|ahead| ahead.number < number) {
            self.damaged_here();
            self.advance()?;
        }
        Ok(())
    }

    fn damaged_here(&mut self) {
        if let Some(ahead) = &self.ahead {
            let first = self.damage.map_or(ahead.line, |line| line.min(ahead.line));
            self.damage = Some(first);
        }
    }

    /// Accepts the next event as part of the journal.
    fn accept(&mut self) {
        self.right += 1;
        if let Some(ahead) = &self.ahead
            && let Some(end) = ahead.end
            && self.damage.is_none_or(|line| line > ahead.line)
            && self.good == ahead.number.0
        {
            self.good += 1;
            self.good_end = end;
        }
    }

    /// Makes the file equal to the store, and returns one sentence per repair.
    pub(super) fn repair(self, store: &dyn Store) -> Result<Vec<String>, JournalError> {
        let path = self.path;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(line) = self.damage {
            let fresh = rebuilt(path, store)?;
            let kept = move_aside(path)?;
            put_in_place(&fresh, path)?;
            let why = match self.differs {
                Some(number) => format!("differed from the store at event {number}"),
                None => format!("was damaged at line {line}"),
            };
            let kept = kept.display();
            return Ok(vec![format!(
                "{name} {why}; it has been rebuilt from the store, and the old version is kept in {kept}."
            )]);
        }
        if self.good_end == 0 {
            put_in_place(&rebuilt(path, store)?, path)?;
            return Ok(vec![format!(
                "{name} was missing or empty and has been rebuilt from the store."
            )]);
        }
        let mut repairs = Vec::new();
        if self.torn {
            let cut = OpenOptions::new().write(true).open(path);
            cut.and_then(|file| file.set_len(self.good_end))
                .map_err(|e| JournalError::io("cut", path, e))?;
            repairs.push(format!("The incomplete last line of {name} was removed."));
        }
        if self.good < store.len() {
            let file = OpenOptions::new().append(true).open(path);
            let file = file.map_err(|e| JournalError::io("open", path, e))?;
            write_from(store, EventNumber(self.good), file, path)?;
            let events = plural((store.len() - self.good) as usize, "event");
            repairs.push(format!("{events} that only the store had: copied to {name}."));
        }
        Ok(repairs)
    }
}

impl Found {
    /// The event as a record for the store. An event that cannot be parsed is an error: it may have
    /// been paid for, and only a newer program knows which request it answers.
    fn record<E: Entry>(&self, path: &Path) -> Result<Record, JournalError> {
        let event = line::decode::<E>(&self.event).map_err(|why| {
            let place = format!("line {} of {}", self.line, path.display());
            JournalError::Unknown { place, why }
        })?;
        Ok(Record { bytes: self.event.clone(), answers: event.answers() })
    }
}

fn rebuilt(path: &Path, store: &dyn Store) -> Result<PathBuf, JournalError> {
    let fresh = path.with_extension("jsonl.new");
    let made = File::create(&fresh).and_then(|mut file| {
        file.write_all(line::header().as_bytes())?;
        Ok(file)
    });
    let file = made.map_err(|e| JournalError::io("create", &fresh, e))?;
    let file = write_from(store, EventNumber(0), file, &fresh)?;
    // Sync it before it replaces the old file, so that the new one is never empty.
    file.sync_all().map_err(|e| JournalError::io("sync", &fresh, e))?;
    Ok(fresh)
}

fn put_in_place(fresh: &Path, path: &Path) -> Result<(), JournalError> {
    fs::rename(fresh, path).map_err(|e| JournalError::io("rename", fresh, e))?;
    sync_folder(path.parent().unwrap_or(path));
    Ok(())
}

/// Writes the store's events from `from` on as lines.
fn write_from(
    store: &dyn Store,
    from: EventNumber,
    file: File,
    path: &Path,
) -> Result<File, JournalError> {
    let cannot = |error| JournalError::io("write", path, error);
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
    let mut line = Vec::new();
    let mut result = Ok(());
    store.scan(from, &mut |number, event| {
        line.clear();
        line::write(&mut line, number, event);
        result = file.write_all(&line);
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    result.map_err(cannot)?;
    file.into_inner().map_err(|e| cannot(e.into_error()))
}
