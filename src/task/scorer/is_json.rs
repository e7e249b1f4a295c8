//! `is-json`: the whole answer is valid JSON without any other text. Its content does not matter,
//! and the expected answer is not used.

use super::answer_filter::AnswerFilter;
use super::json;
use super::kind::{FromTable, Kind};
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use serde_json::Value;

#[derive(Clone, Copy, Debug)]
pub(super) struct IsJson;

impl FromTable for IsJson {
    const NAME: &'static str = "is-json";

    fn new(_: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self)
    }
}

impl Kind for IsJson {
    fn score(&self, answer: &str, _: &Value, _: &AnswerFilter) -> Verdict {
        match json::parse(answer.trim()) {
            Ok(_) => Verdict::right(),
            Err(error) => Verdict::wrong(format!("Expected JSON and nothing else: {error}.")),
        }
    }

    fn wanted(&self, _: &Value) -> String {
        "is JSON".to_owned()
    }
}
