//! Mistakes in the user's files: file, line, message and hint.
//!
//! Failures of the machine or the network are not mistakes; the modules that detect them have their
//! own errors.

mod tables;

use crate::text;
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
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

    /// Makes a mistake from the TOML parser's error, with a suggestion for a mistyped key.
    #[must_use]
    fn from_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let (message, help) = explain_unknown_name(error.message());
        let is_syntax = toml::de::DeTable::parse(text).is_err();
        let from = error.span().map_or(0, |span| span.start.min(text.len()));
        let (message, help) = match is_syntax {
            true => {
                let (message, help) = explain_syntax(&message, text, from);
                (format!("invalid TOML: {message}"), help)
            }
            false => {
                let help =
                    help.or_else(|| explain_type(&message, text.get(from..).unwrap_or_default()));
                (message, help)
            }
        };
        let unknown = message.strip_prefix("unknown key `").and_then(|rest| rest.split('`').next());
        let at = error.span().map(|span| span.start);
        // For a table that parses its keys itself, only the position of the table is known.
        let key = unknown.zip(at).and_then(|(key, from)| offset_of_line(text, from, key));
        let mut result = Self::new(file, message);
        if let Some(offset) = key.or(at) {
            result = result.at_offset(text, offset);
        }
        result.help = help;
        result
    }
}

