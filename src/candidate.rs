//! A prompt with its history: parents, and the operator that wrote it.

use crate::id::{CandidateId, CandidateIx, ProposalNumber};
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

/// One prompt under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The hash of the prompt's content.
    pub id: CandidateId,
    /// The parts.
    pub prompt: Prompt,
    /// The candidates it was written from; the first one is what growth is measured against.
    pub parents: Vec<CandidateIx>,
    /// The operator's name; `seed` for the task's own prompt.
    pub operator: String,
    /// Where it came from.
    pub origin: Origin,
}

impl Candidate {
    /// The task's own prompt as candidate 0.
    #[must_use]
    pub fn seed(prompt: Prompt) -> Self {
        Self {
            id: prompt.id(),
            prompt,
            parents: Vec::new(),
            operator: "seed".to_owned(),
            origin: Origin::Seed,
        }
    }
}
