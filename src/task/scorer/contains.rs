//! `contains`: the answer contains the expected text exactly (`normalize` with `lower` ignores
//! case).

use super::kind::{Kind, Named, check_text, value_of};
use super::prepare::Prepare;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use crate::task::example::Example;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Contains {
    value: Option<Value>,
}

impl Kind for Contains {
    fn check(&self, expected: &Value, prepare: &Prepare) -> Result<(), String> {
        check_text(self.value.as_ref(), expected, prepare)
    }

    fn score(
        &self,
        answer: &str,
        expected: &Value,
        _: &Example,
        prepare: &Prepare,
    ) -> Option<Verdict> {
        let expected = value_text(self.value.as_ref().unwrap_or(expected));
        Some(if prepare.text(answer).contains(&*prepare.text(&expected)) {
            Verdict::right()
        } else {
            Verdict::wrong(format!(
                "Expected {} in the answer, got {}.",
                quoted(&expected),
                quoted(answer)
            ))
        })
    }
}

impl Named for Contains {
    const NAME: &'static str = "contains";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        Ok(Self { value: value_of(table)? })
    }
}
