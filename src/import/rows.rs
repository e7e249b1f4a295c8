//! Writes the rows of a file with the columns that a task needs: entries of nested objects become
//! columns, and rows without an answer are left out.

use super::column_stats::ColumnStats;
use super::literal;
use super::path::ValuePath;
use super::role::ColumnRoles;
use super::source_rows::SourceRows;
use super::value_kind::is_missing;
use crate::prompt::{Columns, value_text};
use crate::source::SourceError;
use crate::text;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How the rows of a file are written.
#[derive(Debug)]
pub(super) struct RowWriter {
    rows: SourceRows,
    /// Columns that are replaced by their entries, or left out.
    replaced: BTreeSet<String>,
    /// Entries with the columns that they become.
    entries: Vec<(ValuePath, String)>,
    /// Columns with another name.
    renamed: Vec<(String, String)>,
    answer: ValuePath,
    form: AnswerForm,
    /// Whether an empty list is an answer: none of the labels applies.
    keeps_empty_lists: bool,
}

/// A row as it is written.
#[derive(Debug)]
pub(super) struct WrittenRow {
    pub(super) values: Columns,
    /// The columns whose texts are numbers as they were written, and are written so again.
    numbers: BTreeSet<String>,
}

impl Serialize for WrittenRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in &self.values {
            match value {
                Value::String(text) if self.numbers.contains(name) => {
                    let number: &RawValue =
                        serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
                    row.serialize_entry(name, number)?;
                }
                _ => row.serialize_entry(name, value)?,
            }
        }
        row.end()
    }
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerForm {
    /// As they are read.
    AsRead,
    /// As lists.
    List,
    /// As the only item of their list.
    OnlyItem,
    /// As the list or object that a text holds.
    Json,
}

impl RowWriter {
    pub(super) fn new(rows: &SourceRows, stats: &ColumnStats, roles: &ColumnRoles) -> Self {
        let nested: Vec<&ValuePath> = roles.paths().filter(|path| !path.is_column()).collect();
        let is_whole =
            |column: &str| roles.paths().any(|it| it.is_column() && it.first() == column);
        // A user may name a column and an entry of it: then the column stays.
        let replaced: BTreeSet<String> = nested
            .iter()
            .map(|path| path.first().to_owned())
            .filter(|column| !is_whole(column))
            .collect();
        let mut taken: BTreeSet<String> = stats
            .columns()
            .iter()
            .filter(|it| it.path.is_column() && !replaced.contains(it.path.first()))
            .map(|it| it.path.first().to_owned())
            .collect();
        let others = stats
            .columns()
            .iter()
            .filter(|it| {
                it.objects == 0 && !it.path.is_column() && replaced.contains(it.path.first())
            })
            .map(|it| &it.path);
        let mut entries: Vec<(ValuePath, String)> = Vec::new();
        for path in nested.into_iter().chain(others) {
            if entries.iter().any(|(known, _)| known == path) {
                continue;
            }
            let name = name_for(path, &taken);
            taken.insert(name.clone());
            entries.push((path.clone(), name));
        }
        Self {
            rows: rows.clone(),
            replaced,
            entries,
            renamed: Vec::new(),
            answer: roles.answer.clone().unwrap_or_else(|| ValuePath::column("answer")),
            form: AnswerForm::AsRead,
            keeps_empty_lists: false,
        }
    }

    /// Leaves a column out.
    pub(super) fn without(&mut self, column: &str) {
        self.replaced.insert(column.to_owned());
    }

    /// Whether what is at a path becomes a column.
    pub(super) fn writes(&self, path: &ValuePath) -> bool {
        match path.is_column() {
            true => !self.replaced.contains(path.first()),
            false => self.entries.iter().any(|(known, _)| known == path),
        }
    }

    /// Whether a column or an entry gets this name.
    pub(super) fn gives_name(&self, name: &str) -> bool {
        let mut names =
            self.renamed.iter().map(|(_, it)| it).chain(self.entries.iter().map(|(_, it)| it));
        names.any(|it| it == name)
    }

    /// Gives a column another name.
    pub(super) fn rename(&mut self, column: &str, name: &str) {
        self.renamed.push((column.to_owned(), name.to_owned()));
    }

    /// Writes answers in another form.
    pub(super) fn answers_as(&mut self, form: AnswerForm) {
        self.form = form;
    }

    /// Writes the answers as lists of labels, of which none may apply.
    pub(super) fn answers_are_sets(&mut self) {
        self.form = AnswerForm::List;
        self.keeps_empty_lists = true;
    }

    /// Whether a row has an answer.
    pub(super) fn has_answer(&self, row: &Columns) -> bool {
        self.answer
            .get(row)
            .is_some_and(|answer| is_filled(answer) || self.keeps_empty_lists && answer.is_array())
    }

    /// Whether rows are written as they are read.
    pub(super) fn is_copy(&self) -> bool {
        self.rows.is_plain()
            && self.replaced.is_empty()
            && self.entries.is_empty()
            && self.renamed.is_empty()
            && self.form == AnswerForm::AsRead
    }

    /// The column that a path becomes.
    pub(super) fn name_of(&self, path: &ValuePath) -> String {
        let entry = self.entries.iter().find(|(known, _)| known == path);
        let renamed = self.renamed.iter().find(|(old, _)| path.is_column() && old == path.first());
        match (entry, renamed) {
            (Some((_, name)), _) | (None, Some((_, name))) => name.clone(),
            (None, None) => path.first().to_owned(),
        }
    }

