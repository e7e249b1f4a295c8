//! `rubric`: a model grades the answer, the task's `judge`. This file only parses its table; how the judge is asked is
//! in `judgement`, and its calls are the engine's.

use super::answer_filter::AnswerFilter;
use super::criteria::Rubric;
use super::judging::Judging;
use super::kind::{FromTable, Method};
use super::table::{ScoreTable, ScorerError};
use std::sync::Arc;

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct RubricKind(Rubric);

impl From<RubricKind> for Method {
    fn from(rubric: RubricKind) -> Self {
        Self::Judge(Arc::new(Judging::Rubric(rubric.0)))
    }
}

impl FromTable for RubricKind {
    const NAME: &'static str = "rubric";
    const KEYS: &'static [&'static str] = &["value", "criteria", "reference", "rule"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Rubric::new(table).map(Self)
    }
}
