//! Label Studio's whole export: what was shown under `data`, and each annotation as a list of results.
//!
//! Every control that was annotated becomes a column. An annotation that is the ground truth counts
//! before others, and a cancelled one does not count.

use super::content::Content;
use super::spans;
use crate::prompt::Columns;
use serde_json::{Map, Value};

/// The keys of a result's value that hold what was chosen.
const CHOSEN: [&str; 8] =
    ["choices", "labels", "hypertextlabels", "text", "rating", "number", "taxonomy", "ranker"];

/// Whether a row is a task with its annotations.
pub(super) fn is_task(row: &Columns) -> bool {
    row.get("data").is_some_and(Value::is_object)
        && annotations(row).is_some_and(|list| list.iter().all(Value::is_object))
}

/// The annotations; older exports call them completions.
fn annotations(row: &Columns) -> Option<&Vec<Value>> {
    ["annotations", "completions"].iter().find_map(|name| row.get(*name)?.as_array())
}

/// What was shown, and a column for each control.
pub(super) fn read(mut row: Columns) -> Content {
    let is = |annotation: &Value, name: &str| annotation.get(name) == Some(&Value::Bool(true));
    let all = annotations(&row).cloned().unwrap_or_default();
    let valid: Vec<&Value> =
        all.iter().filter(|it| !is(it, "was_cancelled") && !is(it, "skipped")).collect();
    if valid.is_empty() && !all.is_empty() {
        return Content::LeftOut("cancelled");
    }
    let truth = valid.iter().find(|it| is(it, "ground_truth")).or(valid.first());
    let results = truth.and_then(|it| it.get("result")?.as_array()).cloned().unwrap_or_default();
    let mut written = Columns::new();
    written.extend(row.get("id").cloned().map(|id| ("id".to_owned(), id)));
    if let Some(Value::Object(data)) = row.get_mut("data").map(Value::take) {
        // An id of the data is another one.
        written.extend(data.into_iter().filter(|(name, _)| name != "id"));
    }
    for (control, value) in controls(&results) {
        let mut name = control;
        while written.contains_key(&name) {
            name.push_str("_label");
        }
        written.insert(name, value);
    }
    Content::one(written)
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
