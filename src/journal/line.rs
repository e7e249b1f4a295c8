//! The format of `events.jsonl`: a header, then one event per line with its number and checksum.
//!
//! ```text
//! {"promptsearch_journal":1}
//! {"n":0,"crc":"4eeb7311","event":{"kind":"started"}}
//! ```
//!
//! The checksum covers the event's JSON exactly as written in the line, so a line can be checked
//! without parsing its event. This module opens and writes no files.

use super::Entry;
use crate::id::EventNumber;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{self, BufRead, Write};

/// The version of the format that is written, and the newest one that can be read.
pub(super) const VERSION: u64 = 1;

/// The first line, with its line break.
pub(super) fn header() -> String {
    format!("{{\"promptsearch_journal\":{VERSION}}}\n")
}

/// The version named in a header; `None` if the line is not a header.
pub(super) fn version(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Header {
        promptsearch_journal: u64,
    }
    serde_json::from_slice(line)
        .ok()
        .map(|header: Header| header.promptsearch_journal)
        .filter(|version| *version > 0)
}

/// One event as read from a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) number: EventNumber,
    pub(super) checksum: u32,
    /// Its JSON, which the checksum covers.
    pub(super) event: &'a [u8],
}

/// Appends the line of one event.
pub(super) fn write(lines: &mut Vec<u8>, number: EventNumber, event: &[u8]) {
    let checksum = crc32fast::hash(event);
    // Writing to memory cannot fail.
    let _ = write!(lines, "{{\"n\":{number},\"crc\":\"{checksum:08x}\",\"event\":");
    lines.extend_from_slice(event);
    lines.extend_from_slice(b"}\n");
}

/// Parses a line; the error says what is wrong with it.
pub(super) fn parse(line: &[u8]) -> Result<Line<'_>, String> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        n: u64,
        crc: &'a str,
        #[serde(borrow)]
        event: &'a RawValue,
    }
    let outer: Outer<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let event = outer.event.get().as_bytes();
    let checksum = crc32fast::hash(event);
    if u32::from_str_radix(outer.crc, 16) != Ok(checksum) {
        return Err("its checksum is wrong".to_owned());
    }
    Ok(Line { number: EventNumber(outer.n), checksum, event })
}

/// Parses an event's JSON; the error says what is wrong with it.
pub(super) fn decode<E: Entry>(event: &[u8]) -> Result<E, String> {
    serde_json::from_slice(event).map_err(|error| error.to_string())
}

/// Reads the lines of a file one at a time.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    end: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `input`, whose start is at byte `offset` of the file, after `read` lines.
    pub(super) fn after(input: R, offset: u64, read: u64) -> Self {
        Self { input, line: Vec::new(), number: read, end: offset }
    }

    /// Reads the next line; false at the end.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        let size = self.input.read_until(b'\n', &mut self.line)?;
        self.end += size as u64;
        self.number += u64::from(size > 0);
        Ok(size > 0)
    }

    /// The line, without its line break.
    pub(super) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// Whether the line is complete, with its line break.
    pub(super) fn is_terminated(&self) -> bool {
        self.line.ends_with(b"\n")
    }

    /// The line's number, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The byte offset of the end of this line.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, event: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        write(&mut lines, EventNumber(number), event.as_bytes());
        lines
    }

    #[test]
    fn a_line_looks_as_documented() {
        let written = line(12, r#"{"kind":"started"}"#);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "{\"n\":12,\"crc\":\"4eeb7311\",\"event\":{\"kind\":\"started\"}}\n"
        );
        assert_eq!(header(), "{\"promptsearch_journal\":1}\n");
        assert_eq!(version(header().as_bytes()), Some(1));
        assert_eq!(version(&line(0, "{}")), None);
    }

    #[test]
    fn the_checksum_covers_the_bytes_exactly_as_written() {
        let event = r#"{"b":1.50,  "a":"\u00e4"}"#;
        let written = line(3, event);
        let read = parse(&written).unwrap();
        assert_eq!(read.number, EventNumber(3));
        assert_eq!(read.event, event.as_bytes());
    }

    #[test]
    fn no_changed_bit_goes_unseen() {
        let written = line(7, r#"{"text":"paid for"}"#);
        let original = parse(&written).unwrap();
        for bit in 0..8 * (written.len() - 1) {
            let mut changed = written.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            // The checksum does not cover the number and the case of its own digits. A wrong number
            // is detected by its position.
            if let Ok(read) = parse(&changed) {
                assert_eq!(read.event, original.event, "bit {bit}");
                assert_eq!(read.checksum, original.checksum, "bit {bit}");
            }
        }
    }
}
