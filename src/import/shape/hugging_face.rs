//! The answer of Hugging Face's data sets server: wrapped rows, and what it tells of their columns.

use crate::prompt::Columns;
use crate::source;
use crate::task::json;
use serde_json::Value;
use std::path::Path;

/// Whether a row is `{"row_idx": 0, "row": {…}}`.
pub(super) fn is_wrapped(row: &Columns) -> bool {
    row.contains_key("row_idx") && row.get("row").is_some_and(Value::is_object)
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
        let names = feature.get("type")?.get("names")?.as_array()?;
        let names: Option<Vec<String>> =
            names.iter().map(|it| Some(it.as_str()?.to_owned())).collect();
        Some((feature.get("name")?.as_str()?.to_owned(), names?))
    };
    features.as_array().map(|list| list.iter().filter_map(of).collect()).unwrap_or_default()
}