/// The start of the first line, from an offset on, that assigns a value to a key.
fn offset_of_line(text: &str, from: usize, key: &str) -> Option<usize> {
    let start = text.get(..from)?.rfind('\n').map_or(0, |end| end + 1);
    let mut offset = start;
    for line in text.get(start..)?.split_inclusive('\n') {
        let rest = line.trim_start().strip_prefix(key).map(str::trim_start);
        if rest.is_some_and(|rest| rest.starts_with('=')) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
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

/// Turns serde's list of expected names into a suggestion: `(message, help)`.
#[must_use]
pub fn explain_unknown_name(message: &str) -> (String, Option<String>) {
    for (opening, noun) in [("unknown field `", "key"), ("unknown variant `", "value")] {
        let Some(rest) = message.strip_prefix(opening) else {
            continue;
        };
        let Some((typed, rest)) = rest.split_once('`') else {
            continue;
        };
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        let help = if known.is_empty() {
            "remove it: this table has no keys".to_owned()
        } else {
            crate::text::suggestion(typed, &known)
        };
        return (format!("unknown {noun} `{typed}`"), Some(help));
    }
    (in_plain_words(message).unwrap_or_else(|| message.trim_end().replace('\n', ": ")), None)
}

/// What is wrong with the syntax at a place of a TOML file, and what to do.
fn explain_syntax(message: &str, text: &str, from: usize) -> (String, Option<String>) {
    let rest = text.get(from..).unwrap_or_default();
    let start = text.get(..from).and_then(|it| it.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|it| it.lines().next()).unwrap_or_default();
    let help = |help: &str| Some(help.to_owned());
    if message == "duplicate key" {
        let end = rest.find(|c: char| c.is_whitespace() || "=]".contains(c)).unwrap_or(rest.len());
        let message = format!("the key `{}` stands twice in its table", &rest[..end]);
        return (message, help("remove one of the two"));
    }
    if line.contains(['“', '”', '„', '‘', '’']) && !line.contains(['"', '\'']) {
        return (message.to_owned(), help("write straight quotes: \"…\""));
    }
    if message.contains("escape") || message.contains("unicode") {
        return (
            message.to_owned(),
            help(
                "a backslash in double quotes begins an escape: use single quotes, or write it twice",
            ),
        );
    }
    let value = line.split_once('=').map(|(_, value)| value.trim());
    let truth = ["true", "false"]
        .into_iter()
        .find(|it| value.is_some_and(|value| value.eq_ignore_ascii_case(it)));
    if let Some(truth) = truth {
        return (message.to_owned(), Some(format!("write `{truth}`")));
    }
    let is_bare = value.is_some_and(|value| value.starts_with(|c: char| c.is_alphabetic()));
    if is_bare {
        return (message.to_owned(), help("write a text in double quotes: \"…\""));
    }
    let above = text.get(..start).and_then(|it| it.lines().next_back()).unwrap_or_default();
    let is_open = |line: &str| line.matches('"').count() % 2 == 1 && !line.contains("\"\"\"");
    if is_open(line) || !line.contains('=') && is_open(above) {
        return (
            message.to_owned(),
            help("close the quotes on their line; a text of several lines stands within \"\"\""),
        );
    }
    (message.to_owned(), None)
}

/// What to write in place of a value of the wrong type, which `rest` begins with.
fn explain_type(message: &str, rest: &str) -> Option<String> {
    let (wanted, got) = message.strip_prefix("expected ")?.split_once(", got the ")?;
    match (wanted, got.split([' ', '`']).next()?) {
        ("a list", "table") if rest.starts_with('[') => {
            let name = rest.get(1..)?.split(']').next()?;
            Some(format!("write `[[{name}]]`, since there may be several"))
        }
        ("a list", "string") => {
            let items = got.strip_prefix("string ")?.trim_matches('"').split(',');
            let items: Vec<String> = items.map(|it| format!("\"{}\"", it.trim())).collect();
            Some(format!("write `[{}]`", items.join(", ")))
        }
        ("a string", "integer" | "number") => {
            Some("write a text in quotes; a time has its unit: \"90s\", \"8h\"".to_owned())
        }
        _ => None,
    }
}

/// The value of a TOML text.
///
/// # Errors
/// The first mistake with its line. A list where a table belongs is one.
pub fn parse_toml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, SourceError> {
    let read = toml::Deserializer::parse(text).and_then(tables::read);
    read.map_err(|error| SourceError::from_toml(file, text, &error))
}

/// serde's error about a type, without the names of Rust types.
fn in_plain_words(message: &str) -> Option<String> {
    if let Some(name) = message.strip_prefix("missing field ") {
        return Some(format!("{} is missing", name.trim_end()));
    }
    if message.starts_with("invalid length ") && message.contains("expected struct ") {
        return Some("expected a table, got the list".to_owned());
    }
    let kind =
        ["invalid type: ", "invalid value: "].iter().find(|kind| message.starts_with(**kind))?;
    let (found, wanted) = message.trim_end()[kind.len()..].rsplit_once(", expected ")?;
    if wanted.contains(" at line ") {
        return None;
    }
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" if *kind == "invalid value: " => {
            match found.contains('-') {
                true => "a whole number that is not negative",
                false => "a smaller whole number",
            }
        }
        "path string" => "a file name",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number, which may be negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    let found = found.trim_end_matches(" as i128");
    let found = match found {
        "map" => "table",
        "sequence" => "list",
        found => found,
    };
    Some(format!("expected {wanted}, got the {}", found.replacen("floating point", "number", 1)))
}

/// The line of the value at `path` (such as `["evaluate", "block"]`), if the text parses and has
/// it. A number in the path is an index into a list.
#[must_use]
pub fn line_of_key(text: &str, path: &[&str]) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut offset = None;
    let mut steps = path.iter().peekable();
    while let Some(step) = steps.next() {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *step)
        else {
            break;
        };
        offset = Some(key.span().start);
        let mut value = value;
        if let (toml::de::DeValue::Array(items), Some(index)) =
            (value.get_ref(), steps.peek().and_then(|step| step.parse::<usize>().ok()))
        {
            steps.next();
            value = items.get(index)?;
            offset = Some(value.span().start);
        }
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset.map(|offset| line_of_offset(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_explained() {
        let (message, help) =
            explain_unknown_name("unknown field `colums`, expected one of `file`, `columns`");
        assert_eq!(message, "unknown key `colums`");
        assert_eq!(help.unwrap(), "did you mean `columns`?");
    }

    #[test]
    fn a_complaint_about_a_type_names_no_types() {
        let told = |text: &str| {
            #[derive(Debug, serde::Deserialize)]
            #[expect(dead_code, reason = "only read")]
            struct File {
                count: Option<u64>,
                share: Option<f64>,
                list: Option<Vec<String>>,
                #[serde(default)]
                part: Part,
            }
            #[derive(Debug, Default, serde::Deserialize)]
            #[expect(dead_code, reason = "only read")]
            struct Part {
                x: u64,
            }
            parse_toml::<File>(Path::new("a.toml"), text).unwrap_err().to_string()
        };
        for (text, expected) in [
            ("count = \"3\"", "a.toml:1: expected a whole number, got the string \"3\""),
            (
                "count = -3",
                "a.toml:1: expected a whole number that is not negative, got the integer `-3`",
            ),
            ("\nshare = true", "a.toml:2: expected a number, got the boolean `true`"),
            ("list = 1", "a.toml:1: expected a list, got the integer `1`"),
            (
                "list = \"a, b\"",
                "a.toml:1: expected a list, got the string \"a, b\"\n  try: write `[\"a\", \"b\"]`",
            ),
            (
                "[list]\na = 1",
                "a.toml:1: expected a list, got the table\n  try: write `[[list]]`, since there may be several",
            ),
            ("part = [1, 2]", "a.toml:1: expected a table, got the list"),
            ("[[part]]", "a.toml:1: expected a table, got the list"),
            ("[part]", "a.toml:1: `x` is missing"),
        ] {
            assert_eq!(told(text), expected);
        }
        for (text, help) in [
            (
                "count = 3\n\ncount = 4",
                "a.toml:3: invalid TOML: the key `count` stands twice in its table",
            ),
            ("kind = label", "write a text in double quotes"),
            ("kind = True", "write `true`"),
            ("kind = “label”", "write straight quotes"),
            ("kind = \"C:\\Users\"", "use single quotes"),
            ("kind = \"two\nlines\"", "close the quotes on their line"),
        ] {
            let told = told(text);
            assert!(told.contains(help), "{told}");
        }
        assert!(told("count = = 3").starts_with("a.toml:1: invalid TOML: "));
    }

    #[test]
    fn a_key_is_found_in_tables_and_lists_of_tables() {
        let text = "a = 1\n[evaluate]\nkind = 'race'\nblock = 8\n[[op]]\nx = 1\n[[op]]\nx = 2\n";
        assert_eq!(line_of_key(text, &["evaluate", "block"]), Some(4));
        assert_eq!(line_of_key(text, &["op", "1", "x"]), Some(8));
        assert_eq!(line_of_key(text, &["nothing"]), None);
    }

    #[test]
    fn an_error_names_file_line_and_hint() {
        let error = SourceError::new("task.toml", "no data").at_line(3).help("add [data]");
        assert_eq!(error.to_string(), "task.toml:3: no data\n  try: add [data]");
    }
}
