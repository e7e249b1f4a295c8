//! The lines of a text file, one at a time, so that a large file needs little memory.
//!
//! It knows encodings and line ends, but no format.

use super::windows_1252;
use crate::source::{self, SourceError};
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The bytes at the beginning of a file from which its encoding is guessed.
const PROBED_BYTES: usize = 4096;

/// What to do with a file that is readable but not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirks {
    /// Report it: rows that are used must be exactly what the file says.
    Refuse,
    /// Read it, and say so: the rows are converted into another file.
    Convert,
}

/// A reader of lines.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line_end: u8,
    bytes: Vec<u8>,
    /// The line, where its bytes are not UTF-8.
    decoded: String,
    quirks: Quirks,
    number: usize,
    /// Whether the file was UTF-16.
    pub(super) was_utf16: bool,
}

impl Lines {
    pub(super) fn open(path: &Path, quirks: Quirks) -> Result<Self, SourceError> {
        let file = source::open(path).map_err(|error| SourceError::unreadable(path, &error))?;
        let mut reader = BufReader::new(file);
        let mut head = Vec::new();
        let taken = reader.by_ref().take(PROBED_BYTES as u64).read_to_end(&mut head);
        taken.map_err(|error| SourceError::unreadable(path, &error))?;
        if let Some(error) = not_text(path, &head).or_else(|| utf32(path, &head)) {
            return Err(error);
        }
        let mut reader: Box<dyn BufRead> = Box::new(Cursor::new(head.clone()).chain(reader));
        let was_utf16 = utf16_order(&head).is_some();
        if let Some(order) = utf16_order(&head) {
            if quirks == Quirks::Refuse {
                return Err(utf16(path, &head));
            }
            let text = decoded(path, order, &mut reader)?;
            head = text.as_bytes()[..text.len().min(PROBED_BYTES)].to_vec();
            reader = Box::new(Cursor::new(text.into_bytes()));
        }
        if head.starts_with(BOM) {
            reader
                .consume_exactly(BOM.len())
                .map_err(|error| SourceError::unreadable(path, &error))?;
        }
        // Old Macs end lines with a carriage return alone.
        let old_mac = head.contains(&b'\r') && !head.contains(&b'\n');
        Ok(Self {
            path: path.to_owned(),
            reader,
            line_end: if old_mac { b'\r' } else { b'\n' },
            bytes: Vec::new(),
            decoded: String::new(),
            quirks,
            number: 0,
            was_utf16,
        })
    }

    /// The next line with its end, and its number from 1; `None` after the last one.
    pub(super) fn next_line(&mut self) -> Result<Option<(usize, &str)>, SourceError> {
        self.bytes.clear();
        let length = self
            .reader
            .read_until(self.line_end, &mut self.bytes)
            .map_err(|error| SourceError::unreadable(&self.path, &error))?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if let Some((message, help)) = control_characters(&self.bytes) {
            return Err(SourceError::new(&self.path, message).at_line(self.number).help(help));
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Some((self.number, text))),
            Err(_) if self.quirks == Quirks::Convert && windows_1252::is_text(&self.bytes) => {
                self.decoded = windows_1252::decoded(&self.bytes);
                Ok(Some((self.number, &self.decoded)))
            }
            Err(_) => Err(not_utf8(&self.path, self.number)),
        }
    }
}

trait ConsumeExactly {
    fn consume_exactly(&mut self, count: usize) -> std::io::Result<()>;
}

impl ConsumeExactly for Box<dyn BufRead> {
    fn consume_exactly(&mut self, count: usize) -> std::io::Result<()> {
        std::io::copy(&mut self.by_ref().take(count as u64), &mut std::io::sink()).map(drop)
    }
}

