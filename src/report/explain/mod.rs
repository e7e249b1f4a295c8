//! Explains one candidate, or one rejected proposal, from the journal: what it is, why it was
//! written, what changed, and what happened to it.
//!
//! It decides nothing again: it uses only events, and scores as they were at the time. Held-out
//! rows appear as means only.

mod sentences;
mod page;
mod subject;
mod trace;

pub use page::page;
pub use subject::{Subject, Unfound, find, find_candidate};
pub use trace::Explainer;

use super::diff::Piece;
use crate::event::{Dropped, Rejection, StopReason};
use crate::id::{CandidateId, CandidateIx, EventNumber, ProposalNumber};
use crate::run::Flag;
use crate::score_form::ScoreForm;
use crate::task::example::Split;
use crate::task::scorer::InvalidAnswers;
use crate::units::Tokens;
use serde::Serialize;
use std::collections::BTreeMap;

/// The explanation of one candidate or proposal.
#[derive(Debug, Serialize)]
pub struct Explanation {
    run: String,
    /// How scores are written for people.
    #[serde(skip)]
    score_form: ScoreForm,
    /// The candidate; `None` for a proposal that became no candidate.
    candidate: Option<Identity>,
    /// Why and how it was written; `None` for the baseline.
    written: Option<Provenance>,
    /// The searched parts compared with those of its first parent.
    changes: Vec<Change>,
    /// What happened to it, in order.
    fate: Vec<Moment>,
    children: Vec<Relative>,
    /// Why answers to it are invalid, by the split of their rows.
    invalid: BTreeMap<Split, InvalidAnswers>,
    /// What guards found in it; empty until they are asked.
    flags: Vec<Flag>,
}

impl Explanation {
    /// The same with what guards found.
    #[must_use]
    pub fn with_flags(self, flags: Vec<Flag>) -> Self {
        Self { flags, ..self }
    }
}

/// A candidate's id and number.
#[derive(Clone, Debug, Serialize)]
struct CandidateRef {
    id: CandidateId,
    number: CandidateIx,
}

/// The properties of a candidate.
#[derive(Debug, Serialize)]
struct Identity {
    #[serde(flatten)]
    named: CandidateRef,
    operator: String,
    /// Its current status, as a phrase.
    standing: String,
    parents: Vec<Relative>,
    generation: u32,
    place: Option<u16>,
    islands: Vec<u16>,
    demos: Vec<DemoShown>,
    /// The mutation instruction that it inherits.
    gene: Option<String>,
    /// What was repaired in the reply that it was read from.
    repairs: Vec<RepairShown>,
    prompt_tokens: u64,
    /// What leaving lines out has saved.
    pruned: Option<String>,
    dev_mean: Option<f64>,
    dev_rows: u32,
}

/// A parent or a child.
#[derive(Debug, Serialize)]
struct Relative {
    #[serde(flatten)]
    named: CandidateRef,
    operator: String,
    dev_mean: Option<f64>,
    dev_rows: u32,
    standing: String,
}

/// What was repaired before it was screened.
#[derive(Debug, Serialize)]
struct RepairShown {
    what: &'static str,
    /// What was left out, or put back.
    lines: Vec<String>,
}

/// A demonstration.
#[derive(Debug, Serialize)]
struct DemoShown {
    row: String,
    /// Whether the model's own answer is shown, or the expected one.
    own_answer: bool,
}

/// Why and how a candidate or proposal was written.
#[derive(Debug, Serialize)]
struct Provenance {
    proposal: ProposalNumber,
    operator: String,
    /// A description of the operator.
    about: String,
    /// Why this operator and these parents were chosen.
    why: Vec<String>,
    parents: Vec<CandidateRef>,
    /// The earlier steps that it builds on, in order.
    steps: Vec<StepTaken>,
    rows: Vec<RowShown>,
    earlier: Vec<ScoredPrompt>,
    call: Option<CallMade>,
    outcome: Outcome,
}

