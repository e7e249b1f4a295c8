//! Argilla's records: fields, the responses of people, and suggestions of models; also flattened, as
//! Hugging Face's data sets have them.

use super::content::{Content, all};
use crate::import::literal::structure;
use crate::prompt::Columns;
use crate::text;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What the name of a flattened response ends with.
const RESPONSES: &str = ".responses";

/// What people were shown, and what they were asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    pub(super) fields: BTreeSet<String>,
    pub(super) questions: BTreeSet<String>,
}

impl Names {
    /// The names in these rows, if they are such records.
    pub(super) fn of(rows: &[Columns]) -> Option<Self> {
        let rows: Vec<Columns> = rows.iter().cloned().map(opened).collect();
        let mut names = Self::default();
        if all(&rows, is_nested) {
            for row in &rows {
                let keys = |name: &str| row.get(name).and_then(Value::as_object).into_iter();
                names.fields.extend(keys("fields").flat_map(Columns::keys).cloned());
                let responses = row.get("responses").cloned().map(answers_by_question);
                let answered = responses.into_iter().flatten().map(|(question, _)| question);
                names.questions.extend(answered.map(|it| free_question(&names.fields, it)));
            }
            return Some(names);
        }
        // A row without an answer has an empty list, or none.
        let columns: BTreeSet<&String> = rows.iter().flat_map(Columns::keys).collect();
        let questions = columns.into_iter().filter(|name| {
            let values = || rows.iter().filter_map(|row| row.get(*name));
            let is_list = |it: &Value| it.is_array() || is_blank(it);
            let is_flat = name.ends_with(RESPONSES) && values().all(is_list);
            is_flat || values().any(are_responses) && values().all(is_list)
        });
        let bare = |name: &String| name.strip_suffix(RESPONSES).unwrap_or(name).to_owned();
        names.questions = questions.map(bare).collect();
        (!names.questions.is_empty()).then_some(names)
    }

    /// A record as a plain row: fields, then answers by question, then suggestions.
    pub(super) fn read(&self, row: Columns) -> Content {
        let row = opened(row);
        match is_nested(&row) {
            true => read_nested(row),
            false => self.read_flat(row),
        }
    }
}

/// Whether a record has fields and responses as objects or lists of their own.
fn is_nested(row: &Columns) -> bool {
    row.get("fields").is_some_and(Value::is_object)
        && (row.contains_key("responses") || row.contains_key("suggestions"))
}

/// The row with lists and objects that stand in the cells of a table.
fn opened(mut row: Columns) -> Columns {
    for (name, value) in &mut row {
        let is_known = ["fields", "responses", "suggestions"].contains(&name.as_str())
            || name.contains(RESPONSES);
        let inner = if value.is_string() { structure(value).map(Cow::into_owned) } else { None };
        if let Some(inner) = inner.filter(|it| is_known || are_responses(it)) {
            *value = inner;
        }
    }
    row
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|it| it.trim().is_empty())
}

/// Whether a column holds what people answered, as data sets of the first version have it.
fn are_responses(value: &Value) -> bool {
    let is_response =
        |it: &Value| ["user_id", "value", "status"].iter().all(|key| it.get(*key).is_some());
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_response))
}

fn read_nested(mut row: Columns) -> Content {
    let Some(Value::Object(fields)) = row.get_mut("fields").map(Value::take) else {
        return Content::one(row);
    };
    row.shift_remove("fields");
    row.shift_remove("vectors");
    let (responses, suggestions) = (row.shift_remove("responses"), row.shift_remove("suggestions"));
    let responses = responses.map(answers_by_question).unwrap_or_default();
    if !responses.is_empty() && responses.iter().all(|(_, answers)| is_discarded(answers)) {
        return Content::LeftOut("discarded");
    }
    let names: BTreeSet<String> = fields.keys().cloned().collect();
    row.extend(fields);
    for (question, answers) in responses {
        row.extend(agreed(&answers).map(|value| (free_question(&names, question), value)));
    }
    row.extend(suggested(suggestions));
    Content::one(row)
}

