//! `contains`: the answer contains the expected text exactly (`normalize` with `lower` ignores
//! case).

use super::prepare::Prepare;
use super::quoted;
use super::verdict::Verdict;
use crate::prompt::value_text;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Contains {
    pub(super) value: Option<Value>,
}

impl Contains {
    pub(super) fn score(&self, answer: &str, expected: &Value, prepare: &Prepare) -> Verdict {
        let expected = value_text(self.value.as_ref().unwrap_or(expected));
        if answer.contains(&*prepare.expected(&expected)) {
            Verdict::right()
        } else {
            Verdict::wrong(format!(
                "Expected {} in the answer, got {}.",
                quoted(&expected),
                quoted(answer)
            ))
        }
    }
}
