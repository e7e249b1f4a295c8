//! A prompt with its history: parents, and the operator that wrote it.

use crate::id::{CandidateId, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};

/// Where a candidate came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The task's own prompt.
    Seed,
    /// A model's reply to this proposal.
    Proposal(ProposalNumber),
    /// Put together from its parents without a model.
    Composed(ProposalNumber),
}

/// The part that holds demonstrations, where a task has one. Only operators on demonstrations change
/// it: its text follows from the candidate's list.
pub const DEMOS: &str = "demos";

/// A training row that stands in a prompt with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Demo {
    /// The row.
    pub row: RowIx,
    /// The event with the model's own right answer; without one, the expected answer is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<EventNumber>,
}

/// One prompt under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The hash of the prompt's content.
    pub id: CandidateId,
    /// The parts.
    pub prompt: Prompt,
    /// The candidates it was written from; the first one is what growth is measured against.
    pub parents: Vec<CandidateIx>,
    /// The demonstrations that stand in the part `demos`, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demos: Vec<Demo>,
    /// The mutation instruction that this line of candidates carries along, where its strategy lets
    /// such instructions evolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gene: Option<String>,
    /// The operator's name; `seed` for the task's own prompt.
    pub operator: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Candidate {
    /// The task's own prompt as candidate 0.
    #[must_use]
    pub fn baseline(prompt: Prompt) -> Self {
        Self {
            id: prompt.id(),
            prompt,
            parents: Vec::new(),
            demos: Vec::new(),
            gene: None,
            operator: "seed".to_owned(),
            origin: Origin::Seed,
        }
    }
}
