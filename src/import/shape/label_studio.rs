//! Label Studio's exports. The whole one has what was shown under `data`, and each annotation as a list of
//! results; in the short one (JSON-MIN and CSV), each control is a column.
//!
//! Every control that was annotated becomes a column. An annotation that is the ground truth counts
//! before others, and a cancelled one does not count.

use super::content::{Content, all};
use super::spans;
use crate::import::literal::structure;
use crate::prompt::Columns;
use crate::text;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The keys of a result's value that hold what was chosen.
const CHOSEN: [&str; 8] =
    ["choices", "labels", "hypertextlabels", "text", "rating", "number", "taxonomy", "ranker"];

/// The controls of a file, as columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Controls {
    /// Whether each control is a column of the file.
    is_short: bool,
    pub(super) all: BTreeSet<String>,
    /// Those that mark places: where an annotation has none, nothing is there to be marked.
    marking: BTreeSet<String>,
}

/// What the short export notes of an annotation.
const NOTES: &[&str] =
    &["annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"];

impl Controls {
    /// The controls in these rows, if they are Label Studio's.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let is_short =
            |row: &Columns| row.contains_key("annotation_id") && row.contains_key("lead_time");
        // Without these columns, several choices are still written as no other tool does.
        let has_choices =
            |row: &Columns| row.iter().any(|(name, it)| name != "choices" && are_choices(it));
        let is_short = all(rows, is_short) || rows.iter().any(has_choices);
        let mut controls = Self { is_short, ..Self::default() };
        if !controls.is_short && !all(rows, is_task) {
            return None;
        }
        for row in rows {
            let written = match controls.is_short {
                true => {
                    row.iter().filter_map(|(name, it)| Some((name.clone(), short(it)?))).collect()
                }
                false => named_controls(row),
            };
            for (name, value) in written {
                if value.is_object() {
                    controls.marking.insert(name.clone());
                }
                controls.all.insert(name);
            }
        }
        Some(controls)
    }

    /// What was shown, and a column for each control.
    pub(super) fn read(&self, mut row: Columns) -> Content {
        if !self.is_short {
            return self.read_whole(row);
        }
        for name in NOTES {
            row.shift_remove(*name);
        }
        for (name, value) in &mut row {
            if let Some(chosen) = short(value) {
                *value = chosen;
            } else if self.marking.contains(name) && is_nothing(value) {
                *value = Columns::new().into();
            }
        }
        Content::one(row)
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null()
        || value.as_str().is_some_and(|it| matches!(it.trim(), "" | "[]"))
        || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether a value is `{"choices": ["a", "b"]}`.
fn are_choices(value: &Value) -> bool {
    structure(value).is_some_and(|it| {
        let list =
            it.as_object().filter(|it| it.len() == 1).and_then(|it| it.get("choices")?.as_array());
        list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
    })
}

/// What was chosen at a control of the short export: `{"choices": ["a", "b"]}` as a list, marked places as
/// the marked texts by label. A single choice is a text, as any other column.
fn short(value: &Value) -> Option<Value> {
    let opened = structure(value)?;
    if let Value::Object(object) = &*opened {
        let choices = object.get("choices").filter(|it| it.is_array() && object.len() == 1);
        return choices.cloned();
    }
    let mut texts = Map::new();
    for place in opened.as_array().filter(|list| !list.is_empty())? {
        let text = place.get("text").filter(|_| place.get("start").is_some())?.as_str()?;
        let labels = ["labels", "hypertextlabels"].iter().find_map(|it| place.get(*it)?.as_array());
        for label in labels?.iter().filter_map(Value::as_str) {
            spans::add(&mut texts, label, text);
        }
    }
    Some(texts.into())
}

/// Whether a row is a task with its annotations.
fn is_task(row: &Columns) -> bool {
    row.get("data").is_some_and(Value::is_object)
        && annotations(row).is_some_and(|list| list.iter().all(Value::is_object))
}

/// The annotations; older exports call them completions.
fn annotations(row: &Columns) -> Option<&Vec<Value>> {
    ["annotations", "completions"].iter().find_map(|name| row.get(*name)?.as_array())
}

impl Controls {
    fn read_whole(&self, mut row: Columns) -> Content {
        let truth = truth(&row);
        if truth.is_none() && annotations(&row).is_some_and(|list| !list.is_empty()) {
            return Content::LeftOut("cancelled");
        }
        let is_annotated = truth.is_some();
        let named = named_controls(&row);
        let mut written = Columns::new();
        written.extend(row.get("id").cloned().map(|id| ("id".to_owned(), id)));
        if let Some(Value::Object(data)) = row.get_mut("data").map(Value::take) {
            // An id of the data is another one.
            written.extend(data.into_iter().filter(|(name, _)| name != "id"));
        }
        written.extend(named);
        for name in self.marking.iter().filter(|_| is_annotated) {
            written.entry(name.clone()).or_insert_with(|| Columns::new().into());
        }
        Content::one(written)
    }
}

/// The annotation that counts.
fn truth(row: &Columns) -> Option<&Value> {
    let is = |annotation: &Value, name: &str| annotation.get(name) == Some(&Value::Bool(true));
    let all = annotations(row)?;
    let valid: Vec<&Value> =
        all.iter().filter(|it| !is(it, "was_cancelled") && !is(it, "skipped")).collect();
    valid.iter().find(|it| is(it, "ground_truth")).or(valid.first()).copied()
}

/// What was chosen at each control, with names that the data do not have.
fn named_controls(row: &Columns) -> Vec<(String, Value)> {
    let results = truth(row).and_then(|it| it.get("result")?.as_array());
    let data = row.get("data").and_then(Value::as_object);
    let is_taken = |name: &str| name == "id" || data.is_some_and(|it| it.contains_key(name));
    let free = |name: String| match is_taken(&name) {
        true => text::free_name(&format!("{name}_label"), is_taken),
        false => name,
    };
    let results = results.map(Vec::as_slice).unwrap_or_default();
    controls(results).into_iter().map(|(name, value)| (free(name), value)).collect()
}

/// What was chosen at each control: one value, a list, or the marked texts by label.
fn controls(results: &[Value]) -> Vec<(String, Value)> {
    let mut chosen: Vec<(String, Vec<Value>)> = Vec::new();
    let mut marked: Vec<(String, Map<String, Value>)> = Vec::new();
    for result in results {
        let name = result.get("from_name").and_then(Value::as_str).unwrap_or("label").to_owned();
        let Some(value) = result.get("value").and_then(Value::as_object) else { continue };
        let kind = result.get("type").and_then(Value::as_str).unwrap_or_default();
        let said = value.get(kind).or_else(|| CHOSEN.iter().find_map(|kind| value.get(*kind)));
        let said = match said {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => continue,
        };
        match value.get("text").and_then(Value::as_str).filter(|_| value.contains_key("start")) {
            Some(text) => {
                let texts = entry(&mut marked, name);
                for label in said.iter().filter_map(Value::as_str) {
                    spans::add(texts, label, text);
                }
            }
            None => entry(&mut chosen, name).extend(said),
        }
    }
    let chosen = chosen.into_iter().filter(|(_, values)| !values.is_empty());
    let chosen = chosen.map(|(name, mut values)| match values.len() {
        1 => (name, values.remove(0)),
        _ => (name, values.into()),
    });
    chosen.chain(marked.into_iter().map(|(name, texts)| (name, texts.into()))).collect()
}

fn entry<T: Default>(list: &mut Vec<(String, T)>, name: String) -> &mut T {
    let place = list.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        list.push((name, T::default()));
        list.len() - 1
    });
    &mut list[place].1
}
