//! Reads rows from JSON Lines, JSON, CSV and TSV files, and reports mistakes with their lines.
//!
//! It checks ids, answers and columns only. Splits are made in `split`, and scorers check the
//! answers.

use crate::id::ExampleId;
use crate::prompt::{Columns, value_text};
use crate::source;
use crate::source::{SourceError, line_of_offset};
use crate::task::example::Example;
use crate::text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The roles of columns. A column called `answer`, `id` or `feedback` needs no entry; the group
/// column must be named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnMap {
    /// The id of a row; without such a column, rows are numbered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The expected answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// An explanation of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// The group; rows of one group stay in one split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// The format of a data file, from its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One object per line.
    Jsonl,
    /// A list of objects, bare or under `rows`, `data` or `examples`.
    Json,
    /// Comma-separated, with a header; `;` and tabs are recognised.
    Csv,
    /// Tab-separated, with a header.
    Tsv,
}

impl Format {
    /// From the file's extension.
    ///
    /// # Errors
    /// An unknown extension.
    pub fn of(path: &Path) -> Result<Self, SourceError> {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            _ => Err(SourceError::new(path, "unknown file extension")
                .help("convert or rename it to .jsonl, .json, .csv or .tsv")),
        }
    }

    /// Whether the file is a table, whose cells are texts and whose empty cells are missing values.
    fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }
}

/// Reads all rows of one file.
///
/// # Errors
/// A file that cannot be read, or a mistake in it with its line.
pub fn read(path: &Path, columns: &ColumnMap) -> Result<Vec<Example>, SourceError> {
    let rows = read_rows(path)?;
    let is_table = Format::of(path)?.is_table();
    Roles::find(path, &rows, columns, is_table)?.examples(path, rows)
}

/// Rows from values, each of them an object; `place` names them in errors.
///
/// # Errors
/// What is wrong with them, with the row's number from 1 as its line.
pub fn from_values(
    place: &Path,
    values: Vec<Value>,
    columns: &ColumnMap,
) -> Result<Vec<Example>, SourceError> {
    let rows = values.into_iter().zip(1..);
    let rows = rows.map(|(value, line)| Ok(Row { line, values: object(place, line, value)? }));
    let rows: Vec<Row> = rows.collect::<Result<_, SourceError>>()?;
    if rows.is_empty() {
        return Err(SourceError::new(place, "there are none"));
    }
    Roles::find(place, &rows, columns, false)?.examples(place, rows)
}

/// The names of all columns of these rows.
pub fn columns_of<'a>(rows: impl IntoIterator<Item = &'a Example>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in rows.into_iter().flat_map(|row| row.columns.keys()) {
        if !names.contains(name) {
            names.insert(name.clone());
        }
    }
    names
}

/// Gives every row the columns that other rows have, as null, so that templates find every column.
pub fn fill_columns<'a>(rows: impl IntoIterator<Item = &'a mut Example>, names: &BTreeSet<String>) {
    for row in rows {
        if row.columns.len() < names.len() {
            for name in names {
                row.columns.entry(name.clone()).or_insert(Value::Null);
            }
        }
    }
}

