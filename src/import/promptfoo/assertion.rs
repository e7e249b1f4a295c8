//! Assertions of promptfoo with their places, and how they become scores of a task.

use super::notes::Place;
use crate::task::scorer::{Assertion, ScoreTable};
use serde_json::Value;

/// One assertion and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) assertion: Assertion,
    pub(super) place: Place,
}

/// The column of assertions that differ from test to test.
pub(super) const COLUMN: &str = "assertions";

/// A table as TOML below `[[score]]`; `None` if it holds what TOML has no word for, such as `null` in a schema.
pub(super) fn toml(table: &ScoreTable) -> Option<String> {
    let keys = serde_json::to_value(table).ok()?;
    let key = |(key, value): (&String, &Value)| {
        let value = toml::Value::try_from(value).ok()?;
        (!has_null(&keys)).then(|| format!("{key} = {value}"))
    };
    let keys: Option<Vec<String>> = keys.as_object()?.iter().map(key).collect();
    Some(keys?.join("\n"))
}

/// A null is left out of TOML without an error.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(keys) => keys.values().any(has_null),
        _ => false,
    }
}

/// The text of a table that compares with a text, and the table that compares with the row's answer in its place.
pub(super) fn with_answer(table: &ScoreTable) -> Option<(&str, ScoreTable)> {
    let text = table.value.as_ref().and_then(Value::as_str).or(table.pattern.as_deref())?;
    let is_one = table.weight.is_none()
        && !table.kind.starts_with("not-")
        // What a judge grades by is no answer.
        && !table.names("rubric");
    is_one.then(|| (text, ScoreTable { value: None, pattern: None, ..table.clone() }))
}

/// The text, if an answer that is this text alone is right.
pub(super) fn right_answer(table: &ScoreTable) -> Option<&str> {
    with_answer(table).map(|(text, _)| text).filter(|_| table.pattern.is_none())
}
