//! One row as it is read from a file of any format.

use crate::prompt::Columns;
use crate::source::SourceError;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value;
use std::borrow::Cow;
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

/// The name of a column as a person types it: in one form of Unicode (NFC), with plain spaces. macOS decomposes
/// letters, and word processors write spaces that do not break.
pub(super) fn column_name(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(name);
    const SPACES: [char; 3] = ['\u{a0}', '\u{2007}', '\u{202f}'];
    match composed.contains(SPACES) {
        true => Cow::Owned(composed.replace(SPACES, " ")),
        false => composed,
    }
}

/// The values of a row.
pub(super) fn object(path: &Path, line: usize, value: Value) -> Result<Columns, SourceError> {
    let noun = match value {
        Value::Object(values) if values.keys().all(|name| name.is_ascii()) => return Ok(values),
        Value::Object(values) => {
            let mut named = Columns::new();
            for (name, value) in values {
                let name = column_name(&name).into_owned();
                if named.contains_key(&name) {
                    let message =
                        format!("two keys of this row are `{name}`, in two forms of Unicode");
                    return Err(SourceError::new(path, message)
                        .at_line(line)
                        .help("rename one of them"));
                }
                named.insert(name, value);
            }
            return Ok(named);
        }
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
