//! A proposal from its draft to its outcome.

use super::evaluation::Gate;
use super::omit::is_default;
use crate::candidate::{Candidate, Demo};
use crate::id::{CandidateIx, MutatorIx, ProposalNumber, RowIx};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A planned proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Its number.
    pub proposal: ProposalNumber,
    /// The operator's place in the recipe; `None` for the init at `init`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<u16>,
    /// The place in the recipe's `init`, for a proposal that has no parents to improve on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<u16>,
    /// The chance with which the operator was drawn, where it was drawn by what it had brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Which of the task's mutators is asked, by its place.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mutator: MutatorIx,
    /// The candidates that it starts from.
    pub parents: Vec<CandidateIx>,
    /// Training rows that the first parent answers for the evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowIx>,
    /// The replicate of those answers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replicate: u16,
    /// Which of the recipe's phases it belongs to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phase: u16,
    /// Which of the operator's steps it is, from 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub step: u8,
    /// The result of an earlier step that it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
    /// Requests of the next step for each item of this one's result.
    #[serde(default, skip_serializing_if = "is_default")]
    pub then: u16,
    /// A number that the operator is free to use: which style, which tip, which edit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub variant: u32,
    /// What its operator alone needs to remember of it, in a form that only this operator reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<serde_json::Value>,
    /// Earlier prompts that are shown, in their order, with the scores that are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<HistoryItem>,
    /// Whether all rows that the first parent answered are counted in a diagnosis.
    #[serde(default, skip_serializing_if = "is_default")]
    pub diagnosed: bool,
    /// Earlier children of the first parent that are shown with what they changed, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// The one searched part that may change, by its place among them; all where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u16>,
    /// Whose part takes the place of the child's own, once it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mate: Option<Mate>,
    /// The child's demonstrations; its first parent's where none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demos: Option<Vec<Demo>>,
    /// The place in the population that the child competes for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u16>,
    /// The island that the child belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub island: Option<u16>,
    /// Whether a program of the user's is asked, and no model.
    #[serde(default, skip_serializing_if = "is_default")]
    pub program: bool,
    /// Children of the same use that were refused before, because they were too much like earlier ones.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempt: u8,
}

impl Draft {
    /// A draft of an operator that starts from these parents.
    #[must_use]
    pub fn new(proposal: ProposalNumber, parents: Vec<CandidateIx>) -> Self {
        Self {
            proposal,
            operator: None,
            init: None,
            chance: None,
            mutator: MutatorIx::FIRST,
            parents,
            rows: Vec::new(),
            replicate: 0,
            phase: 0,
            step: 0,
            from: None,
            then: 0,
            variant: 0,
            own: None,
            context: Vec::new(),
            diagnosed: false,
            tried: Vec::new(),
            part: None,
            mate: None,
            demos: None,
            place: None,
            island: None,
            program: false,
            attempt: 0,
        }
    }
}

/// A candidate that gives one of its searched parts to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mate {
    /// Which.
    pub candidate: CandidateIx,
    /// The part, by its place among the searched ones.
    pub part: u16,
}

/// An earlier step's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The proposal that brought it.
    pub proposal: ProposalNumber,
    /// Which of its items, from 0.
    pub item: u16,
}

/// An earlier prompt as it is shown to the mutator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// Which.
    pub candidate: CandidateIx,
    /// Its score, where one is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// One row of evidence as it is shown: which answer of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The training row.
    pub row: RowIx,
    /// Which of the parent's answers to it; `None` shows the row alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate: Option<u16>,
    /// Whether it is only counted in a diagnosis, and not shown itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub counted: bool,
}

impl Shown {
    /// A row with one of the parent's answers to it, or alone.
    #[must_use]
    pub fn of(row: RowIx, replicate: Option<u16>) -> Self {
        Self { row, replicate, counted: false }
    }
}

/// A child that was tried before, as a request shows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The child.
    pub candidate: CandidateIx,
    /// Its mean score less its parent's, on their common rows.
    pub gain: f64,
    /// How many rows that were.
    pub rows: u32,
}

/// Why a planned proposal was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abandoned {
    /// The parent got all rows right: nothing to learn.
    Perfect,
    /// None of the rows has a score.
    NoEvidence,
    /// Its operator had nothing to work on.
    Nothing,
    /// The request did not fit into the mutator's context window, even without evidence.
    TooLong,
    /// Its phase was over before it was asked.
    PhaseOver,
}

/// What became of a proposal.
#[expect(
    clippy::large_enum_variant,
    reason = "most outcomes are candidates, and few exist at a time"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalOutcome {
    /// A new candidate.
    Added {
        /// The candidate.
        candidate: Candidate,
        /// What it must pass before it is tried in full.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gate: Option<Gate>,
    },
    /// Texts that the operator's next step goes on from: critiques, hypotheses, hints.
    Noted {
        /// The texts.
        notes: Vec<String>,
    },
    /// A prompt that the operator's next step goes on from, and that is never run itself.
    Kept {
        /// The prompt.
        prompt: Prompt,
    },
    /// Refused, and never run.
    Rejected {
        /// Why.
        reason: Rejection,
        /// More about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The mutator gave no answer.
    Missing,
}

/// Why a reply is no candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// It ran into the output limit.
    Truncated,
    /// It holds no new part between the tags.
    NoTags,
    /// It changes nothing.
    Unchanged,
    /// It was written before in this run.
    Dedup,
    /// It loses or invents a placeholder.
    Placeholder,
    /// It touches a frozen part.
    Frozen,
    /// It outgrows `prompt.max_tokens` or its parent.
    TooLong,
    /// It lost a label that its parent named.
    Lint,
    /// It copies a row.
    Leak,
    /// It is too much like an earlier one.
    Novelty,
    /// It is empty.
    Empty,
    /// A program of the user's failed, or says why it has none.
    Program,
}

impl Rejection {
    /// Whether no prompt could be read of the reply at all, whatever it says.
    #[must_use]
    pub fn brings_no_prompt(self) -> bool {
        matches!(self, Self::NoTags | Self::Empty | Self::Truncated | Self::Program)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Truncated => "truncated",
            Self::NoTags => "no_tags",
            Self::Unchanged => "unchanged",
            Self::Dedup => "dedup",
            Self::Placeholder => "placeholder",
            Self::Frozen => "frozen",
            Self::TooLong => "too_long",
            Self::Lint => "lint",
            Self::Leak => "leak",
            Self::Novelty => "novelty",
            Self::Empty => "empty",
            Self::Program => "program",
        })
    }
}