/// The hash of a file's bytes.
///
/// # Errors
/// The file cannot be read.
pub fn blake3_of(path: &Path) -> Result<String, SourceError> {
    let mut hasher = blake3::Hasher::new();
    let file = open(path)?;
    hasher.update_reader(file).map_err(|error| unreadable(path, &error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn open(path: &Path) -> Result<File, SourceError> {
    source::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> SourceError {
    match error.kind() {
        std::io::ErrorKind::NotFound => SourceError::new(path, "the file does not exist"),
        _ => SourceError::new(path, format!("the file cannot be read: {error}")),
    }
}

/// The guessed content of a data file, for creating a task from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sniffed {
    /// Its format.
    pub format: Format,
    /// The number of rows.
    pub rows: usize,
    /// All columns, in the file's order.
    pub columns: Vec<ColumnSketch>,
    /// The likely answer column.
    pub answer: Option<String>,
    /// The likely id column: present in all rows, with different values.
    pub id: Option<String>,
    /// The likely feedback column.
    pub feedback: Option<String>,
    /// The likely group column: it has fewer values than rows.
    pub group: Option<String>,
    /// The likely input: a column with a usual name, else the one with the longest texts.
    pub input: Option<String>,
    /// The kind of answers.
    pub answers: Answers,
}

/// Facts about one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSketch {
    /// Its name.
    pub name: String,
    /// Rows in which it is neither missing, null nor empty.
    pub filled: usize,
    /// The number of different values.
    pub distinct: usize,
    /// Characters in a value, on average over the filled ones.
    pub mean_chars: f64,
}

/// The kind of a file's answers, the most specific kind first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// There is no answer column, or it is empty.
    None,
    /// All are JSON objects; their field names.
    Objects(Vec<String>),
    /// Reasoning that ends in `#### ` and a number, as in GSM8K.
    ReasoningThenNumber,
    /// All are numbers.
    Numbers,
    /// At most 20 short ones that repeat, sorted.
    Labels(Vec<String>),
    /// Anything else.
    Texts,
}

const ANSWER_NAMES: &[&str] =
    &["answer", "target", "expected", "label", "output", "ideal", "__expected"];
const ID_NAMES: &[&str] = &["id", "_id", "uid", "uuid", "example_id", "row_id", "key", "index"];
const FEEDBACK_NAMES: &[&str] = &["feedback", "explanation", "rationale", "reason", "comment"];
const INPUT_NAMES: &[&str] = &["input", "question", "text", "query", "prompt"];
const GROUP_NAMES: &[&str] = &[
    "group",
    "thread",
    "thread_id",
    "conversation",
    "conversation_id",
    "session",
    "session_id",
    "document",
    "document_id",
    "user_id",
];

/// Reads a file and guesses the roles of its columns.
///
/// # Errors
/// A file that cannot be read, or a mistake in it with its line.
pub fn sniff(path: &Path) -> Result<Sniffed, SourceError> {
    let format = Format::of(path)?;
    let rows = read_rows(path)?;
    let names = column_names(&rows);
    let columns: Vec<ColumnSketch> = names.iter().map(|name| sketch(&rows, name)).collect();
    let named = |wanted: &[&str], fits: &dyn Fn(&ColumnSketch) -> bool| {
        wanted.iter().find_map(|wanted| {
            let column = columns.iter().find(|it| it.name.eq_ignore_ascii_case(wanted))?;
            fits(column).then(|| column.name.clone())
        })
    };
    let id = named(ID_NAMES, &|it| it.filled == rows.len() && it.distinct == rows.len());
    let feedback = named(FEEDBACK_NAMES, &|it| it.filled > 0);
    let group = named(GROUP_NAMES, &|it| it.filled > 0 && it.distinct < it.filled);
    let taken = [id.clone(), feedback.clone(), group.clone()];
    let free = |it: &&ColumnSketch| !taken.iter().flatten().any(|name| *name == it.name);
    let answer = named(ANSWER_NAMES, &|it| it.filled > 0).or_else(|| {
        // Without a usual name, the last column with few short values that repeat.
        let looks_like_labels = |it: &&ColumnSketch| {
            it.distinct > 1 && is_few(it.distinct, it.filled) && it.mean_chars <= 40.0
        };
        columns.iter().rev().filter(free).find(looks_like_labels).map(|it| it.name.clone())
    });
    let is_input =
        |it: &ColumnSketch| free(&it) && it.filled > 0 && answer.as_ref() != Some(&it.name);
    let input = named(INPUT_NAMES, &is_input).or_else(|| {
        let longest = columns
            .iter()
            .filter(|it| is_input(it))
            .max_by(|a, b| a.mean_chars.total_cmp(&b.mean_chars));
        longest.map(|it| it.name.clone())
    });
    let answers = answer.as_ref().map_or(Answers::None, |name| look_of(&rows, name));
    Ok(Sniffed { format, rows: rows.len(), columns, answer, id, feedback, group, input, answers })
}

fn sketch(rows: &[Row], name: &str) -> ColumnSketch {
    let mut distinct = BTreeSet::new();
    let (mut filled, mut chars) = (0, 0);
    for text in rows.iter().filter_map(|row| filled_text(row.values.get(name)?)) {
        filled += 1;
        chars += text.chars().count();
        distinct.insert(text);
    }
    ColumnSketch {
        name: name.to_owned(),
        filled,
        distinct: distinct.len(),
        mean_chars: chars as f64 / (filled.max(1)) as f64,
    }
}

fn look_of(rows: &[Row], name: &str) -> Answers {
    let values: Vec<&Value> = rows.iter().filter_map(|row| row.values.get(name)).collect();
    let texts: Vec<String> = values.iter().filter_map(|value| filled_text(value)).collect();
    if texts.is_empty() {
        return Answers::None;
    }
    let objects: Vec<Columns> =
        texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    if objects.len() == texts.len() {
        let mut fields = Vec::new();
        for field in objects.iter().flat_map(|object| object.keys()) {
            if !fields.contains(field) {
                fields.push(field.clone());
            }
        }
        return Answers::Objects(fields);
    }
    if texts.iter().all(|text| ends_in_marked_number(text)) {
        return Answers::ReasoningThenNumber;
    }
    if texts.iter().all(|text| is_number(text)) {
        return Answers::Numbers;
    }
    let distinct: BTreeSet<&str> = texts.iter().map(|text| text.trim()).collect();
    if is_few(distinct.len(), texts.len())
        && distinct.iter().all(|label| label.chars().count() <= 40)
    {
        return Answers::Labels(distinct.into_iter().map(str::to_owned).collect());
    }
    Answers::Texts
}

fn is_few(distinct: usize, filled: usize) -> bool {
    distinct <= 20 && distinct * 2 <= filled
}

fn is_number(text: &str) -> bool {
    let bare =
        text.trim().trim_start_matches(['$', '€', '£']).trim_end_matches('%').replace(',', "");
    bare.parse::<f64>().is_ok_and(f64::is_finite)
}

fn ends_in_marked_number(text: &str) -> bool {
    text.rsplit_once("####").is_some_and(|(_, after)| is_number(after))
}

fn filled_text(value: &Value) -> Option<String> {
    let text = value_text(value);
    (!text.trim().is_empty()).then(|| text.into_owned())
}

/// One row as read from its file.
struct Row {
    line: usize,
    values: Columns,
}

/// A row of a file that is not task data, such as recorded answers.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainRow {
    /// The id, if there is an id column.
    pub id: Option<String>,
    /// All columns.
    pub columns: Columns,
    /// The line on which it starts, from 1.
    pub line: usize,
}

