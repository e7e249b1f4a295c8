//! Counts for people and for rules that end a search.

use crate::event::{Abandoned, NoAnswer, Rejection};
use crate::id::ProposalNumber;
use crate::task::model::ModelRole;
use crate::units::Usd;
use std::collections::BTreeMap;

/// Counts for people and for `stop`.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Folded proposals, composed ones included.
    pub proposals: u64,
    /// Refused ones by reason.
    pub rejected: BTreeMap<Rejection, u64>,
    /// Steps that gave notes or a prompt for the next one, and no candidate.
    pub noted: u64,
    /// Given up before anything was asked.
    pub abandoned: BTreeMap<Abandoned, u64>,
    /// Proposals that the mutator did not answer.
    pub unanswered: u64,
    /// Rejected or abandoned proposals since the last candidate.
    pub rejected_in_a_row: u32,
    /// Scored answers, all splits.
    pub evaluations: u64,
    /// Folded rows, missing ones included.
    pub folded: u64,
    /// Invalid answers among the scored.
    pub invalid: u64,
    /// Missing rows.
    pub errors: u64,
    /// Calls without a good answer, by cause, also those that were asked again.
    pub failed_calls: BTreeMap<NoAnswer, FailedCalls>,
    /// Answers whose tokens are estimated, because the provider reported none, or impossible numbers.
    pub estimated: u64,
    /// Broken proposals in a row, since the last resume.
    pub broken_in_a_row: u32,
    /// The last of them, in words.
    pub broken_example: String,
    /// Requests for vectors in a row that brought none, since the last resume.
    pub vain_embeddings_in_a_row: u32,
    /// Answers in a row whose grades could not be read, since the last resume.
    pub unread_grades_in_a_row: u32,
    /// Why the last of them could not.
    pub unread_example: String,
    /// Texts for which the embedding model gave no vector.
    pub without_vector: u64,
    /// Those of them that got one of another number of dimensions than most.
    pub in_other_spaces: u64,
    /// Calls that an earlier answer served.
    pub cached: u64,
    /// Answers of earlier runs that were copied, by source.
    pub reused: BTreeMap<u16, Reused>,
    /// Decided children since the last new incumbent.
    pub decided_since_incumbent: u32,
    /// The first draft that was made beside the incumbent.
    pub first_beside_incumbent: ProposalNumber,
}

/// Answers of an earlier run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reused {
    /// How many.
    pub answers: u64,
    /// What they would have cost at today's price.
    pub usd: Usd,
}

/// Calls that failed for one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedCalls {
    /// How many, by role.
    pub calls: BTreeMap<ModelRole, u64>,
    /// One of each role, in the provider's words.
    pub examples: BTreeMap<ModelRole, String>,
}

impl FailedCalls {
    pub(super) fn add(&mut self, role: ModelRole, why: &str) {
        *self.calls.entry(role).or_default() += 1;
        self.examples.entry(role).or_insert_with(|| why.to_owned());
    }
}
