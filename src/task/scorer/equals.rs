//! `equals`: the answer equals the expected one. Texts are compared exactly (after `normalize`),
//! numbers and booleans by value, lists and objects as JSON.

use super::json;
use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Equals {
    value: Option<Value>,
}

impl Named for Equals {
    const NAME: &'static str = "equals";
    const KEYS: &'static [&'static str] = &["value"];

    fn new(table: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        Ok(Self { value: table.value.clone() })
    }
}

impl Kind for Equals {
    fn score(&self, answer: &str, row: &Example, prepare: &Prepare) -> Option<Verdict> {
        let expected = self.value.as_ref().unwrap_or(&row.answer);
        let right = match expected {
            Value::String(text) => prepare.expected(text) == answer,
            Value::Array(_) | Value::Object(_) => match json::parse(answer) {
                Ok(value) => json::equal(&value, expected, &json::Tolerance::NONE, prepare),
                Err(reason) => {
                    let reason = format!("the answer is not JSON: {reason}");
                    return Some(Verdict::invalid(reason, &quoted(&expected.to_string())));
                }
            },
            _ => {
                prepare.expected(&expected.to_string()) == answer
                    || json::parse(answer).is_ok_and(|value| {
                        json::equal(&value, expected, &json::Tolerance::NONE, prepare)
                    })
            }
        };
        Some(if right {
            Verdict::right()
        } else {
            let expected = quoted(&crate::prompt::value_text(expected));
            Verdict::wrong(format!("Expected {expected}, got {}.", quoted(answer)))
        })
    }
}