/// Reads the rows of a file without checking their columns.
///
/// # Errors
/// A file that cannot be read, or a mistake in it with its line.
pub fn read_plain(path: &Path, id: &str) -> Result<Vec<PlainRow>, SourceError> {
    let rows = read_rows(path)?;
    let plain = |row: Row| PlainRow {
        id: row.values.get(id).map(|id| value_text(id).into_owned()),
        columns: row.values,
        line: row.line,
    };
    Ok(rows.into_iter().map(plain).collect())
}

fn read_rows(path: &Path) -> Result<Vec<Row>, SourceError> {
    let rows = match Format::of(path)? {
        Format::Jsonl => read_jsonl(path)?,
        Format::Json => read_json(path)?,
        Format::Csv => read_table(path, b',')?,
        Format::Tsv => read_table(path, b'\t')?,
    };
    if rows.is_empty() {
        return Err(SourceError::new(path, "the file has no rows"));
    }
    Ok(rows)
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

fn not_utf8(path: &Path, line: usize, bytes: &[u8]) -> SourceError {
    let utf16 = line == 1 && (bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF"));
    let message = if utf16 { "the file is UTF-16, not UTF-8" } else { "this is not UTF-8 text" };
    SourceError::new(path, message).at_line(line).help("save the file as UTF-8")
}

fn read_jsonl(path: &Path) -> Result<Vec<Row>, SourceError> {
    let mut reader = BufReader::new(open(path)?);
    let (mut rows, mut bytes, mut line) = (Vec::new(), Vec::new(), 0);
    loop {
        bytes.clear();
        let length =
            reader.read_until(b'\n', &mut bytes).map_err(|error| unreadable(path, &error))?;
        if length == 0 {
            return Ok(rows);
        }
        line += 1;
        let here = if line == 1 { bytes.strip_prefix(BOM).unwrap_or(&bytes) } else { &bytes };
        let text = std::str::from_utf8(here).map_err(|_| not_utf8(path, line, here))?;
        if text.trim().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let broken = invalid_json(path, line, &error);
            if text.trim_start().starts_with('[') {
                broken.help("save a list of rows as .json; in .jsonl, every line is one object")
            } else if error.is_eof() {
                broken.help("write each row on one line")
            } else {
                broken
            }
        })?;
        rows.push(Row { line, values: object(path, line, value)? });
    }
}