    /// Reads the file again: each row that has an answer, as it is written.
    pub(super) fn written(
        &self,
    ) -> Result<impl Iterator<Item = Result<WrittenRow, SourceError>> + '_, SourceError> {
        Ok(self.rows.rows()?.filter_map(|row| match row {
            Ok(row) if row.left_out.is_some() => None,
            Ok(row) if !self.has_answer(&row.values) => None,
            Ok(row) => Some(Ok(self.written_row(row.values, &row.numbers))),
            Err(error) => Some(Err(error)),
        }))
    }

    fn written_row(&self, row: Columns, numbers: &[String]) -> WrittenRow {
        let is_kept = |column: &&String| {
            !self.replaced.contains(*column) && row.get(*column).is_some_and(Value::is_string)
        };
        let numbers = numbers.iter().filter(is_kept);
        let numbers = numbers.map(|column| self.name_of(&ValuePath::column(column))).collect();
        WrittenRow { values: self.row(row), numbers }
    }

    fn row(&self, row: Columns) -> Columns {
        let mut entries = Columns::new();
        for (path, name) in &self.entries {
            if let Some(value) = path.get(&row) {
                entries.insert(name.clone(), value.clone());
            }
        }
        let mut written = Columns::new();
        for (name, value) in row {
            if self.replaced.contains(&name) {
                continue;
            }
            let renamed = self.renamed.iter().find(|(old, _)| *old == name);
            written.insert(renamed.map_or(name, |(_, new)| new.clone()), value);
        }
        written.extend(entries);
        let answer = self.name_of(&self.answer);
        if self.form == AnswerForm::Json {
            if let Some(value) = written.get_mut(&answer)
                && let Some(inner) = literal::structure(value).map(Cow::into_owned)
            {
                *value = inner;
            }
        } else if self.form != AnswerForm::AsRead
            && let Some(value) = written.get_mut(&answer)
        {
            let mut list = as_list(value.take());
            *value = match (self.form, list.len()) {
                (AnswerForm::OnlyItem, 1) => list.remove(0),
                _ => list.into(),
            };
        }
        written
    }
}

/// Whether a value is an answer: neither null, nor blank, nor `NaN`, nor an empty list.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        other => {
            let text = value_text(other);
            !text.trim().is_empty() && !is_missing(text.trim())
        }
    }
}

fn as_list(value: Value) -> Vec<Value> {
    let list = literal::structure(&value).filter(|it| it.is_array()).map(Cow::into_owned);
    match list.unwrap_or(value) {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// The last name of a path, or all of it if a column has that name.
fn name_for(path: &ValuePath, taken: &BTreeSet<String>) -> String {
    let path_text = path.to_string();
    let words = path_text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    match taken.contains(path.last_name()) {
        false => path.last_name().to_owned(),
        true => text::free_name(&words.collect::<Vec<_>>().join("_"), |it| taken.contains(it)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Shape;
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_written_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let number = "12345678901234567890123";
        let line =
            format!(r#"{{"q":"1.50","price":1.50,"n":{number},"m":{{"label":"a"}},"e":1e3}}"#);
        std::fs::write(&path, line + "\n").unwrap();
        let source = SourceRows { path, shape: Shape::default(), lifted: Default::default() };
        let mut stats = ColumnStats::default();
        stats.add(&source.rows().unwrap().next().unwrap().unwrap().values);
        let roles = ColumnRoles {
            answer: Some(ValuePath::parse("m.label").unwrap()),
            ..ColumnRoles::default()
        };
        let mut writer = RowWriter::new(&source, &stats, &roles);
        writer.rename("e", "exp");
        let row = writer.written().unwrap().next().unwrap().unwrap();
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            format!(r#"{{"q":"1.50","price":1.50,"n":{number},"exp":1e3,"label":"a"}}"#)
        );
    }

    #[test]
    fn entries_become_columns_and_their_objects_go() {
        let rows = [
            json!({"id": 1, "text": "own", "row": {"text": "q1", "label": "a", "x": {"y": 2}}}),
            json!({"id": 2, "text": "own", "row": {"text": "q2", "label": null}}),
            json!({"id": 3, "text": "own", "row": {"text": "q3", "label": "b"}}),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>())
            .unwrap();
        let source = SourceRows { path, shape: Shape::default(), lifted: Default::default() };
        let mut stats = ColumnStats::default();
        rows.iter().for_each(|row| stats.add(row.as_object().unwrap()));
        let roles = ColumnRoles {
            input: Some(ValuePath::parse("row.text").unwrap()),
            answer: Some(ValuePath::parse("row.label").unwrap()),
            ..ColumnRoles::default()
        };
        let mut writer = RowWriter::new(&source, &stats, &roles);
        assert_eq!(writer.name_of(&roles.input.unwrap()), "row_text");
        writer.rename("id", "nr");
        writer.answers_as(AnswerForm::List);
        let written: Vec<Value> =
            writer.written().unwrap().map(|row| Value::Object(row.unwrap().values)).collect();
        assert_eq!(
            written,
            [
                json!({"nr": 1, "text": "own", "label": ["a"], "row_text": "q1", "y": 2}),
                json!({"nr": 3, "text": "own", "label": ["b"], "row_text": "q3"}),
            ]
        );
    }
}
