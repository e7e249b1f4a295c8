//! Single events of `events.jsonl`: where each begins, so that one is read without those before it.
//!
//! An index costs eight bytes for each event. Who looks only once needs none, and reads the file from its beginning.

use super::error::JournalError;
use super::line::{self, Lines};
use super::reader::{Reader, read_events};
use super::{Entry, file};
use crate::id::EventNumber;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Follows a file of events as it grows, and knows where each of them is.
#[derive(Clone, Debug)]
pub struct EventIndex {
    path: PathBuf,
    reader: Reader,
    /// The byte at which the line of each event begins.
    starts: Vec<u64>,
}

impl EventIndex {
    /// The index before the first event.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), reader: Reader::new(path), starts: Vec::new() }
    }

    /// Reads the events written since the last call, and returns their number. A file that does not exist yet has none.
    ///
    /// # Errors
    /// As [`read_events`]. The event that failed is read again the next time.
    pub fn read_new<E, X>(
        &mut self,
        mut f: impl FnMut(EventNumber, E) -> Result<(), X>,
    ) -> Result<u64, X>
    where
        E: Entry,
        X: From<JournalError>,
    {
        if self.starts.is_empty() && !self.path.exists() {
            return Ok(0);
        }
        let starts = &mut self.starts;
        self.reader.read_new_at(|number, start, event| {
            f(number, event)?;
            starts.push(start);
            Ok(())
        })
    }

    fn visit<E, X>(
        &self,
        wanted: &BTreeSet<EventNumber>,
        mut f: impl FnMut(EventNumber, E) -> Result<(), X>,
    ) -> Result<(), X>
    where
        E: Entry,
        X: From<JournalError>,
    {
        let failed = |error| JournalError::io("read", &self.path, error);
        let opened: File = crate::source::open(&self.path).map_err(failed)?;
        let mut input = BufReader::with_capacity(file::BUFFER_BYTES, opened);
        let mut place = 0_u64;
        for number in wanted {
            let start = usize::try_from(number.0).ok().and_then(|it| self.starts.get(it));
            let Some(start) = start.copied() else {
                return Err(JournalError::Missing(*number).into());
            };
            match i64::try_from(i128::from(start) - i128::from(place)) {
                Ok(ahead) => input.seek_relative(ahead).map_err(failed)?,
                Err(_) => drop(input.seek(SeekFrom::Start(start)).map_err(failed)?),
            }
            let mut lines = Lines::after(&mut input, start, number.0 + 1);
            if !lines.advance().map_err(failed)? {
                return Err(JournalError::Missing(*number).into());
            }
            let read = line::parse(lines.line()).and_then(|read| match read.number == *number {
                true => line::decode(read.event),
                false => Err(format!("expected event {}, found event {}", number.0, read.number.0)),
            });
            let event = read.map_err(|why| JournalError::Damaged {
                path: self.path.clone(),
                line: lines.number(),
                why,
            })?;
            place = lines.end();
            f(*number, event)?;
        }
        Ok(())
    }
}

/// The events of a run, of which some are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Events<'a> {
    /// In a file that is read from its beginning.
    File(&'a Path),
    /// In a file whose events can be read one by one.
    Indexed(&'a EventIndex),
}

impl Events<'_> {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Indexed(index) => &index.path,
        }
    }

    /// Visits these events in order.
    ///
    /// # Errors
    /// An error of `f`, or of the file.
    pub fn visit<E, X>(
        self,
        wanted: &BTreeSet<EventNumber>,
        mut f: impl FnMut(EventNumber, E) -> Result<(), X>,
    ) -> Result<(), X>
    where
        E: Entry,
        X: From<JournalError>,
    {
        match self {
            _ if wanted.is_empty() => Ok(()),
            Self::Indexed(index) => index.visit(wanted, f),
            Self::File(path) => read_events(path, |number, event| match wanted.contains(&number) {
                true => f(number, event),
                false => Ok(()),
            })
            .map(drop),
        }
    }
}

impl<'a> From<&'a Path> for Events<'a> {
    fn from(path: &'a Path) -> Self {
        Self::File(path)
    }
}

impl<'a> From<&'a PathBuf> for Events<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::File(path)
    }
}

impl<'a> From<&'a EventIndex> for Events<'a> {
    fn from(index: &'a EventIndex) -> Self {
        Self::Indexed(index)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Commit, Journal};
    use super::*;
    use crate::event::Event;

    #[test]
    fn single_events_are_read_while_the_file_grows() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::<Event>::open_with(folder.path(), Commit::default()).unwrap();
        let path = folder.path().join("events.jsonl");
        let mut index = EventIndex::new(&path);
        let grow = |from: u32, to: u32| {
            for rows in from..to {
                journal.append(Event::RowsWidened { rows }).unwrap();
            }
            futures_util::FutureExt::now_or_never(journal.flush());
            let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while std::time::Instant::now() < until {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                if text.lines().count() == to as usize + 1 {
                    return;
                }
            }
            panic!("the events are not written");
        };
        for (from, to) in [(0, 5), (5, 300)] {
            grow(from, to);
            let read = index.read_new(|_, _: Event| Ok::<_, JournalError>(())).unwrap();
            assert_eq!(read, u64::from(to - from));
            let wanted: BTreeSet<EventNumber> = [0, 3, u64::from(to) - 1].map(EventNumber).into();
            for events in [Events::from(&index), Events::from(&path)] {
                let mut seen = Vec::new();
                events
                    .visit(&wanted, |number, event: Event| {
                        let Event::RowsWidened { rows } = event else { panic!("{event:?}") };
                        assert_eq!(u64::from(rows), number.0);
                        seen.push(number);
                        Ok::<_, JournalError>(())
                    })
                    .unwrap();
                assert_eq!(seen, wanted.iter().copied().collect::<Vec<_>>());
            }
        }
        let missing = index.visit(&[EventNumber(300)].into(), |_, _: Event| Ok(()));
        assert!(matches!(missing, Err(JournalError::Missing(EventNumber(300)))));
    }
}