fn invalid_json(path: &Path, first_line: usize, error: &serde_json::Error) -> SourceError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before);
    SourceError::new(path, format!("invalid JSON: {message} (column {})", error.column()))
        .at_line(first_line + error.line().saturating_sub(1))
}

fn object(path: &Path, line: usize, value: Value) -> Result<Columns, SourceError> {
    let noun = match value {
        Value::Object(values) => return Ok(values),
        Value::Array(_) => "a list",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
    };
    Err(SourceError::new(path, format!("a row must be an object, not {noun}"))
        .at_line(line)
        .help(r#"write rows as {"input": "…", "answer": "…"}"#))
}

fn read_whole(path: &Path) -> Result<Vec<u8>, SourceError> {
    let mut bytes = source::read(path).map_err(|error| unreadable(path, &error))?;
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    Ok(bytes)
}

fn read_json(path: &Path) -> Result<Vec<Row>, SourceError> {
    let bytes = read_whole(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + count_lines(&bytes[..error.valid_up_to()]);
        not_utf8(path, line, &bytes)
    })?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document: &RawValue =
        serde_json::from_str(text).map_err(|error| invalid_json(path, 1, &error))?;
    let list = if document.get().starts_with('{') { rows_key(path, document)? } else { document };
    let list_line = line_of_offset(text, offset_in(text, list.get()));
    let wrong_shape = |_| {
        SourceError::new(path, "expected a list of rows")
            .at_line(list_line)
            .help(r#"write the file as [{…}, {…}] or {"rows": [{…}, {…}]}"#)
    };
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(wrong_shape)?;
    let (mut line, mut counted_to) = (1, 0);
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        // Lines are counted from the previous row, so that all rows together take one pass.
        let offset = offset_in(text, item.get());
        line += count_lines(&text.as_bytes()[counted_to..offset.max(counted_to)]);
        counted_to = offset.max(counted_to);
        let value =
            serde_json::from_str(item.get()).map_err(|error| invalid_json(path, line, &error))?;
        rows.push(Row { line, values: object(path, line, value)? });
    }
    Ok(rows)
}

fn rows_key<'a>(path: &Path, document: &'a RawValue) -> Result<&'a RawValue, SourceError> {
    let keys: HashMap<String, &RawValue> =
        serde_json::from_str(document.get()).map_err(|error| invalid_json(path, 1, &error))?;
    ["rows", "data", "examples"].iter().find_map(|key| keys.get(*key).copied()).ok_or_else(|| {
        let there: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
        let there = there.into_iter().collect::<Vec<_>>().join(", ");
        SourceError::new(path, format!("this object contains no list of rows (its keys are: {there})"))
            .help("write a list, or put it under `rows`, `data` or `examples`; for one object per line use .jsonl")
    })
}

/// The offset of a slice in its text; 0 if it is a slice of another text.
fn offset_in(text: &str, slice: &str) -> usize {
    (slice.as_ptr() as usize)
        .checked_sub(text.as_ptr() as usize)
        .filter(|offset| *offset <= text.len())
        .unwrap_or(0)
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn read_table(path: &Path, delimiter: u8) -> Result<Vec<Row>, SourceError> {
    let bytes = read_whole(path)?;
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(not_utf8(path, 1, &bytes));
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter_of(&bytes, delimiter))
        .trim(csv::Trim::Headers)
        .from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| broken_table(path, &bytes, &error))?.clone();
    let header_line = line_of_record(&bytes, header.position());
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (number, name) in header.iter().enumerate() {
        // A table that was saved with row numbers has no name for their column.
        let name = if name.is_empty() { format!("column_{}", number + 1) } else { name.to_owned() };
        if names.contains(&name) {
            return Err(SourceError::new(path, format!("two columns are called `{name}`"))
                .at_line(header_line)
                .help("rename one of them"));
        }
        names.push(name);
    }
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| broken_table(path, &bytes, &error))? {
        let line = line_of_record(&bytes, record.position());
        let values =
            names.iter().zip(&record).map(|(name, cell)| (name.clone(), cell.into())).collect();
        rows.push(Row { line, values });
    }
    refuse_open_quote(path, &bytes, rows.last())?;
    Ok(rows)
}

