//! Mistakes in the user's files: file, line, message and hint.
//!
//! Failures of the machine or the network are not mistakes; the modules that detect them have their
//! own errors.

pub(crate) mod json; // JSON without a key twice, and with all digits.
mod seal; // Shows that a file of evidence was edited.
mod tables; // A list is no struct.
mod toml_file; // Keys and values of a TOML file, and what is wrong with them.
pub(crate) mod yaml; // YAML and JSON documents with lines.

pub use self::seal::{is_sealed, sealed};
pub use self::toml_file::{
    UnknownName, explain_unknown_name, line_of_key, parse_toml, parse_toml_with, with_string_at,
};

use crate::text;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Opens a file of the user's. A pipe or a device may never end, and cannot be read twice.
///
/// # Errors
/// It cannot be opened, or is no file.
pub fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    File::open(path)
}

/// Replaces a file at once: no reader sees a part of it, and a crash leaves the old one or the new one, on disk. What is
/// written first lies beside it, under a name of this process that ends in `.part`.
///
/// # Errors
/// It cannot be written; then the old one stays.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    // What lies there was left by a kill, or is a link that somebody put there.
    let _ = std::fs::remove_file(&part);
    let written = File::create_new(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_data()?;
        std::fs::rename(&part, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// The bytes of a file of the user's.
///
/// # Errors
/// As for [`open`]; or it cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file of the user's, without the byte order mark that some editors write at its head.
///
/// # Errors
/// As for [`read`]; or it is not UTF-8, or has NUL characters.
pub fn read_text(path: &Path) -> io::Result<String> {
    let no_text = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let text = String::from_utf8(read(path)?)
        .map_err(|_| no_text("it is not UTF-8 text; save it as UTF-8"))?;
    // UTF-16 without a mark is valid UTF-8 where the script is Western.
    if text.contains('\0') {
        return Err(no_text("it has NUL characters (byte 0), as UTF-16 has; save it as UTF-8"));
    }
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// A mistake in a file that the user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, if known.
    pub line: Option<usize>,
    /// What is wrong: a lower-case sentence without a full stop.
    pub message: String,
    /// A hint for the user, if there is one.
    pub help: Option<String>,
    /// The file could not be written because the disk is full, which is no mistake in it.
    pub is_disk_full: bool,
}

impl SourceError {
    /// A mistake in a file, without a line.
    pub fn new(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { file: file.into(), line: None, message, help: None, is_disk_full: false }
    }

    /// Adds the line, from 1.
    #[must_use]
    pub fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds the line, from a byte offset in the file's text.
    #[must_use]
    pub fn at_offset(self, text: &str, offset: usize) -> Self {
        self.at_line(line_of_offset(text, offset))
    }

    /// Adds a hint.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where and what, without the hint.
    #[must_use]
    pub fn without_help(&self) -> String {
        let line = self.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {}", self.file.display(), self.message)
    }

    /// A file that cannot be read, with the file beside it that may have been meant.
    #[must_use]
    pub fn unreadable(file: &Path, error: &io::Error) -> Self {
        if error.kind() != io::ErrorKind::NotFound {
            return Self::new(file, format!("cannot be read: {}", text::cause(error)));
        }
        if file.to_str().is_some_and(|it| it.starts_with("http://") || it.starts_with("https://")) {
            return Self::new(file, "this is an address, not a file")
                .help("download it, and name the file");
        }
        let missing = Self::new(file, "there is no such file");
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
        let names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        let typed = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match text::did_you_mean(typed, names.iter().map(String::as_str)) {
            Some(name) => missing.help(format!("did you mean `{name}`?")),
            None => missing,
        }
    }

    /// A file that cannot be written.
    #[must_use]
    pub fn unwritable(file: &Path, error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
            _ => text::cause(error),
        };
        let message = format!("cannot be written: {cause}");
        Self { is_disk_full: text::is_disk_full(error), ..Self::new(file, message) }
    }

    /// The same mistake, at the line of another file that names this one.
    #[must_use]
    pub fn named_in(self, file: &Path, line: Option<usize>) -> Self {
        let message = format!("`{}`: {}", self.file.display(), self.message);
        Self { file: file.to_owned(), line, message, ..self }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_help())?;
        if let Some(help) = &self.help {
            write!(f, "\n  try: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SourceError {}

/// The line, from 1, that holds the byte at `offset`.
#[must_use]
pub fn line_of_offset(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
}

/// Whether JSON is an object. A list would be read as the fields of a struct in their order.
#[must_use]
pub fn is_json_object(json: &[u8]) -> bool {
    json.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_file_line_and_hint() {
        let error = SourceError::new("task.toml", "no data").at_line(3).help("add [data]");
        assert_eq!(error.to_string(), "task.toml:3: no data\n  try: add [data]");
    }
}
