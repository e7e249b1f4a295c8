//! The rows of OpenAI's and Azure's evals, each under `item`, with what a model said under `sample`.

use crate::prompt::Columns;
use serde_json::Value;

/// Whether a row is wrapped so.
pub(super) fn is_item(row: &Columns) -> bool {
    row.get("item").is_some_and(Value::is_object)
        && row.keys().all(|name| ["item", "sample"].contains(&name.as_str()))
}

/// The row within.
pub(super) fn unwrapped(mut row: Columns) -> Columns {
    match row.get_mut("item") {
        Some(Value::Object(inner)) => std::mem::take(inner),
        _ => row,
    }
}