/// The first line of a file that is not UTF-8, and that is read as Windows-1252 by a conversion.
pub(super) fn windows_1252_line(path: &Path) -> Result<Option<usize>, SourceError> {
    let mut lines = Lines::open(path, Quirks::Convert)?;
    while let Some((number, _)) = lines.next_line()? {
        if !lines.decoded.is_empty() {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The whole text of a file, without its mark.
pub(super) fn read_whole(path: &Path, quirks: Quirks) -> Result<String, SourceError> {
    let mut lines = Lines::open(path, quirks)?;
    let mut text = String::new();
    while let Some((_, line)) = lines.next_line()? {
        text.push_str(line);
    }
    Ok(text)
}

fn not_utf8(path: &Path, line: usize) -> SourceError {
    SourceError::new(path, "this is not UTF-8 text")
        .at_line(line)
        .help("save the file as UTF-8 (in Excel: \"CSV UTF-8\")")
}

/// Checks that a record that is not the first does not begin with the mark of a file.
pub(super) fn check_mark(path: &Path, number: usize, line: &str) -> Result<(), SourceError> {
    match number > 1 && line.as_bytes().starts_with(BOM) {
        true => Err(SourceError::new(path, "this line begins with a byte order mark")
            .at_line(number)
            .help("several files may have been put together here: remove the mark, and a second header")),
        false => Ok(()),
    }
}

/// What is no text in a line, and what to do about it.
fn control_characters(line: &[u8]) -> Option<(&'static str, &'static str)> {
    if line.contains(&0) {
        return Some((
            "this line has NUL characters (byte 0)",
            "the file may not be written to its end, or is no text: write it anew, or remove them (`tr -d '\\000'`)",
        ));
    }
    line.trim_ascii_end().ends_with(b"\x1a").then_some((
        "this line ends with Ctrl-Z (byte 26), with which old programs end a file",
        "remove it (`tr -d '\\032'`)",
    ))
}

fn utf32(path: &Path, head: &[u8]) -> Option<SourceError> {
    let is_marked = head.starts_with(b"\xFF\xFE\0\0") || head.starts_with(b"\0\0\xFE\xFF");
    // Nearly all letters fill two of four bytes; in UTF-16, the other two are the next letter.
    let quads = head.as_chunks::<4>().0;
    let zero = |place: usize| quads.iter().all(|quad| quad[place] == 0);
    let is_bare = quads.len() > 1
        && (zero(0) && zero(1) || zero(2) && zero(3))
        && head.iter().any(|it| *it != 0);
    (is_marked || is_bare).then(|| {
        SourceError::new(path, "the file is UTF-32, not UTF-8")
            .at_line(1)
            .help("save the file as UTF-8")
    })
}

fn utf16(path: &Path, head: &[u8]) -> SourceError {
    let marked = head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF");
    let message = match marked {
        true => "the file is UTF-16, not UTF-8",
        false => "the file is UTF-16 without a byte order mark, not UTF-8",
    };
    SourceError::new(path, message).at_line(1).help("save the file as UTF-8")
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

/// The byte order of UTF-16. Without a mark, nearly every second byte of a text in a Western script
/// is zero, and UTF-8 text has no zeros.
fn utf16_order(head: &[u8]) -> Option<ByteOrder> {
    if head.starts_with(b"\xFF\xFE") {
        return Some(ByteOrder::Little);
    }
    if head.starts_with(b"\xFE\xFF") {
        return Some(ByteOrder::Big);
    }
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|it| **it == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    match (even, odd) {
        (even, odd) if odd > many && odd > 4 * even => Some(ByteOrder::Little),
        (even, odd) if even > many && even > 4 * odd => Some(ByteOrder::Big),
        _ => None,
    }
}

fn decoded(path: &Path, order: ByteOrder, reader: &mut dyn BufRead) -> Result<String, SourceError> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| SourceError::unreadable(path, &error))?;
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| match order {
        ByteOrder::Little => u16::from_le_bytes(*pair),
        ByteOrder::Big => u16::from_be_bytes(*pair),
    });
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|_| rest.is_empty()).ok_or_else(|| {
        SourceError::new(path, "the file looks like UTF-16, but parts of it are not")
            .help("save the file as UTF-8")
    })
}