/// An earlier step of the same operator.
#[derive(Debug, Serialize)]
struct StepTaken {
    proposal: ProposalNumber,
    /// The name of its meta-prompt.
    name: String,
    /// The note that the next step used; `None` if the step wrote a prompt.
    note: Option<String>,
    call: Option<CallMade>,
}

/// A training row that the mutator was shown.
#[derive(Debug, Serialize)]
struct RowShown {
    row: String,
    /// The score of the parent's answer; `None` if the row was shown without an answer.
    score: Option<f64>,
}

/// An earlier prompt that the mutator was shown.
#[derive(Debug, Serialize)]
struct ScoredPrompt {
    #[serde(flatten)]
    named: CandidateRef,
    score: Option<f64>,
}

/// A call of the mutator.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct CallMade {
    call: u64,
    usd: f64,
    prompt_tokens: Tokens,
    completion_tokens: Tokens,
    milliseconds: u32,
}

/// The outcome of a proposal.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Outcome {
    /// It became a candidate.
    Added,
    /// It was rejected; `text` is the mutator's reply, if there is one.
    Rejected { reason: Rejection, sentence: &'static str, detail: String, text: Option<String> },
    /// It was abandoned before the mutator was called.
    Abandoned { sentence: &'static str },
    /// It gave notes for the next step.
    Noted { notes: Vec<String>, followed_by: Vec<ProposalNumber> },
    /// It gave a prompt for the next step.
    Kept { followed_by: Vec<ProposalNumber> },
    /// The mutator did not answer.
    Missing,
    /// It is still open.
    Open,
}

/// A searched part compared with its parent's.
#[derive(Debug, Serialize)]
struct Change {
    part: String,
    is_changed: bool,
    pieces: Vec<Piece>,
}

/// Something that happened to the candidate.
#[derive(Debug, Serialize)]
struct Moment {
    event: EventNumber,
    /// Dollars that the run had spent by then.
    usd: f64,
    #[serde(flatten)]
    happened: Happened,
    /// A sentence that says what happened.
    text: String,
}

/// The kinds of things that happen to a candidate.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Happened {
    /// Its gate was folded.
    Gate { rows: usize, sum: f64, needed: f64, passed: bool },
    /// Dev rows were folded.
    Rows {
        replicate: u16,
        rows: usize,
        missing: usize,
        mean: Option<f64>,
        /// The incumbent's mean on the same rows at that time.
        incumbent: Option<CandidateRef>,
        incumbent_mean: Option<f64>,
        rows_so_far: u32,
        mean_so_far: Option<f64>,
    },
    /// It answered training rows, as evidence for its children.
    Evidence { rows: usize, mean: Option<f64> },
    /// A round of a contest ended.
    Round {
        contest: u32,
        group: u32,
        round: u32,
        rows: u32,
        mean: Option<f64>,
        rank: usize,
        of: usize,
    },
    /// It was dropped.
    Dropped { why: Dropped },
    /// All its rows were evaluated.
    Judged { rows: u32, mean: Option<f64> },
    /// It survived a contest.
    Survived { place: usize, of: usize },
    /// It was in the population of a generation.
    Generation { number: u32, place: usize, of: usize },
    /// It became the incumbent.
    Incumbent { instead_of: CandidateRef, why: String },
    /// Another candidate replaced it as the incumbent.
    Replaced { by: CandidateRef, why: String },
    /// It was copied to an island.
    Migrated { island: u16 },
    /// It was on the shortlist of the recipe's `final`.
    Shortlisted { place: usize, of: usize },
    /// The search ended before all its rows were evaluated.
    Ended { reason: StopReason },
    /// It was chosen as the winner.
    Chosen { shrunken_dev: Option<f64>, hold_rows: u32 },
    /// Held-out rows were folded.
    Confirmed {
        mean: f64,
        low: f64,
        high: f64,
        rows: usize,
        baseline_mean: Option<f64>,
        gain: Option<f64>,
        p_value: Option<f64>,
        is_shown: bool,
    },
}

#[cfg(test)]
mod tests;