/// In many European locales, spreadsheets separate the columns of CSV files by `;`. A table needs
/// at least two columns, so another separator in a header without commas is taken as the separator.
fn delimiter_of(bytes: &[u8], delimiter: u8) -> u8 {
    let header = bytes
        .split(|byte| *byte == b'\n')
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    let has = |byte: u8| header.contains(&byte);
    match delimiter {
        b',' if !has(b',') && has(b';') => b';',
        b',' if !has(b',') && has(b'\t') => b'\t',
        other => other,
    }
}

/// Skips blank lines, because the reader's position is before the blank lines that precede a
/// record.
fn line_of_record(bytes: &[u8], position: Option<&csv::Position>) -> usize {
    let Some(position) = position else { return 1 };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(bytes.len());
    let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    position.line() as usize + blank.filter(|byte| **byte == b'\n').count()
}

fn broken_table(path: &Path, bytes: &[u8], error: &csv::Error) -> SourceError {
    let line = line_of_record(bytes, error.position());
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => SourceError::new(
            path,
            format!(
                "this row has {}, but the header has {expected_len}",
                text::plural(*len as usize, "cell")
            ),
        )
        .at_line(line)
        .help("quote cells that contain the separator or a line break: \"a, b\""),
        csv::ErrorKind::Utf8 { .. } => not_utf8(path, line, bytes),
        _ => SourceError::new(path, error.to_string()).at_line(line),
    }
}

/// Rejects a quote that is never closed: all following rows would become part of one cell and be
/// lost silently.
fn refuse_open_quote(path: &Path, bytes: &[u8], last: Option<&Row>) -> Result<(), SourceError> {
    let Some(last) = last else { return Ok(()) };
    let start: usize =
        bytes.split_inclusive(|byte| *byte == b'\n').take(last.line - 1).map(<[u8]>::len).sum();
    let record = bytes[start..].trim_ascii_end();
    let quotes = record.iter().filter(|byte| **byte == b'"').count();
    if record.contains(&b'\n') && quotes % 2 == 1 {
        return Err(SourceError::new(path, "a quote in this row is not closed")
            .at_line(last.line)
            .help("close the quote; inside a cell, write a quote as \"\""));
    }
    Ok(())
}

/// The union of all rows' columns, in the order in which they first appear.
fn column_names(rows: &[Row]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for name in rows.iter().flat_map(|row| row.values.keys()) {
        if !seen.contains(name.as_str()) {
            seen.insert(name.as_str());
            names.push(name.clone());
        }
    }
    names
}

/// The columns with a role.
struct Roles {
    names: Vec<String>,
    id: Option<String>,
    answer: String,
    feedback: Option<String>,
    group: Option<String>,
    is_table: bool,
}

impl Roles {
    fn find(
        path: &Path,
        rows: &[Row],
        map: &ColumnMap,
        is_table: bool,
    ) -> Result<Self, SourceError> {
        let names = column_names(rows);
        let there = |name: &str| names.iter().any(|it| it == name);
        let named = |role: &str, name: &str| {
            if there(name) {
                return Ok(name.to_owned());
            }
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!(
                "there is no column `{name}`, which should hold the {role}; the columns are: {}",
                known.join(", ")
            );
            let help = match text::did_you_mean(name, known.iter().copied()) {
                Some(near) => {
                    format!("did you mean `{near}`? write columns = {{ {role} = \"{near}\" }}")
                }
                None => format!("name the column: columns = {{ {role} = \"…\" }}"),
            };
            Err(SourceError::new(path, message).help(help))
        };
        let answer = named("answer", map.answer.as_deref().unwrap_or("answer"))?;
        let optional = |role: &str, mapped: &Option<String>, usual: &str| match mapped {
            Some(name) => named(role, name).map(Some),
            None => Ok((there(usual) && usual != answer).then(|| usual.to_owned())),
        };
        Ok(Self {
            id: optional("id", &map.id, "id")?,
            feedback: optional("feedback", &map.feedback, "feedback")?,
            group: map.group.as_ref().map(|name| named("group", name)).transpose()?,
            is_table,
            answer,
            names,
        })
    }

