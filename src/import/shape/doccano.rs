//! Doccano's sequence labels: `[[0, 5, "PER"]]` beside the text.

use super::spans::{Span, entities};
use crate::prompt::Columns;
use serde_json::Value;

/// The names under which the places stand.
const PLACES: &[&str] = &["label", "labels", "entities"];

/// The text; doccano calls it so up to its version 1.2, and `data` later.
fn text(row: &Columns) -> Option<&str> {
    ["text", "data"].iter().find_map(|name| row.get(*name)?.as_str())
}

/// Whether all rows have a text with marked places, some of them with one at least.
pub(super) fn are_marked(rows: &[Columns]) -> bool {
    rows.iter().all(|row| text(row).is_some() && places(row).is_some())
        && rows.iter().filter_map(places).any(|(_, spans)| !spans.is_empty())
}

/// The row with the marked texts by label.
pub(super) fn named(mut row: Columns) -> Columns {
    let Some((name, spans)) = places(&row) else { return row };
    let marked = entities(text(&row).unwrap_or_default(), &spans);
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
