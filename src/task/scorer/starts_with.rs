//! `starts-with`: the answer begins with the expected text.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct StartsWith(SoughtText);

impl FromTable for StartsWith {
    const NAME: &'static str = "starts-with";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        SoughtText::new(table).map(Self)
    }
}

impl Kind for StartsWith {
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        self.0.check(expected, filter)
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.0.of(expected);
        Verdict::right_if(filter.text(answer).starts_with(&*filter.text(&expected)), || {
            format!(
                "Expected an answer that begins with {}, got {}.",
                quoted(&expected),
                quoted(answer)
            )
        })
    }

    fn wanted(&self, expected: &Value) -> String {
        format!("begins with {}", quoted(&self.0.of(expected)))
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}