/// Files that are no text at all but often lie where data lies.
fn not_text(path: &Path, head: &[u8]) -> Option<SourceError> {
    let (what, help) = [
        (&b"PK\x03\x04"[..], "a zip archive or an Excel workbook", "export it as CSV in UTF-8"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook", "export it as CSV in UTF-8"),
        (b"\x1F\x8B", "compressed with gzip", "decompress it with `gunzip`"),
        (b"PAR1", "a Parquet file", "convert it to JSON Lines"),
        (b"<!DOCTYPE", "a web page", "download the file itself: the page may ask for a login"),
        (b"<!doctype", "a web page", "download the file itself: the page may ask for a login"),
        (b"<html", "a web page", "download the file itself: the page may ask for a login"),
        (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file with `git lfs pull`"),
    ]
    .into_iter()
    .find_map(|(magic, what, help)| {
        head.trim_ascii_start().starts_with(magic).then_some((what, help))
    })?;
    Some(SourceError::new(path, format!("this is {what}, not data")).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(bytes: &[u8], quirks: Quirks) -> Result<Vec<String>, SourceError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path, quirks)?;
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next_line()? {
            assert_eq!(number, found.len() + 1);
            found.push(line.to_owned());
        }
        Ok(found)
    }

    fn utf16_of(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn utf16_is_recognised_with_and_without_a_mark() {
        let text = "Nr,Frage\n1,Größe?\n";
        let bare = utf16_of(text);
        let marked = [b"\xFF\xFE".as_slice(), &bare].concat();
        let big: Vec<u8> = bare.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        for (bytes, says) in
            [(&bare, "without a byte order mark"), (&marked, "UTF-16"), (&big, "without")]
        {
            let error = lines_of(bytes, Quirks::Refuse).unwrap_err();
            assert!(error.message.contains(says), "{error}");
            assert!(error.help.unwrap().contains("UTF-8"));
            let read = lines_of(bytes, Quirks::Convert).unwrap().concat();
            assert_eq!(read.trim_start_matches('\u{feff}'), text);
        }
    }

    #[test]
    fn windows_1252_is_converted_and_other_encodings_are_refused() {
        let text = b"Nr;Gr\xF6\xDFe\n1;5 \x80 \x96 viel\n";
        assert!(lines_of(text, Quirks::Refuse).unwrap_err().message.contains("not UTF-8"));
        assert_eq!(lines_of(text, Quirks::Convert).unwrap().concat(), "Nr;Größe\n1;5 € – viel\n");
        let shift_jis = b"\x8D\x5C\x95\xA8,\x92\x8D\x95\xB6,a\n";
        assert!(lines_of(shift_jis, Quirks::Convert).unwrap_err().message.contains("not UTF-8"));
    }

    #[test]
    fn a_mark_is_no_text_and_old_line_ends_are_ends() {
        assert_eq!(lines_of(b"\xEF\xBB\xBFa\nb", Quirks::Refuse).unwrap(), ["a\n", "b"]);
        assert_eq!(lines_of(b"a\rb\r", Quirks::Refuse).unwrap(), ["a\r", "b\r"]);
        assert_eq!(lines_of(b"a\r\nb", Quirks::Refuse).unwrap(), ["a\r\n", "b"]);
    }

    #[test]
    fn files_that_are_no_text_are_named() {
        for (bytes, says) in [
            (&b"PK\x03\x04rest"[..], "Excel workbook"),
            (b"\x1F\x8B\x08rest", "gzip"),
            (b"PAR1rest", "Parquet"),
            (b"\xFF\xFE\0\0i\0\0\0d\0\0\0", "UTF-32"),
            (b"\0\0\0i\0\0\0d\0\0\0\n", "UTF-32"),
            (b"i\0\0\0d\0\0\0\n\0\0\0", "UTF-32"),
            (b"id,text\n1,a\0\n", "NUL"),
            (b"id,text\n1,a\r\n\x1a", "Ctrl-Z"),
            (b"id,text\n1,caf\xe9\n", "not UTF-8"),
        ] {
            let error = lines_of(bytes, Quirks::Refuse).unwrap_err();
            assert!(error.message.contains(says) && error.help.is_some(), "{error}");
        }
    }
}
