//! `preference`: the answer is a judge's reply to a comparison, and the row's answer is the place of the better one, as a person
//! sees it: `first`, `second` or `tie`. A tie in place of a winner is half right.
//!
//! A task with this scorer is about a judge that compares. How a judge of another task is asked and read is in `pairwise`.

use super::answer_filter::AnswerFilter;
use super::kind::{FromTable, Method, RowKind};
use super::pair::Pairwise;
use super::reason::InvalidReason;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::task::example::Example;
use crate::units::Score;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the metric that says which place the reply prefers: 1 for the first, 0 for the second, 0.5 for none.
pub const PREFERRED: &str = "preferred";

/// The kind.
#[derive(Clone, Debug)]
pub(super) struct Preference;

impl From<Preference> for Method {
    fn from(kind: Preference) -> Self {
        Self::Row(Arc::new(kind))
    }
}

impl FromTable for Preference {
    const NAME: &'static str = "preference";
    const KEYS: &'static [&'static str] = &[];

    fn new(_: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        Ok(Self)
    }
}

impl RowKind for Preference {
    fn check(&self, row: &Example) -> Result<(), String> {
        place_of(&row.answer).map(drop)
    }

    fn score(&self, answer: &str, row: &Example) -> Verdict {
        let person = match place_of(&row.answer) {
            Ok(person) => person,
            Err(why) => return Verdict::wrong(why),
        };
        let judge = match Pairwise::preferred(answer) {
            Ok((preferred, _)) => preferred,
            Err(why) => return InvalidReason::NoGrade(why).verdict("a preference"),
        };
        let score = Score::new(1.0 - (judge - person).abs()).unwrap_or(Score::ZERO);
        let feedback = (judge != person).then(|| {
            format!("A person chose \"{}\", the reply \"{}\".", name_of(person), name_of(judge))
        });
        let metrics = BTreeMap::from([(PREFERRED.to_owned(), judge)]);
        Verdict { metrics, ..Verdict::scored(score, feedback) }
    }

    fn metrics(&self) -> Option<&'static [&'static str]> {
        Some(&[PREFERRED])
    }
}

/// How far a person prefers the first place, from 0 to 1.
fn place_of(answer: &Value) -> Result<f64, String> {
    match answer.as_str().map(str::trim) {
        Some("first") => Ok(1.0),
        Some("tie") => Ok(0.5),
        Some("second") => Ok(0.0),
        _ => Err(format!("the answer {answer} is none of `first`, `second` and `tie`")),
    }
}

/// The name of a preference for the first place.
pub(crate) fn name_of(preferred: f64) -> &'static str {
    match preferred {
        0.0 => "second",
        1.0 => "first",
        _ => "tie",
    }
}
