//! JSON that a tool wrote as a text into an answer: `"outputs": "{\"label\": \"x\"}"`.
//!
//! An input stays the text that it is.

use super::content::all;
use crate::import::literal::structure;
use crate::prompt::Columns;
use serde_json::Value;

/// Columns whose text is opened.
const OPENED: [&str; 8] = [
    "outputs",
    "output",
    "expected",
    "expected_output",
    "reference_outputs",
    "expectations",
    "answer",
    "response",
];

/// The columns of a file that hold objects as texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Packed(Vec<&'static str>);

impl Packed {
    /// From the first rows; `None` where no column does.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let is_packed = |name: &&str| {
            all(rows, |row| row.get(*name).is_some_and(|value| unpacked(value).is_some()))
        };
        let columns: Vec<&'static str> = OPENED.into_iter().filter(|it| is_packed(it)).collect();
        (!columns.is_empty()).then_some(Self(columns))
    }

    /// The row with what is in these texts. A row in which a text is no object keeps it.
    pub(super) fn opened(&self, mut row: Columns) -> Columns {
        for column in &self.0 {
            if let Some(value) = row.get_mut(*column)
                && let Some(inner) = unpacked(value)
            {
                *value = inner;
            }
        }
        row
    }
}

fn unpacked(value: &Value) -> Option<Value> {
    let value = structure(value).filter(|_| value.is_string())?;
    value.as_object().is_some_and(|it| !it.is_empty()).then(|| value.into_owned())
}
