//! A prompt with its origin: its parents, and the operator that wrote it.

use crate::id::{CandidateId, CandidateIx, EventNumber, ProposalNumber, RowIx};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};

/// Where a candidate came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is the baseline.
    Baseline,
    /// A model wrote it in reply to this proposal.
    Proposal(ProposalNumber),
    /// It was composed from its parents without a model.
    Composed(ProposalNumber),
}

/// The name of the part that holds demonstrations. Only operators on demonstrations change it; its
/// text is derived from the candidate's list of demonstrations.
pub const DEMOS: &str = "demos";

/// A training row that a prompt shows with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Demo {
    /// The row.
    pub row: RowIx,
    /// The event that holds the model's own correct answer; if `None`, the expected answer is
    /// shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<EventNumber>,
}

/// What was repaired in a mutator's reply before it was screened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// What was wrong.
    pub kind: RepairKind,
    /// What was left out, or put back from the first parent: lines, or tags.
    pub lines: Vec<String>,
}

/// What was wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairKind {
    /// Tags of the request in the text, or a code fence around it.
    Wrapping,
    /// Lines that are a scorer's or program's message, or end in the middle.
    Messages,
    /// Lines that say again what an earlier one says.
    Repeats,
    /// Labels that the parent names.
    Labels,
    /// The form of the answer that the parent asks for: lost, or contradicted.
    AnswerForm,
}

/// A prompt that the search evaluates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The hash of the prompt's content.
    pub id: CandidateId,
    /// The parts.
    pub prompt: Prompt,
    /// The candidates that it was written from; growth is measured against the first one.
    pub parents: Vec<CandidateIx>,
    /// The demonstrations in the part `demos`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demos: Vec<Demo>,
    /// The mutation instruction that this candidate inherits, if its strategy lets such
    /// instructions evolve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gene: Option<String>,
    /// What was repaired in the reply that it was read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// The operator's name; `baseline` for the baseline.
    pub operator: String,
    /// Its origin.
    pub origin: Origin,
}

impl Candidate {
    /// The baseline as candidate 0.
    #[must_use]
    pub fn baseline(prompt: Prompt) -> Self {
        Self {
            id: prompt.id(),
            prompt,
            parents: Vec::new(),
            demos: Vec::new(),
            gene: None,
            repairs: Vec::new(),
            operator: "baseline".to_owned(),
            origin: Origin::Baseline,
        }
    }
}
