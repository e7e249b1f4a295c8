//! `equals`: the answer equals the expected one. Texts are compared exactly (after `normalize`),
//! numbers and booleans by value, lists and objects as JSON.

use super::json;
use super::prepare::Prepare;
use super::quoted;
use super::verdict::Verdict;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Equals {
    pub(super) value: Option<Value>,
}

impl Equals {
    pub(super) fn score(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let expected = self.value.as_ref().unwrap_or(expected);
        let right = match expected {
            Value::String(text) => prepare.expected(text) == answer,
            Value::Array(_) | Value::Object(_) => match json::parse(answer) {
                Ok(value) => json::equal(&value, expected, &json::Tolerance::NONE, prepare),
                Err(reason) => {
                    let reason = format!("the answer is not JSON: {reason}");
                    return Verdict::invalid(reason, &quoted(&expected.to_string()));
                }
            },
            _ => {
                prepare.expected(&expected.to_string()) == answer
                    || json::parse(answer).is_ok_and(|value| {
                        json::equal(&value, expected, &json::Tolerance::NONE, prepare)
                    })
            }
        };
        if right {
            Verdict::right()
        } else {
            let expected = quoted(&crate::prompt::value_text(expected));
            Verdict::wrong(format!("Expected {expected}, got {}.", quoted(answer)))
        }
    }
}
