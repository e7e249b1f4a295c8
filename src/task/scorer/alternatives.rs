//! Several right answers of one row (`any_of = true`).
//!
//! They are a JSON list, also as the text of a cell, or the answers of SQuAD and TriviaQA as these
//! are published. An answer that is no list is the only right one.

use super::json;
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The most other right answers that feedback shows.
const MAX_SHOWN: usize = 4;

/// The right answers of a row.
///
/// # Errors
/// There is none: a lower-case sentence without a full stop.
pub(super) fn of(answer: &Value) -> Result<Vec<Cow<'_, Value>>, String> {
    let list: Vec<Cow<'_, Value>> = match answer {
        Value::Array(list) => list.iter().map(item).collect(),
        Value::String(text) => match json::parse(text) {
            Ok(Value::Array(list)) => {
                list.iter().map(|value| Cow::Owned(item(value).into_owned())).collect()
            }
            _ => vec![Cow::Borrowed(answer)],
        },
        Value::Object(object) => match published(object) {
            Some(list) => list.into_iter().map(Cow::Borrowed).collect(),
            None => vec![Cow::Borrowed(answer)],
        },
        _ => vec![Cow::Borrowed(answer)],
    };
    match list.is_empty() {
        true => Err("the list of right answers is empty".to_owned()),
        false => Ok(list),
    }
}

/// An item of a list; in SQuAD's files it is an object with the answer's text and its place.
fn item(value: &Value) -> Cow<'_, Value> {
    let text = value.as_object().filter(|it| it.len() == 2 && it.contains_key("answer_start"));
    Cow::Borrowed(text.and_then(|it| it.get("text")).unwrap_or(value))
}

/// The answers of SQuAD (`text`, `answer_start`) and of TriviaQA (`value`, `aliases`).
fn published(object: &Map<String, Value>) -> Option<Vec<&Value>> {
    if object.contains_key("answer_start")
        && let Some(Value::Array(texts)) = object.get("text")
    {
        return Some(texts.iter().collect());
    }
    let (value, aliases) = (object.get("value")?, object.get("aliases")?.as_array()?);
    Some(std::iter::once(value).chain(aliases.iter().filter(|alias| *alias != value)).collect())
}

/// The best of the verdicts against each right answer. Its feedback names the other right answers.
pub(super) fn best(verdicts: Vec<Verdict>, answers: &[Cow<'_, Value>]) -> Option<Verdict> {
    let rank = |verdict: &Verdict| (verdict.score, verdict.invalid.is_none());
    let (place, mut best) = verdicts
        .into_iter()
        .enumerate()
        .reduce(|best, next| if rank(&next.1) > rank(&best.1) { next } else { best })?;
    if let Some(feedback) = &mut best.feedback {
        let others: Vec<String> = answers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place)
            .take(MAX_SHOWN)
            .map(|(_, answer)| quoted(&value_text(answer)))
            .collect();
        if !others.is_empty() {
            feedback.push_str(&format!(" Also right: {}.", others.join(", ")));
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{row, scorer, value};
    use super::*;
    use serde_json::json;

    fn list(answer: Value) -> Vec<Value> {
        of(&answer).unwrap().into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn the_right_answers_are_a_list_in_any_published_form() {
        let both = vec![json!("Mercury"), json!("planet Mercury")];
        for answer in [
            json!(["Mercury", "planet Mercury"]),
            json!("[\"Mercury\", \"planet Mercury\"]"),
            json!({"text": ["Mercury", "planet Mercury"], "answer_start": [4, 0]}),
            json!([{"text": "Mercury", "answer_start": 4}, {"text": "planet Mercury", "answer_start": 0}]),
            json!({"value": "Mercury", "aliases": ["planet Mercury", "Mercury"], "type": "x"}),
        ] {
            assert_eq!(list(answer.clone()), both, "{answer}");
        }
        assert_eq!(list(json!("Mercury")), [json!("Mercury")]);
        assert_eq!(list(json!("[sic]")), [json!("[sic]")]);
        assert_eq!(list(json!({"total": 3})), [json!({"total": 3})]);
        for empty in [json!([]), json!("[]"), json!({"text": [], "answer_start": []})] {
            assert_eq!(of(&empty).unwrap_err(), "the list of right answers is empty");
        }
    }

    #[test]
    fn any_of_them_is_right_for_every_kind() {
        for (text, answer, expected, wanted) in [
            ("kind = 'equals'", "Venus", json!(["Mars", "Venus"]), 1.0),
            ("kind = 'equals'", "Earth", json!(["Mars", "Venus"]), 0.0),
            ("kind = 'equals'", "4", json!([4, 5]), 1.0),
            ("kind = 'contains'", "It is Mars.", json!(["Mars", "Venus"]), 1.0),
            ("kind = 'starts-with'", "Mars, or so", json!(["Venus", "Mars"]), 1.0),
            ("kind = 'number'", "about 5 m", json!([4, "5"]), 1.0),
            ("kind = 'regex'", "abc", json!(["^x", "^ab"]), 1.0),
            ("kind = 'label'\nlabels = ['a', 'b', 'c']", "b", json!(["a", "b"]), 1.0),
            ("kind = 'label'\nlabels = ['a', 'b', 'c']", "c", json!(["a", "b"]), 0.0),
            (
                "kind = 'json-fields'",
                "{\"x\": 1, \"y\": 2}",
                json!([{"x": 2, "y": 1}, {"x": 1, "y": 3}]),
                0.5,
            ),
        ] {
            assert_eq!(
                value(&format!("{text}\nany_of = true"), answer, expected),
                wanted,
                "{text}"
            );
        }
        assert_eq!(
            value("kind = 'equals'", "[\"Mars\", \"Venus\"]", json!(["Mars", "Venus"])),
            1.0
        );
    }

    #[test]
    fn feedback_names_all_right_answers_and_rows_are_checked() {
        let equals = scorer("kind = 'equals'\nany_of = true");
        let verdict = equals.score("Earth", &row(json!(["Mars", "Venus"]))).unwrap();
        assert_eq!(
            verdict.feedback.as_deref(),
            Some("Expected `Mars`, got `Earth`. Also right: `Venus`.")
        );
        assert!(equals.check(&row(json!([]))).unwrap_err().contains("is empty"));
        let one = scorer("kind = 'number'");
        assert!(one.check(&row(json!([1, 2]))).unwrap_err().contains("with `any_of = true`"));
        let number = scorer("kind = 'number'\nany_of = true");
        assert!(number.check(&row(json!([1, "none"]))).unwrap_err().contains("`none`"));
        let verdict = number.score("none", &row(json!([1, 2]))).unwrap();
        assert_eq!(verdict.invalid.as_deref(), Some("the answer holds no number"));
    }
}
