//! Reads `events.jsonl` from any process, during a run or after it.
//!
//! It does not open the store, which only the run may open, and it repairs nothing.

use super::error::JournalError;
use super::line::{self, Lines};
use super::{Entry, file};
use crate::id::EventNumber;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Reads all events of a file, in order. An unfinished last line is ignored.
///
/// # Errors
/// An error of `f`; a line that is damaged or cannot be parsed; a file that cannot be read.
pub fn read_events<E, X>(
    path: &Path,
    f: impl FnMut(EventNumber, E) -> Result<(), X>,
) -> Result<u64, X>
where
    E: Entry,
    X: From<JournalError>,
{
    Reader::new(path).read_new(f)
}

/// A position in a file of events, from which reading continues.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    offset: u64,
    lines: u64,
    next: u64,
}

impl Reader {
    /// The position before the first event.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), offset: 0, lines: 0, next: 0 }
    }

    /// Reads the events written since the last call, and returns their number.
    ///
    /// The file is opened each time, because a repair may have replaced it. The part that was
    /// already read is byte for byte the same in the new file.
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
        self.read_new_at(|number, _, event| f(number, event))
    }

    /// The same; each event comes with the byte at which its line begins.
    pub(super) fn read_new_at<E, X>(
        &mut self,
        mut f: impl FnMut(EventNumber, u64, E) -> Result<(), X>,
    ) -> Result<u64, X>
    where
        E: Entry,
        X: From<JournalError>,
    {
        let before = self.next;
        let mut lines = self.open()?;
        while self.advance(&mut lines)? {
            if lines.number() == 1 {
                self.check_header(lines.line())?;
            } else {
                let read = line::parse(lines.line()).and_then(|read| match read.number.0 {
                    number if number == self.next => Ok(read),
                    number => Err(format!("expected event {}, found event {number}", self.next)),
                });
                let read = match read {
                    Ok(read) => read,
                    Err(why) => {
                        let (path, line) = (self.path.clone(), lines.number());
                        if !self.advance(&mut lines)? {
                            break;
                        }
                        return Err(JournalError::Damaged { path, line, why }.into());
                    }
                };
                let event = line::decode(read.event).map_err(|why| {
                    let (line, path) = (lines.number(), self.path.display());
                    let place = format!("line {line} of {path}");
                    JournalError::Unknown { place, why }
                })?;
                f(read.number, self.offset, event)?;
                self.next += 1;
            }
            self.offset = lines.end();
            self.lines = lines.number();
        }
        Ok(self.next - before)
    }

    fn open(&self) -> Result<Lines<BufReader<File>>, JournalError> {
        let open = || {
            let mut file: File = crate::source::open(&self.path)?;
            file.seek(SeekFrom::Start(self.offset))?;
            Ok(BufReader::with_capacity(file::BUFFER_BYTES, file))
        };
        let input = open().map_err(|e| JournalError::io("read", &self.path, e))?;
        Ok(Lines::after(input, self.offset, self.lines))
    }

    /// Whether there is another complete line.
    fn advance(&self, lines: &mut Lines<BufReader<File>>) -> Result<bool, JournalError> {
        let more = lines.advance().map_err(|e| JournalError::io("read", &self.path, e))?;
        Ok(more && lines.is_terminated())
    }

    fn check_header(&self, first: &[u8]) -> Result<(), JournalError> {
        match line::version(first) {
            Some(version) => file::known_version(&self.path, version),
            None => Err(JournalError::Damaged {
                path: self.path.clone(),
                line: 1,
                why: "this is not the header of a journal".to_owned(),
            }),
        }
    }
}
