//! Rows that a candidate is given, and what its answers to them are worth.

use super::omit::is_default;
use crate::id::{Call, CandidateIx, EventNumber, RowIx};
use crate::task::example::Split;
use crate::task::model::{Graders, ModelRole};
use crate::units::Amount;
use crate::units::Score;
use serde::{Deserialize, Serialize};

/// Rows on which a candidate must do well before it is tried in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Of which split.
    pub split: Split,
    /// Which rows.
    pub rows: Vec<RowIx>,
    /// What the parent scored on each of them: the sum over those that the child has a score for is
    /// to be reached.
    pub against: Vec<f64>,
    /// Whether reaching it is enough (`>=`), or it must be passed (`>`).
    pub inclusive: bool,
}

/// Rows that were given to a candidate together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// The first row's call; the others follow.
    pub first: Call,
    /// The candidate that answers.
    pub candidate: CandidateIx,
    /// Rows of which split.
    pub split: Split,
    /// Which answer to these rows it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replicate: u16,
    /// The rows.
    pub rows: Vec<RowIx>,
    /// Each call's worst case in the plan.
    pub reserve: Amount,
    /// Calls of the block that an earlier answer serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<Cached>,
    /// What is set aside for the judge, where one grades the answers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub judging: Option<Judging>,
}

/// What is set aside for the calls that grade each answer of a block. They are numbered after the rows' calls, row by
/// row; those that are not needed are never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judging {
    /// The most calls about an answer.
    pub calls: u32,
    /// Each call's worst case in the plan.
    pub reserve: Amount,
    /// Whom they ask, in turn.
    #[serde(flatten)]
    pub graders: Graders,
}

/// The calls that models may be asked by what one answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgeCalls {
    /// The first; the others follow.
    pub first: Call,
    /// How many.
    pub count: u32,
    /// Each one's worst case in the plan.
    pub reserve: Amount,
    /// Whom they ask, in turn.
    pub graders: Graders,
}

impl JudgeCalls {
    /// The model that a call asks.
    #[must_use]
    pub fn role(&self, call: Call) -> ModelRole {
        self.graders.role(call.0.saturating_sub(self.first.0))
    }
}

impl Block {
    /// The judge's calls about the answer to the row at a place of the block.
    #[must_use]
    pub fn judge_calls(&self, place: u64) -> Option<JudgeCalls> {
        let Judging { calls: count, reserve, graders } = self.judging?;
        let rows = self.rows.len() as u64;
        let first = Call(self.first.0 + rows + place * u64::from(count));
        Some(JudgeCalls { first, count, reserve, graders })
    }
}

/// A call that needs no answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cached {
    /// Which call.
    pub call: Call,
    /// Whose answer serves it.
    pub of: CachedOf,
}

/// Whose answer serves a cached call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CachedOf {
    /// A call that was issued before and is not folded yet.
    Call(Call),
    /// An answer of the journal.
    Answer(EventNumber),
}

/// Which answer of a candidate to which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowKey {
    /// The candidate that answers.
    pub candidate: CandidateIx,
    /// Of which split.
    pub split: Split,
    /// Which answer to the row it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replicate: u16,
    /// The row.
    pub row: RowIx,
}

/// What a row's answer was worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// A score; also an invalid answer's 0.
    Scored {
        /// The value.
        score: Score,
        /// Whether the answer could not be read; the reason is found by scoring it again.
        #[serde(default, skip_serializing_if = "is_default")]
        invalid: bool,
        /// What the measures of the goal's bounds came to, in the goal's order; those that the answer has none of
        /// are `None`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        measured: Vec<Option<f64>>,
        /// Where the goal asks for consistency: a number that stands for what the answer says. Answers to a row agree
        /// where theirs are the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<u32>,
        /// How much the row counts in a mean score: 1 on average over its split.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        weight: f64,
    },
    /// No score: the model could not be asked.
    Missing,
}

impl RowOutcome {
    /// A score, where the goal has no bounds and all rows have equal weight.
    #[must_use]
    pub fn scored(score: Score, invalid: bool) -> Self {
        Self::Scored { score, invalid, measured: Vec::new(), said: None, weight: 1.0 }
    }
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}
