//! Reads the rows of a file of any format, one at a time.
//!
//! The roles of columns are `roles`'.

use super::columnar;
use super::format::Format;
use super::lines::{Lines, Quirks, check_mark, read_whole, windows_1252_line};
use super::row::{Row, column_name, object};
use super::table::Table;
use crate::source::json;
use crate::source::{SourceError, line_of_offset};
use crate::text;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// The keys under which a JSON file may hold its rows.
const LIST_KEYS: &[&str] = &[
    "rows",
    "data",
    "examples",
    "goldens",
    "test_cases",
    "testCases",
    "items",
    "samples",
    "tests",
];

/// The keys under which lists of objects describe the rows, and are none themselves.
const DESCRIPTIONS: &[&str] = &[
    "features",
    "columns",
    "fields",
    "schema",
    "prompts",
    "providers",
    "metadata",
    "meta",
    "info",
    "licenses",
    "authors",
    "annotators",
    "categories",
    "classes",
    "labels",
];

/// How far below the first level of an object its list of rows may be.
const DEEPEST_LIST: usize = 8;

/// Reads the rows of a file, one at a time.
pub(crate) struct RowReader {
    path: PathBuf,
    source: RowSource,
    notes: Vec<String>,
}

enum RowSource {
    Lines(Lines),
    List(List),
    Table(Box<Table>),
}

/// The rows of a JSON document: their places in its text.
struct List {
    text: String,
    items: std::vec::IntoIter<(std::ops::Range<usize>, usize)>,
    /// Whether the file holds a table by columns.
    is_by_columns: bool,
}

impl RowReader {
    /// Opens a file.
    ///
    /// # Errors
    /// An unknown format, a file that cannot be read, or a mistake before its first row.
    pub(crate) fn open(path: &Path, quirks: Quirks) -> Result<Self, SourceError> {
        let mut notes = Vec::new();
        let mut table = |usual| {
            let mut table = Table::open(path, usual, quirks)?;
            notes = std::mem::take(&mut table.notes);
            Ok(RowSource::Table(Box::new(table)))
        };
        let source = match Format::of(path)? {
            Format::Jsonl => RowSource::Lines(Lines::open(path, quirks)?),
            Format::Json => RowSource::List(List::read(path, quirks)?),
            Format::Csv => table(',')?,
            Format::Tsv => table('\t')?,
        };
        if let RowSource::List(List { is_by_columns: true, .. }) = source {
            notes.push("the file holds its table by columns: its rows are written anew".to_owned());
        }
        if quirks == Quirks::Convert
            && let Some(line) = windows_1252_line(path)?
        {
            notes.push(format!(
                "line {line} is not UTF-8; it is read as Windows-1252: look at its letters"
            ));
        }
        Ok(Self { path: path.to_owned(), source, notes })
    }

    /// What in the file is not as it should be, and is read all the same.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// A mistake with its line.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match &mut self.source {
            RowSource::Lines(lines) => next_line_row(&self.path, lines),
            RowSource::List(list) => list.next_row(&self.path),
            RowSource::Table(table) => table.next_row(),
        }
    }
}

impl Iterator for RowReader {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

fn next_line_row(path: &Path, lines: &mut Lines) -> Result<Option<Row>, SourceError> {
    while let Some((line, text)) = lines.next_line()? {
        if text.trim().is_empty() {
            continue;
        }
        check_mark(path, line, text)?;
        let (value, numbers) = json::parse_row(text).map_err(|mut error| {
            let is_end = error.offset >= text.trim_end().len();
            // The usual advice is this very extension.
            if error.help.as_ref().is_some_and(|help| help.contains(".jsonl")) {
                error.help = Some("write each object on a line of its own".to_owned());
            }
            let broken = located(path, text, line, error);
            if text.trim_start().starts_with('[') {
                broken.help("save a list of rows as .json; in .jsonl, every line is one object")
            } else if is_end && broken.help.is_none() {
                broken.help("write each row on one line")
            } else {
                broken
            }
        })?;
        let numbers = numbers.iter().map(|name| column_name(name).into_owned()).collect();
        return Ok(Some(Row { line, values: object(path, line, value)?, numbers }));
    }
    Ok(None)
}

/// An error in a text that starts on a line of a file.
fn located(path: &Path, text: &str, first_line: usize, error: json::JsonError) -> SourceError {
    let line = first_line + line_of_offset(text, error.offset) - 1;
    let mut located = SourceError::new(path, error.message).at_line(line);
    located.help = error.help;
    located
}

impl List {
    fn read(path: &Path, quirks: Quirks) -> Result<Self, SourceError> {
        let text = read_whole(path, quirks)?;
        // Only for what is written anew: its rows have no lines of their own.
        let by_columns = match quirks {
            Quirks::Convert => json::parse_raw(&text).ok().and_then(columnar::rows),
            _ => None,
        };
        let is_by_columns = by_columns.is_some();
        let text = by_columns.unwrap_or(text);
        let items = if text.trim().is_empty() { Vec::new() } else { places(path, &text)? };
        Ok(Self { text, items: items.into_iter(), is_by_columns })
    }

