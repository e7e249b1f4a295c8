//! `is-json`: the whole answer is valid JSON without any other text, and follows `schema`, if there is one. The expected
//! answer is not used.

use super::answer_filter::AnswerFilter;
use super::json;
use super::kind::{FromTable, Kind};
use super::schema::Schema;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct IsJson {
    schema: Option<Schema>,
}

impl FromTable for IsJson {
    const NAME: &'static str = "is-json";
    const KEYS: &'static [&'static str] = &["schema"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self { schema: Schema::new(table)? })
    }
}

impl Kind for IsJson {
    fn score(&self, answer: &str, _: &Value, _: &AnswerFilter) -> Verdict {
        match json::parse(answer.trim()) {
            Ok(value) => match self.schema.as_ref().and_then(|it| it.complaint(&value)) {
                None => Verdict::right(),
                Some(complaint) => Verdict::wrong(complaint),
            },
            Err(error) => Verdict::wrong(format!("Expected JSON and nothing else: {error}.")),
        }
    }

    fn wanted(&self, _: &Value) -> String {
        let schema = if self.schema.is_some() { " of that schema" } else { "" };
        format!("is JSON{schema}")
    }
}