    fn examples(&self, path: &Path, rows: Vec<Row>) -> Result<Vec<Example>, SourceError> {
        let mut lines: BTreeMap<ExampleId, usize> = BTreeMap::new();
        let mut examples = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let example = self.example(path, index + 1, row)?;
            if let Some(first) = lines.insert(example.id.clone(), example.line) {
                let message = format!("the id `{}` is already used on line {first}", example.id);
                return Err(SourceError::new(path, message).at_line(example.line).help(
                    "give every row a unique id, or name another column: columns = { id = \"…\" }",
                ));
            }
            examples.push(example);
        }
        Ok(examples)
    }

    fn example(&self, path: &Path, number: usize, row: Row) -> Result<Example, SourceError> {
        let Row { line, mut values } = row;
        let wrong = |message: String| SourceError::new(path, message).at_line(line);
        let id = match self.id.as_deref().map(|name| (name, values.get(name))) {
            None => number.to_string(),
            Some((name, Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))))) => {
                filled_text(value).ok_or_else(|| {
                    wrong(format!("row {number} has an empty id in column `{name}`"))
                })?
            }
            Some((name, None | Some(Value::Null))) => {
                return Err(wrong(format!("row {number} has no id in column `{name}`"))
                    .help("give every row an id, or remove the column; then rows are numbered"));
            }
            Some((name, Some(_))) => {
                return Err(wrong(format!(
                    "the id of row {number} in column `{name}` is neither a text nor a number"
                )));
            }
        };
        let answer = self.answer_of(&values).ok_or_else(|| {
            wrong(format!("row {number} has no answer in column `{}`", self.answer))
                .help("add the answer, or remove the row")
        })?;
        let feedback = self.feedback.as_ref().and_then(|name| filled_text(values.get(name)?));
        let group = self.group.as_ref().and_then(|name| filled_text(values.get(name)?));
        values.shift_remove(&self.answer);
        if let Some(name) = &self.feedback {
            values.shift_remove(name);
        }
        for name in &self.names {
            if *name != self.answer
                && Some(name) != self.feedback.as_ref()
                && !values.contains_key(name)
            {
                values.insert(name.clone(), Value::Null);
            }
        }
        Ok(Example { id: ExampleId::new(id), columns: values, answer, feedback, group, line })
    }

    fn answer_of(&self, values: &Columns) -> Option<Value> {
        let value = values.get(&self.answer).filter(|value| !value.is_null())?;
        match value {
            Value::String(cell) if self.is_table => {
                let cell_text = cell.trim();
                if cell_text.is_empty() {
                    return None;
                }
                let json = cell_text
                    .starts_with(['{', '['])
                    .then(|| serde_json::from_str(cell_text).ok())
                    .flatten();
                Some(json.unwrap_or_else(|| value.clone()))
            }
            _ => Some(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::PathBuf;

    struct Written {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    fn write(name: &str, bytes: impl AsRef<[u8]>) -> Written {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Written { _folder: folder, path }
    }

    fn rows(name: &str, text: impl AsRef<[u8]>) -> Vec<Example> {
        read(&write(name, text).path, &ColumnMap::default()).unwrap()
    }

    fn error(name: &str, text: impl AsRef<[u8]>) -> SourceError {
        error_with(name, text, &ColumnMap::default())
    }

    fn error_with(name: &str, text: impl AsRef<[u8]>, columns: &ColumnMap) -> SourceError {
        read(&write(name, text).path, columns).unwrap_err()
    }

    fn at(error: &SourceError) -> (Option<usize>, &str) {
        (error.line, &error.message)
    }

    #[test]
    fn json_lines_are_read_with_their_lines_and_without_their_mark() {
        let text = "\u{feff}{\"id\": 7, \"q\": \"a\", \"answer\": \"\", \"feedback\": \"why\"}\r\n\n  \n{\"id\": \"x\", \"answer\": {\"k\": 1}}";
        let rows = rows("a.JSONL", text);
        assert_eq!(rows[0].id.as_str(), "7");
        assert_eq!((rows[0].line, rows[1].line), (1, 4));
        assert_eq!(rows[0].feedback.as_deref(), Some("why"));
        assert_eq!(rows[0].answer, json!(""));
        assert_eq!(rows[1].answer, json!({"k": 1}));
        assert_eq!(rows[1].columns.get("q"), Some(&Value::Null));
        assert_eq!(columns_of(&rows), BTreeSet::from(["id".to_owned(), "q".to_owned()]));
    }

    #[test]
    fn rows_without_an_id_column_are_numbered() {
        let rows = rows("a.ndjson", "{\"answer\": 1}\n\n{\"answer\": 2}\n");
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
    }

    #[test]
    fn json_is_a_list_or_an_object_with_one() {
        let list =
            "[\n {\"answer\": 1},\n\n {\"answer\": 2,\n \"q\": \"two\"},\n {\"answer\": 3}\n]";
        let lines =
            |text: &str| rows("a.json", text).iter().map(|row| row.line).collect::<Vec<_>>();
        assert_eq!(lines(list), [2, 4, 6]);
        assert_eq!(lines(&format!("{{\"about\": [],\n\"data\": {list}}}")), [3, 5, 7]);
        assert!(error("a.json", "{\"answer\": 1}").message.contains("its keys are: answer"));
        assert_eq!(at(&error("a.json", "{\"rows\":\n 3}")), (Some(2), "expected a list of rows"));
        assert_eq!(
            at(&error("a.json", "[{\"answer\": 1},\n\n 3]")),
            (Some(3), "a row must be an object, not a number")
        );
        let broken = error("a.json", "[{\"answer\": 1},\n {\"answer\" 2}]");
        assert_eq!(at(&broken), (Some(2), "invalid JSON: expected `:` (column 12)"));
    }

    #[test]
    fn table_cells_stay_texts_except_for_json_answers() {
        let text = "id,input,answer\n\n1,\"two\nlines, one comma\",007\n2,,\"{\"\"a\"\": [1]}\"\n";
        let rows = rows("a.csv", text);
        assert_eq!(rows[0].columns["input"], json!("two\nlines, one comma"));
        assert_eq!(rows[0].answer, json!("007"));
        assert_eq!(rows[1].columns["input"], json!(""));
        assert_eq!(rows[1].answer, json!({"a": [1]}));
        assert_eq!((rows[0].line, rows[1].line), (3, 5));
    }

    #[test]
    fn separators_and_line_ends_of_spreadsheets_are_understood() {
        for text in ["\u{feff}q;answer\r\nx, y;2\r\n", "q\tanswer\r\nx, y\t2\r\n"] {
            let rows = rows("a.csv", text);
            assert_eq!(rows[0].columns["q"], json!("x, y"));
            assert_eq!((rows[0].answer.clone(), rows[0].line), (json!("2"), 2));
        }
        let rows = rows("a.tsv", "q\tanswer\r\n\r\nx\t2\r\ny\t3");
        assert_eq!((rows[0].line, rows[1].line), (3, 4));
    }

    #[test]
    fn a_mistake_names_its_line_and_a_fix() {
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n[1]")),
            (Some(2), "a row must be an object, not a list")
        );
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n\n{\"answer\": }")),
            (Some(3), "invalid JSON: expected value (column 12)")
        );
        assert!(error("a.jsonl", "[\n").help.unwrap().contains("as .json"));
        assert!(error("a.jsonl", "{\n\"answer\": 1}").help.unwrap().contains("one line"));
        assert_eq!(
            at(&error("a.csv", "q,answer\n\na,1\nb\n")),
            (Some(4), "this row has 1 cell, but the header has 2")
        );
        assert_eq!(
            at(&error("a.csv", "q,answer\na,1\nb,\"2\nc,3\nd,4\n")),
            (Some(3), "a quote in this row is not closed")
        );
        assert_eq!(at(&error("a.csv", "q,q\na,1\n")), (Some(1), "two columns are called `q`"));
        assert_eq!(
            at(&error("a.jsonl", b"{\"answer\": 1}\n{\"answer\": \"\xff\"}")),
            (Some(2), "this is not UTF-8 text")
        );
        assert_eq!(
            at(&error("a.csv", b"q,answer\nx,1\n\xe9,2\n")),
            (Some(3), "this is not UTF-8 text")
        );
        assert!(error("a.csv", b"\xff\xfeq\0").message.contains("UTF-16"));
        assert!(error("a.jsonl", b"\xff\xfe{\0").message.contains("UTF-16"));
        for (name, text) in [
            ("a.jsonl", "\n \n"),
            ("a.json", ""),
            ("a.json", "[]"),
            ("a.csv", ""),
            ("a.csv", "q,answer\n"),
        ] {
            assert_eq!(error(name, text).message, "the file has no rows", "{name} {text:?}");
        }
        assert!(error("a.parquet", "x").help.unwrap().contains(".csv"));
        let gone = read(Path::new("/nowhere/a.csv"), &ColumnMap::default()).unwrap_err();
        assert_eq!(gone.message, "the file does not exist");
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let wrong = error("a.csv", "q,anwser\nx,1\n");
        assert!(
            wrong.message.contains("no column `answer`") && wrong.message.contains("q, anwser"),
            "{wrong}"
        );
        assert!(wrong.help.unwrap().contains("did you mean `anwser`?"));
        let map = ColumnMap { group: Some("thread".into()), ..ColumnMap::default() };
        assert!(
            error_with("a.csv", "q,answer\nx,1\n", &map)
                .message
                .contains("`thread`, which should hold the group")
        );
    }

    #[test]
    fn a_missing_answer_names_row_and_line() {
        let message = "row 2 has no answer in column `answer`";
        assert_eq!(
            at(&error("a.jsonl", "{\"answer\": 1}\n\n{\"answer\": null}")),
            (Some(3), message)
        );
        assert_eq!(at(&error("a.jsonl", "{\"answer\": 1}\n{\"q\": 1}")), (Some(2), message));
        assert_eq!(at(&error("a.csv", "q,answer\nx,1\ny, \n")), (Some(3), message));
    }

    #[test]
    fn equal_ids_and_missing_ids_are_refused() {
        let twice = error("a.csv", "id,answer\na,1\nb,1\na,2\n");
        assert_eq!(at(&twice), (Some(4), "the id `a` is already used on line 2"));
        let none = error("a.jsonl", "{\"id\": 1, \"answer\": 1}\n{\"answer\": 1}");
        assert_eq!(at(&none), (Some(2), "row 2 has no id in column `id`"));
    }

    #[test]
    fn named_columns_are_used_and_leave_the_template() {
        let map = ColumnMap {
            id: Some("nr".into()),
            answer: Some("target".into()),
            feedback: Some("why".into()),
            group: Some("thread".into()),
        };
        let file = write("a.csv", "nr,target,why,thread,answer\n1,yes,,t1,col\n2,no,so,,col\n");
        let rows = read(&file.path, &map).unwrap();
        assert_eq!((rows[0].feedback.as_deref(), rows[1].feedback.as_deref()), (None, Some("so")));
        assert_eq!((rows[0].group.as_deref(), rows[1].group.as_deref()), (Some("t1"), None));
        let names: Vec<&String> = rows[0].columns.keys().collect();
        assert_eq!(names, ["nr", "thread", "answer"]);
    }

    #[test]
    fn a_files_hash_is_that_of_its_bytes() {
        let file = write("a.csv", "q,answer\n");
        let expected = blake3::hash(b"q,answer\n").to_hex().to_string();
        assert_eq!(blake3_of(&file.path).unwrap(), expected);
    }

    fn sniffed(name: &str, text: &str) -> Sniffed {
        sniff(&write(name, text).path).unwrap()
    }

    #[test]
    fn a_table_of_labels_is_recognised() {
        let mut text = "Id,text,Label,explanation,thread\n".to_owned();
        for row in 0..12 {
            text += &format!(
                "{row},a rather long question {row},{},because,t{}\n",
                ["yes", "no"][row % 2],
                row / 2
            );
        }
        let sniffed = sniffed("a.csv", &text);
        assert_eq!(sniffed.rows, 12);
        assert_eq!(sniffed.answer.as_deref(), Some("Label"));
        assert_eq!(sniffed.id.as_deref(), Some("Id"));
        assert_eq!(sniffed.feedback.as_deref(), Some("explanation"));
        assert_eq!(sniffed.group.as_deref(), Some("thread"));
        assert_eq!(sniffed.input.as_deref(), Some("text"));
        assert_eq!(sniffed.answers, Answers::Labels(vec!["no".into(), "yes".into()]));
    }

    #[test]
    fn kinds_of_answers_are_distinguished() {
        let look = |answers: &[Value]| {
            let text: String = answers
                .iter()
                .map(|it| json!({"q": "x", "target": it}).to_string() + "\n")
                .collect();
            sniffed("a.jsonl", &text).answers
        };
        assert_eq!(
            look(&[json!("2 + 2 = 4\n#### 4"), json!("so\n#### 1,200")]),
            Answers::ReasoningThenNumber
        );
        assert_eq!(look(&[json!("$1,200.50"), json!(-3)]), Answers::Numbers);
        assert_eq!(
            look(&[json!({"a": 1}), json!("{\"b\": 2}")]),
            Answers::Objects(vec!["a".into(), "b".into()])
        );
        assert_eq!(look(&[json!("Paris"), json!("Rome")]), Answers::Texts);
    }
}