    fn next_row(&mut self, path: &Path) -> Result<Option<Row>, SourceError> {
        let Some((place, line)) = self.items.next() else { return Ok(None) };
        let text = &self.text[place];
        let (value, numbers) =
            json::parse_row(text).map_err(|error| located(path, text, line, error))?;
        let numbers = numbers.iter().map(|name| column_name(name).into_owned()).collect();
        Ok(Some(Row { line, values: object(path, line, value)?, numbers }))
    }
}

/// The place and the line of each row.
fn places(path: &Path, text: &str) -> Result<Vec<(std::ops::Range<usize>, usize)>, SourceError> {
    let broken = |error| located(path, text, 1, error);
    let document = json::parse_raw(text).map_err(broken)?;
    let list = if document.get().starts_with('{') { list_in(path, document)? } else { document };
    let list_start = json::offset_in(text, list.get());
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| {
        SourceError::new(path, "expected a list of rows")
            .at_offset(text, list_start)
            .help(r#"write the file as [{…}, {…}] or {"rows": [{…}, {…}]}"#)
    })?;
    let (mut line, mut counted) = (1, 0);
    let place = |item: &RawValue| {
        // Lines are counted from the previous row, so that all rows together take one pass.
        let start = json::offset_in(text, item.get()).max(counted);
        line += text.as_bytes()[counted..start].iter().filter(|byte| **byte == b'\n').count();
        counted = start;
        (start..start + item.get().len(), line)
    };
    Ok(items.into_iter().map(place).collect())
}

/// The lists of an object that may be the rows, with their paths: what is under usual keys, and all other
/// lists of objects that do not describe them. Without a usual key, a description is as good as any.
fn lists<'a>(entries: &[(String, &'a RawValue)], depth: usize) -> Vec<(String, &'a RawValue)> {
    let within = |name: &str, raw: &'a RawValue, is_usual: bool| match raw.get().as_bytes() {
        [b'[', rest @ ..] if is_usual || rest.trim_ascii_start().starts_with(b"{") => {
            vec![(name.to_owned(), raw)]
        }
        [b'{', ..] if depth > 0 => {
            let inner = json::entries(raw).unwrap_or_default();
            let named = |(path, list)| (format!("{name}.{path}"), list);
            lists(&inner, depth - 1).into_iter().map(named).collect()
        }
        _ => Vec::new(),
    };
    let is_usual = |name: &str| LIST_KEYS.contains(&name);
    let usual = entries.iter().filter(|(name, _)| is_usual(name));
    let mut found: Vec<_> = usual.flat_map(|(name, raw)| within(name, raw, true)).collect();
    let has_usual = !found.is_empty();
    let is_other = |name: &str| {
        !has_usual || !is_usual(name) && !DESCRIPTIONS.contains(&name.to_ascii_lowercase().as_str())
    };
    let others = entries.iter().filter(|(name, _)| is_other(name));
    found.extend(others.flat_map(|(name, raw)| within(name, raw, false)));
    found
}

/// The list of rows of an object.
fn list_in<'a>(path: &Path, document: &'a RawValue) -> Result<&'a RawValue, SourceError> {
    let entries = json::entries(document)
        .map_err(|error| SourceError::new(path, format!("invalid JSON: {error}")))?;
    let found = lists(&entries, DEEPEST_LIST);
    let named = |names: Vec<&str>| text::shorten(&names.join(", "), 200);
    let message = match &found[..] {
        [(_, list)] => return Ok(list),
        [] => format!(
            "this object contains no list of rows (its keys are: {})",
            named(entries.iter().map(|(name, _)| name.as_str()).collect())
        ),
        several => format!(
            "this object contains several lists, and each of them may be the rows: {}",
            named(several.iter().map(|(path, _)| path.as_str()).collect())
        ),
    };
    Err(SourceError::new(path, message).help(
        "write a list, or put it under `rows`, `data` or `examples`; for one object per line use .jsonl",
    ))
}
