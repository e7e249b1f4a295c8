//! Doccano's sequence labels: `[[0, 5, "PER"]]` beside the text.

use super::spans::{Span, entities};
use crate::prompt::Columns;
use serde_json::Value;

/// The names under which the places stand.
const PLACES: &[&str] = &["label", "labels", "entities"];

/// Whether all rows have a text with marked places, some of them with one at least.
pub(super) fn are_marked(rows: &[Columns]) -> bool {
    let is_text = |row: &Columns| row.get("text").is_some_and(Value::is_string);
    rows.iter().all(|row| is_text(row) && places(row).is_some())
        && rows.iter().filter_map(places).any(|(_, spans)| !spans.is_empty())
}

/// The row with the marked texts by label.
pub(super) fn named(mut row: Columns) -> Columns {
    let Some((name, spans)) = places(&row) else { return row };
    let text = row.get("text").and_then(Value::as_str).unwrap_or_default();
    let marked = entities(text, &spans);
    row.insert(name.to_owned(), marked);
    row
}

fn places(row: &Columns) -> Option<(&'static str, Vec<Span>)> {
    PLACES.iter().find_map(|name| {
        let list = row.get(*name)?.as_array()?;
        let spans: Option<Vec<Span>> = list.iter().map(span).collect();
        Some((*name, spans?))
    })
}

/// `[0, 5, "PER"]`
fn span(value: &Value) -> Option<Span> {
    let [start, end, label] = value.as_array()?.as_slice() else { return None };
    Span::new(start, end, label)
}