impl Names {
    /// Columns such as `label.responses`, `label.responses.status` and `label.suggestion`.
    fn read_flat(&self, mut row: Columns) -> Content {
        let (mut responded, mut discarded) = (0, 0);
        for question in &self.questions {
            let column = format!("{question}{RESPONSES}");
            let answers: Vec<Value> = match row.get(&column).is_some() {
                true => {
                    let values = row.shift_remove(&column);
                    let statuses = row.shift_remove(&format!("{column}.status"));
                    row.shift_remove(&format!("{column}.users"));
                    let statuses = statuses.as_ref().and_then(Value::as_array);
                    let values = values.as_ref().and_then(Value::as_array).into_iter().flatten();
                    let answer = |(place, value): (usize, &Value)| {
                        let status = statuses.and_then(|list| list.get(place));
                        serde_json::json!({"value": value, "status": status})
                    };
                    values.enumerate().map(answer).collect()
                }
                false => match row.shift_remove(question) {
                    Some(Value::Array(answers)) => answers,
                    _ => continue,
                },
            };
            responded += usize::from(!answers.is_empty());
            discarded += usize::from(is_discarded(&answers));
            let names = row.keys().cloned().collect();
            let name = free_question(&names, question.clone());
            row.extend(agreed(&answers).map(|value| (name, value)));
        }
        match responded > 0 && responded == discarded {
            true => Content::LeftOut("discarded"),
            false => Content::one(row),
        }
    }
}

/// The answers to each question, of any of Argilla's versions: `{"label": [{"value": …}]}`, or
/// `[{"values": {"label": {"value": …}}, "status": …}]`.
fn answers_by_question(responses: Value) -> Vec<(String, Vec<Value>)> {
    let mut found: Vec<(String, Vec<Value>)> = Vec::new();
    match responses {
        Value::Object(questions) => {
            for (question, answers) in questions {
                if let Value::Array(answers) = answers {
                    found.push((question, answers));
                }
            }
        }
        Value::Array(people) => {
            for person in people {
                let status = person.get("status").cloned();
                let values = person.get("values").and_then(Value::as_object);
                for (question, answer) in values.into_iter().flatten() {
                    let value = answer.get("value").unwrap_or(answer);
                    let answer = serde_json::json!({"value": value, "status": status});
                    match found.iter_mut().find(|(known, _)| known == question) {
                        Some((_, answers)) => answers.push(answer),
                        None => found.push((question.clone(), vec![answer])),
                    }
                }
            }
        }
        _ => {}
    }
    found
}

fn status_is(answer: &Value, status: &str) -> bool {
    answer.get("status").is_some_and(|it| it == status)
}

fn is_discarded(answers: &[Value]) -> bool {
    !answers.is_empty() && answers.iter().all(|answer| status_is(answer, "discarded"))
}

/// What most people answered; of equals, the first. A draft is no answer.
fn agreed(answers: &[Value]) -> Option<Value> {
    let values: Vec<&Value> = answers
        .iter()
        .filter(|it| !status_is(it, "discarded") && !status_is(it, "draft"))
        .filter_map(|it| it.get("value").filter(|value| !value.is_null()))
        .collect();
    // Labels that are right together have no order.
    let form = |value: &Value| match value {
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(Value::to_string).collect();
            items.sort_unstable();
            items.join("\n")
        }
        other => other.to_string(),
    };
    let forms: Vec<String> = values.iter().map(|value| form(value)).collect();
    let votes = |value: &Value| forms.iter().filter(|other| **other == form(value)).count();
    let most = values.iter().map(|value| votes(value)).max()?;
    values.iter().find(|value| votes(value) == most).map(|value| (*value).clone())
}

/// Suggestions: `{"label": {"value": …}}`, or `[{"question_name": "label", "value": …}]`.
fn suggested(suggestions: Option<Value>) -> Vec<(String, Value)> {
    let value_of = |suggestion: &Value| suggestion.get("value").cloned().unwrap_or_default();
    let name_of = |question: &str| format!("{question}.suggestion");
    match suggestions {
        Some(Value::Object(questions)) => {
            questions.iter().map(|(name, it)| (name_of(name), value_of(it))).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|it| Some((name_of(it.get("question_name")?.as_str()?), value_of(it))))
            .collect(),
        _ => Vec::new(),
    }
}

/// The question's name, if no field has it.
fn free_question(fields: &BTreeSet<String>, question: String) -> String {
    match fields.contains(&question) {
        true => text::free_name(&format!("{question}_response"), |it| fields.contains(it)),
        false => question,
    }
}
