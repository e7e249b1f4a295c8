//! `is-json`: the whole answer is valid JSON without any other text. Its content does not matter,
//! and the expected answer is not used.

use super::json;
use super::kind::{Kind, Named};
use super::prepare::Prepare;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use serde_json::Value;

#[derive(Clone, Copy, Debug)]
pub(super) struct IsJson;

impl Named for IsJson {
    const NAME: &'static str = "is-json";

    fn new(_: &ScoreTable, _: &Prepare) -> Result<Self, ScorerError> {
        Ok(Self)
    }
}

impl Kind for IsJson {
    fn score(&self, answer: &str, _: &Value, _: &Example, _: &Prepare) -> Option<Verdict> {
        Some(match json::parse(answer.trim()) {
            Ok(_) => Verdict::right(),
            Err(error) => Verdict::wrong(format!("Expected JSON and nothing else: {error}.")),
        })
    }
}
