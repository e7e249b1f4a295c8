//! The answer of Hugging Face's data sets server: wrapped rows, and what it tells of their columns.

use crate::prompt::Columns;
use crate::source;
use crate::source::json;
use serde_json::Value;
use std::path::Path;

/// Whether a row is `{"row_idx": 0, "row": {…}}`.
pub(super) fn is_wrapped(row: &Columns) -> bool {
    row.contains_key("row_idx") && row.get("row").is_some_and(Value::is_object)
}

/// What is said of cut rows.
pub(super) const CUT: &str = "cells were cut off by the server that sent them";

/// Whether the server cut off cells of a row.
pub(super) fn is_cut(row: &Columns) -> bool {
    row.get("truncated_cells").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// The name of a class, or the names of a list of classes. A negative number is no class: the answers of some
/// test splits are hidden so.
pub(super) fn class_of(value: &Value, names: &[String]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|it| class_of(it, names)).collect(),
        _ if value.as_i64().is_some_and(i64::is_negative) => Value::Null,
        _ => {
            let place = value.as_u64().and_then(|it| usize::try_from(it).ok());
            place.and_then(|it| names.get(it)).map_or(value.clone(), |it| it.clone().into())
        }
    }
}

/// The row within.
pub(super) fn unwrapped(mut row: Columns) -> Columns {
    match row.get_mut("row") {
        Some(Value::Object(inner)) => std::mem::take(inner),
        _ => row,
    }
}

/// The names of classes by column, where the file has their numbers.
pub(super) type Classes = Vec<(String, Vec<String>)>;

/// The classes of the columns of a file.
pub(super) fn classes_of(path: &Path) -> Classes {
    let is_json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let text = if is_json { source::read_text(path).unwrap_or_default() } else { String::new() };
    // Only an object has keys: a list of rows tells nothing of its columns.
    let entries = json::parse_raw(&text).ok().and_then(|raw| json::entries(raw).ok());
    let features = entries.into_iter().flatten().find(|(key, _)| key == "features");
    let features = features.and_then(|(_, raw)| json::parse(raw.get()).ok());
    features.map(|it| class_names(&it)).unwrap_or_default()
}

/// The names of the classes that Hugging Face numbers.
pub(super) fn class_names(features: &Value) -> Classes {
    let of = |feature: &Value| {
        // Of a list, it is the items that have classes.
        let kind = feature.get("type")?;
        let kind = kind.get("feature").or_else(|| kind.get(0)).unwrap_or(kind);
        let names = kind.get("names")?.as_array()?;
        let names: Option<Vec<String>> =
            names.iter().map(|it| Some(it.as_str()?.to_owned())).collect();
        Some((feature.get("name")?.as_str()?.to_owned(), names?))
    };
    features.as_array().map(|list| list.iter().filter_map(of).collect()).unwrap_or_default()
}
