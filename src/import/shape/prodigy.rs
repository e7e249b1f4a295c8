//! Prodigy's annotations: what was accepted, rejected or ignored; choices; marked places.

use super::content::{Content, all};
use super::spans::{Span, entities};
use crate::prompt::{Columns, value_text};
use serde_json::Value;

/// Where the label of an annotation stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Labels {
    /// One label is accepted or rejected: the decision is the answer.
    Decision,
    /// In `label`.
    Label,
    /// In `accept`: the ids of `options`.
    Accepted,
    /// In `spans`.
    Spans,
    /// The annotation is in another column, such as a transcript.
    Other,
}

impl Labels {
    /// How these rows are labelled, if they are Prodigy's.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let is_decided = |row: &Columns| {
            matches!(decision(row), Some("accept" | "reject" | "ignore"))
                && ["_task_hash", "_input_hash", "accept", "spans", "label", "options"]
                    .iter()
                    .any(|name| row.contains_key(*name))
        };
        if !all(rows, is_decided) {
            return None;
        }
        let any = |name: &str| rows.iter().any(|row| row.contains_key(name));
        let labels: Vec<&Value> = rows.iter().filter_map(|row| row.get("label")).collect();
        let is_one =
            labels.len() == rows.len() && labels.iter().all(|it| Some(it) == labels.first());
        Some(match () {
            () if any("accept") => Self::Accepted,
            () if is_one && rows.iter().any(|row| decision(row) == Some("reject")) => {
                Self::Decision
            }
            () if !labels.is_empty() => Self::Label,
            () if any("spans") => Self::Spans,
            () => Self::Other,
        })
    }

    /// The column of the answer.
    pub(super) fn column(self) -> Option<&'static str> {
        match self {
            Self::Decision => Some("answer"),
            Self::Label | Self::Accepted | Self::Spans => Some("label"),
            Self::Other => None,
        }
    }

    /// An annotation as a plain row.
    pub(super) fn read(self, mut row: Columns) -> Content {
        match decision(&row) {
            Some("ignore") => return Content::LeftOut("ignored"),
            // The label was rejected: another one is right, and the row does not say which one.
            Some("reject") if self != Self::Decision => return Content::LeftOut("rejected"),
            _ => {}
        }
        let answer = match self {
            Self::Decision => return Content::one(without_notes(row)),
            Self::Label => row.shift_remove("label"),
            Self::Accepted => accepted(&mut row),
            Self::Spans => marked(&mut row),
            Self::Other => None,
        };
        row.shift_remove("answer");
        row.extend(answer.map(|answer| ("label".to_owned(), answer)));
        Content::one(without_notes(row))
    }
}

fn decision(row: &Columns) -> Option<&str> {
    row.get("answer")?.as_str()
}

/// The texts of the accepted options; of a single choice, the text.
fn accepted(row: &mut Columns) -> Option<Value> {
    let Some(Value::Array(ids)) = row.shift_remove("accept") else { return None };
    let options = row.shift_remove("options");
    let options = options.as_ref().and_then(Value::as_array);
    let text_of = |id: &Value| {
        let option = options.into_iter().flatten().find(|it| it.get("id") == Some(id));
        option.and_then(|it| it.get("text")).unwrap_or(id).clone()
    };
    let mut texts: Vec<Value> = ids.iter().map(text_of).collect();
    let is_single =
        row.get("config").and_then(|it| it.get("choice_style")).is_some_and(|it| it == "single");
    match is_single && texts.len() < 2 {
        true => texts.pop(),
        false => Some(texts.into()),
    }
}

fn marked(row: &mut Columns) -> Option<Value> {
    let spans = row.shift_remove("spans")?;
    let spans: Vec<Span> = spans.as_array()?.iter().filter_map(Span::of).collect();
    Some(entities(&value_text(row.get("text")?), &spans))
}

/// The row without what Prodigy notes for itself.
fn without_notes(row: Columns) -> Columns {
    let is_note = |name: &str| name.starts_with('_') || ["tokens", "config"].contains(&name);
    row.into_iter().filter(|(name, _)| !is_note(name)).collect()
}
