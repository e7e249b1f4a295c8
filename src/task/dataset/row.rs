//! One row as it is read from a file of any format.

use crate::prompt::Columns;
use crate::source::SourceError;
use serde_json::Value;
use std::path::Path;

/// One row as read from its file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The line on which it starts, from 1.
    pub(crate) line: usize,
    /// Its values by column.
    pub(crate) values: Columns,
    /// The columns whose text is a number as it was written.
    pub(crate) numbers: Vec<String>,
}

/// The values of a row.
pub(super) fn object(path: &Path, line: usize, value: Value) -> Result<Columns, SourceError> {
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
