//! `contains`: the answer contains the expected text exactly (`normalize` with `lower` ignores
//! case).

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Kind, SoughtText};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Contains(SoughtText);

impl FromTable for Contains {
    const NAME: &'static str = "contains";
    const KEYS: &'static [&'static str] = &["value", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        SoughtText::new(table).map(Self)
    }
}

impl Kind for Contains {
    fn check(&self, expected: &Value, filter: &AnswerFilter) -> Result<(), String> {
        self.0.check(expected, filter)
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let expected = self.0.of(expected);
        Verdict::right_if(filter.text(answer).contains(&*filter.text(&expected)), || {
            format!("Expected {} in the answer, got {}.", quoted(&expected), quoted(answer))
        })
    }

    fn wanted(&self, expected: &Value) -> String {
        format!("contains {}", quoted(&self.0.of(expected)))
    }

    fn compares_whole_lists(&self) -> bool {
        true
    }
}
