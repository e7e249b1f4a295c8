//! `equals`: the answer equals the expected one. Texts are compared exactly (after `normalize`),
//! numbers and booleans by value, lists and objects as the JSON that the answer holds.

use super::exact::Tolerance;
use super::find_json::{self, Wanted};
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
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        Ok(Self { value: table.value.clone() })
    }
}

impl Kind for Equals {
    fn score(
        &self,
        answer: &str,
        expected: &Value,
        _: &Example,
        prepare: &Prepare,
    ) -> Option<Verdict> {
        let expected = self.value.as_ref().unwrap_or(expected);
        let is_equal = |value: &Value| json::equal(value, expected, &Tolerance::none(), prepare);
        let is_same_text = |text: &str| prepare.text(text) == prepare.text(answer);
        let right = match expected {
            Value::String(text) => is_same_text(text),
            Value::Array(_) | Value::Object(_) => {
                let wanted = if expected.is_array() { Wanted::List } else { Wanted::Object };
                match find_json::find(answer, wanted) {
                    Ok(value) => is_equal(&value),
                    Err(reason) => {
                        let reason = format!("the answer is not JSON: {reason}");
                        return Some(Verdict::invalid(reason, &quoted(&expected.to_string())));
                    }
                }
            }
            _ => {
                is_same_text(&expected.to_string())
                    || json::parse(answer.trim()).is_ok_and(|value| is_equal(&value))
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
