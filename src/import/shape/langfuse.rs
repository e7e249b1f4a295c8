//! The items of Langfuse's data sets, of which some are archived.

use super::content::Content;
use crate::prompt::Columns;
use serde_json::Value;

/// Whether a row is such an item; a table of contracts may have the same status.
pub(super) fn is_item(row: &Columns) -> bool {
    ["expectedOutput", "datasetId", "datasetName"].iter().any(|name| row.contains_key(*name))
        && matches!(row.get("status").and_then(Value::as_str), Some("ACTIVE" | "ARCHIVED"))
}

pub(super) fn read(row: Columns) -> Content {
    match row.get("status").is_some_and(|status| status == "ARCHIVED") {
        true => Content::LeftOut("archived"),
        false => Content::one(row),
    }
}
