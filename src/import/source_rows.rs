//! The rows of a file that is imported, one at a time and as plain columns.

use super::path::ValuePath;
use super::shape::{Plain, PlainRow, Shape};
use crate::prompt::Columns;
use crate::source::SourceError;
use crate::task::dataset::{Format, Quirks, RowReader};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The first rows, from which the shape of all rows is told.
const FIRST_ROWS: usize = 20;

/// Of a column that these rows leave empty, the first rows in which it is filled are looked at, too.
const FILLED_ROWS: usize = 3;

/// The most rows that are looked at in this way.
const MAX_LATER_ROWS: usize = 200;

/// A file of rows, which can be read again and again.
#[derive(Clone, Debug)]
pub(super) struct SourceRows {
    pub(super) path: PathBuf,
    pub(super) shape: Shape,
    pub(super) lifted: Lifted,
}

/// What the user named of the rows as they stand in the file, and the shape turns into something else: the last
/// message of a chat that becomes one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Lifted {
    /// The paths in the file's rows, with the columns that they become.
    entries: Vec<(ValuePath, String)>,
    /// The column that an entry takes the place of.
    replaced: Option<String>,
}

/// One row as plain columns.
pub(super) struct SourceRow {
    /// The line on which it starts, from 1.
    pub(super) line: usize,
    pub(super) values: Columns,
    /// The columns of the file whose texts are numbers as they were written.
    pub(super) numbers: Vec<String>,
    /// The marks of its choices.
    pub(super) marks: Vec<String>,
    /// What of the file's row is not in it, each as a sentence.
    pub(super) losses: BTreeSet<&'static str>,
    /// Why its tool does not use it; then it has no values. It stands before the word "row".
    pub(super) left_out: Option<&'static str>,
}

impl SourceRows {
    /// Tells the shape of a file, and what in it is read although it is not as it should be.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<String>), SourceError> {
        let mut reader = RowReader::open(path, Quirks::Convert)?;
        let mut notes = reader.notes().to_vec();
        let first = telling_rows(&mut reader)?;
        if first.is_empty() {
            return Err(SourceError::new(path, "the file has no rows"));
        }
        // It may hold the whole text of the file, which is read again for the shape.
        drop(reader);
        let mut shape = Shape::of(path, &first);
        if shape.has_choices() {
            let rows = RowReader::open(path, Quirks::Convert)?;
            notes.extend(shape.settle(rows.map(|row| row.map(|row| (row.line, row.values))))?);
        }
        Ok((Self { path: path.to_owned(), shape, lifted: Lifted::default() }, notes))
    }

    /// The first rows as they stand in the file.
    pub(super) fn raw(&self, count: usize) -> Result<Vec<Columns>, SourceError> {
        let rows = RowReader::open(&self.path, Quirks::Convert)?.take(count);
        rows.map(|row| row.map(|it| it.values)).collect()
    }

    /// Makes a column of what is at a path in the file's rows. `is_input`: the model is shown it, and not what
    /// the shape makes of the chat.
    pub(super) fn lift(&mut self, path: ValuePath, column: String, is_input: bool) {
        if is_input {
            self.lifted.replaced = self.shape.chat_input().map(str::to_owned);
        }
        self.lifted.entries.push((path, column));
    }

    /// Whether rows stay as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.shape.is_plain() && self.lifted.entries.is_empty()
    }

    /// Whether it is a table, whose cells are texts.
    pub(super) fn is_table(&self) -> bool {
        Format::of(&self.path).is_ok_and(Format::is_table)
    }

    /// All rows, read anew.
    pub(super) fn rows(
        &self,
    ) -> Result<impl Iterator<Item = Result<SourceRow, SourceError>> + '_, SourceError> {
        let reader = RowReader::open(&self.path, Quirks::Convert)?;
        Ok(reader.flat_map(|row| match row {
            Err(error) => vec![Err(error)],
            Ok(row) => {
                let line = row.line;
                let lifted = self.lifted.of(&row.values);
                match self.shape.plain(row.values) {
                    Plain::LeftOut(reason) => vec![Ok(SourceRow {
                        line,
                        values: Columns::new(),
                        numbers: Vec::new(),
                        marks: Vec::new(),
                        losses: BTreeSet::new(),
                        left_out: Some(reason),
                    })],
                    Plain::Rows(rows) => rows
                        .into_iter()
                        .map(|PlainRow { mut values, marks, losses }| {
                            values.retain(|name, _| Some(name) != self.lifted.replaced.as_ref());
                            values.extend(lifted.clone());
                            let numbers = row.numbers.clone();
                            Ok(SourceRow { line, values, numbers, marks, losses, left_out: None })
                        })
                        .collect(),
                }
            }
        }))
    }
}

impl Lifted {
    /// What a row of the file has at these paths.
    fn of(&self, row: &Columns) -> Columns {
        let entries = self.entries.iter();
        entries.filter_map(|(path, name)| Some((name.clone(), path.get(row)?.clone()))).collect()
    }
}

/// The first rows of a file, and the first ones with a value for each column that these leave empty: the
/// first rows of an export may have no annotations yet.
fn telling_rows(reader: &mut RowReader) -> Result<Vec<Columns>, SourceError> {
    let mut rows: Vec<Columns> = Vec::new();
    let mut filled: HashMap<String, usize> = HashMap::new();
    for row in reader {
        let values = row?.values;
        let is_first = rows.len() < FIRST_ROWS;
        let mut is_telling = false;
        for (name, _) in values.iter().filter(|(_, value)| holds_something(value)) {
            let count = match filled.get_mut(name) {
                Some(count) => count,
                None => filled.entry(name.clone()).or_default(),
            };
            is_telling |= *count < FILLED_ROWS;
            *count += 1;
        }
        if is_first || is_telling && rows.len() < FIRST_ROWS + MAX_LATER_ROWS {
            rows.push(values);
        }
    }
    Ok(rows)
}

/// Whether there is anything in a value, at any depth.
fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(holds_something),
        Value::Object(object) => object.values().any(holds_something),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_of_an_export_may_have_annotations_late() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        for (none, late, expected) in [
            (
                json!({"text": "Ann", "label": []}),
                json!({"text": "Ann", "label": [[0, 3, "PER"]]}),
                json!({"PER": ["Ann"]}),
            ),
            (
                json!({"text": "Ann", "_task_hash": 1, "answer": "accept"}),
                json!({"text": "Ann", "_task_hash": 1, "answer": "accept", "spans": [{"start": 0, "end": 3, "label": "PER"}]}),
                json!({"PER": ["Ann"]}),
            ),
            (
                json!({"text": "Ann", "label": []}),
                json!({"text": "Ann", "label": [{"user_id": "u", "value": "a", "status": "submitted"}]}),
                json!("a"),
            ),
        ] {
            let lines: String = (0..50).map(|_| format!("{none}\n")).collect();
            std::fs::write(&path, format!("{lines}{late}\n")).unwrap();
            let (rows, _) = SourceRows::open(&path).unwrap();
            let last = rows.rows().unwrap().last().unwrap().unwrap();
            assert_eq!(last.values["label"], expected, "{late}");
        }
    }
}
