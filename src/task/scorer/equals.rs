//! `equals`: the answer equals the expected one. Texts are compared exactly (after `normalize`),
//! numbers and booleans by value, lists and objects as the JSON that the answer holds.

use super::answer_filter::AnswerFilter;
use super::exact::Tolerance;
use super::find_json::{self, Wanted};
use super::json;
use super::kind::{FromTable, Kind};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Equals {
    value: Option<Value>,
}

impl FromTable for Equals {
    const NAME: &'static str = "equals";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { value: table.value.clone() })
    }
}

impl Kind for Equals {
    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.value.as_ref().unwrap_or(expected);
        let is_equal = |value: &Value| json::equal(value, expected, &Tolerance::none(), filter);
        let is_same_text = |text: &str| filter.text(text) == filter.text(answer);
        let is_right = match expected {
            Value::String(text) => is_same_text(text),
            Value::Array(_) | Value::Object(_) => {
                let wanted = if expected.is_array() { Wanted::List } else { Wanted::Object };
                match find_json::find(answer, wanted) {
                    Ok(value) => is_equal(&value),
                    Err(reason) => return reason.verdict(&quoted(&expected.to_string())),
                }
            }
            // `True` is how a model writes it that has read much Python.
            Value::Bool(_) => {
                filter.text(answer).trim().eq_ignore_ascii_case(&expected.to_string())
            }
            _ => {
                is_same_text(&expected.to_string())
                    || json::parse(answer.trim()).is_ok_and(|value| is_equal(&value))
            }
        };
        Verdict::right_if(is_right, || {
            let expected = quoted(&crate::prompt::value_text(expected));
            format!("Expected {expected}, got {}.", quoted(answer))
        })
    }

    fn wanted(&self, expected: &Value) -> String {
        let expected = self.value.as_ref().unwrap_or(expected);
        format!("is {}", quoted(&crate::prompt::value_text(expected)))
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}
