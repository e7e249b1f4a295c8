//! The rows of a file that is imported, one at a time and as plain columns.

use super::shape::{Plain, Shape};
use crate::prompt::Columns;
use crate::source::SourceError;
use crate::task::dataset::{Format, Quirks, RowReader};
use std::path::{Path, PathBuf};

/// The first rows, from which the shape of all rows is told.
const FIRST_ROWS: usize = 20;

/// A file of rows, which can be read again and again.
#[derive(Clone, Debug)]
pub(super) struct SourceRows {
    pub(super) path: PathBuf,
    pub(super) shape: Shape,
}

/// One row as plain columns.
pub(super) struct SourceRow {
    /// The line on which it starts, from 1.
    pub(super) line: usize,
    pub(super) values: Columns,
    /// The marks of its choices.
    pub(super) marks: Vec<String>,
    /// Why its tool does not use it; then it has no values. It stands before the word "row".
    pub(super) left_out: Option<&'static str>,
}

impl SourceRows {
    /// Tells the shape of a file, and what in it is read although it is not as it should be.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<String>), SourceError> {
        let mut reader = RowReader::open(path, Quirks::Convert)?;
        let notes = reader.notes().to_vec();
        let first: Vec<Columns> = reader
            .by_ref()
            .take(FIRST_ROWS)
            .map(|row| Ok(row?.values))
            .collect::<Result<_, SourceError>>()?;
        if first.is_empty() {
            return Err(SourceError::new(path, "the file has no rows"));
        }
        // It may hold the whole text of the file, which is read again for the shape.
        drop(reader);
        Ok((Self { path: path.to_owned(), shape: Shape::of(path, &first) }, notes))
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
                match self.shape.plain(row.values) {
                    Plain::LeftOut(reason) => vec![Ok(SourceRow {
                        line,
                        values: Columns::new(),
                        marks: Vec::new(),
                        left_out: Some(reason),
                    })],
                    Plain::Rows(rows) => rows
                        .into_iter()
                        .map(|(values, marks)| {
                            Ok(SourceRow { line, values, marks, left_out: None })
                        })
                        .collect(),
                }
            }
        }))
    }
}
