//! `starts-with`: the answer begins with the expected text.

use super::prepare::Prepare;
use super::quoted;
use super::verdict::Verdict;
use crate::prompt::value_text;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct StartsWith {
    pub(super) value: Option<Value>,
}

impl StartsWith {
    pub(super) fn score(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let expected = value_text(self.value.as_ref().unwrap_or(expected));
        if answer.starts_with(&*prepare.expected(&expected)) {
            Verdict::right()
        } else {
            Verdict::wrong(format!(
                "Expected an answer that begins with {}, got {}.",
                quoted(&expected),
                quoted(answer)
            ))
        }
    }
}
