//! Marked places of a text, as the marked texts by label: no model counts characters.

use crate::prompt::Columns;
use serde_json::Value;

/// A marked place, in characters.
pub(super) struct Span {
    start: usize,
    end: usize,
    label: String,
}

impl Span {
    pub(super) fn new(start: &Value, end: &Value, label: &Value) -> Option<Self> {
        let place = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let (start, end) = (place(start)?, place(end)?);
        (start <= end).then_some(Self { start, end, label: label.as_str()?.to_owned() })
    }

    /// `{"start": 0, "end": 5, "label": "PER"}`
    pub(super) fn of(value: &Value) -> Option<Self> {
        Self::new(value.get("start")?, value.get("end")?, value.get("label")?)
    }
}

/// Adds a marked text under its label.
pub(super) fn add(found: &mut Columns, label: &str, text: &str) {
    let list = found.entry(label.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(text.into());
    }
}

/// `{"PER": ["Ann", "Bo"]}`
pub(super) fn entities(text: &str, spans: &[Span]) -> Value {
    let mut found = Columns::new();
    for span in spans {
        let marked: String = text.chars().skip(span.start).take(span.end - span.start).collect();
        add(&mut found, &span.label, &marked);
    }
    Value::Object(found)
}
