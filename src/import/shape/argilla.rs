//! Argilla's records: fields, the responses of people, and suggestions of models; also flattened, as
//! Hugging Face's data sets have them.

use super::content::Content;
use crate::prompt::Columns;
use serde_json::Value;

/// What the name of a flattened response ends with.
const RESPONSES: &str = ".responses";

/// Whether a row is such a record.
pub(super) fn is_record(row: &Columns) -> bool {
    let has_fields = row.get("fields").is_some_and(Value::is_object)
        && (row.contains_key("responses") || row.contains_key("suggestions"));
    let is_flat =
        |name: &str, it: &Value| name.ends_with(RESPONSES) && (it.is_array() || it.is_null());
    has_fields || row.iter().any(|(name, it)| is_flat(name, it) || are_responses(it))
}

/// Whether a column holds what people answered, as data sets of the first version have it.
fn are_responses(value: &Value) -> bool {
    let is_response =
        |it: &Value| ["user_id", "value", "status"].iter().all(|key| it.get(*key).is_some());
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_response))
}

/// The record as a plain row: fields, then answers by question, then suggestions.
pub(super) fn read(mut row: Columns) -> Content {
    let Some(Value::Object(fields)) = row.get_mut("fields").map(Value::take) else {
        return read_flat(row);
    };
    row.shift_remove("fields");
    row.shift_remove("vectors");
    let (responses, suggestions) = (row.shift_remove("responses"), row.shift_remove("suggestions"));
    let responses = responses.map(answers_by_question).unwrap_or_default();
    if !responses.is_empty() && responses.iter().all(|(_, answers)| is_discarded(answers)) {
        return Content::LeftOut("discarded");
    }
    row.extend(fields);
    for (question, answers) in responses {
        row.extend(agreed(&answers).map(|value| (free_name(&row, question), value)));
    }
    row.extend(suggested(suggestions));
    Content::one(row)
}

/// Columns such as `label.responses`, `label.responses.status` and `label.suggestion`.
fn read_flat(mut row: Columns) -> Content {
    let questions: Vec<String> =
        row.keys().filter_map(|name| name.strip_suffix(RESPONSES).map(str::to_owned)).collect();
    let (mut responded, mut discarded) = (0, 0);
    let answered: Vec<String> =
        row.iter().filter(|(_, it)| are_responses(it)).map(|(name, _)| name.clone()).collect();
    for question in answered {
        let Some(Value::Array(answers)) = row.shift_remove(&question) else { continue };
        responded += 1;
        discarded += usize::from(is_discarded(&answers));
        row.extend(agreed(&answers).map(|value| (question, value)));
    }
    for question in questions {
        let column = format!("{question}{RESPONSES}");
        // Another program's column may be called so, too.
        if row.get(&column).is_some_and(|it| !it.is_array() && !it.is_null()) {
            continue;
        }
        let values = row.shift_remove(&column);
        let statuses = row.shift_remove(&format!("{question}{RESPONSES}.status"));
        row.shift_remove(&format!("{question}{RESPONSES}.users"));
        let Some(Value::Array(values)) = values else { continue };
        let statuses = statuses.as_ref().and_then(Value::as_array);
        let answers: Vec<Value> = values
            .into_iter()
            .enumerate()
            .map(|(place, value)| {
                let status = statuses.and_then(|list| list.get(place)).cloned();
                serde_json::json!({"value": value, "status": status})
            })
            .collect();
        responded += usize::from(!answers.is_empty());
        discarded += usize::from(is_discarded(&answers));
        row.extend(agreed(&answers).map(|value| (free_name(&row, question), value)));
    }
    match responded > 0 && responded == discarded {
        true => Content::LeftOut("discarded"),
        false => Content::one(row),
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
fn free_name(row: &Columns, mut question: String) -> String {
    while row.contains_key(&question) {
        question.push_str("_response");
    }
    question
}
