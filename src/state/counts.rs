//! Counts for people and for rules that end a search.

use crate::event::{Abandoned, Rejection};
use std::collections::BTreeMap;

/// Counts for people and for `stop`.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Folded proposals, composed ones included.
    pub proposals: u64,
    /// Refused ones by reason.
    pub rejected: BTreeMap<Rejection, u64>,
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
    /// Calls that an earlier answer served.
    pub cached: u64,
    /// Decided children since the last new incumbent.
    pub decided_since_incumbent: u32,
}
