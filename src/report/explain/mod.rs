//! One candidate, or one refused proposal, told from the journal: what it is, why it was written,
//! what changed, and what happened to it.
//!
//! Nothing is decided again here: only what events say, and scores as they stood at the time.
//! Held-out rows are told as means only.

mod page;
mod subject;
mod tell;
mod trace;

pub use page::page;
pub use subject::{Subject, Unfound, find};
pub use trace::Explainer;

use super::words::Run;
use crate::event::{Dropped, Rejection, StopReason};
use crate::id::{CandidateId, CandidateIx, EventNumber, ProposalNumber};
use serde::Serialize;

/// All that the journal knows of one candidate or proposal.
#[derive(Debug, Serialize)]
pub struct Explanation {
    run: String,
    /// What it is; a proposal that became nothing has none.
    candidate: Option<Identity>,
    /// Why and how it was written; the seed was not.
    written: Option<Written>,
    /// The searched parts beside those of its first parent.
    changes: Vec<Change>,
    /// What happened to it, in order.
    fate: Vec<Moment>,
    children: Vec<Relative>,
}

/// A candidate by its names.
#[derive(Clone, Debug, Serialize)]
struct Named {
    id: CandidateId,
    number: CandidateIx,
}

/// What a candidate is.
#[derive(Debug, Serialize)]
struct Identity {
    #[serde(flatten)]
    named: Named,
    operator: String,
    /// Where it stands now, in a sentence.
    standing: String,
    parents: Vec<Relative>,
    generation: u32,
    place: Option<u16>,
    islands: Vec<u16>,
    demos: Vec<DemoShown>,
    /// The mutation instruction that its line carries along.
    gene: Option<String>,
    prompt_tokens: u64,
    dev_mean: Option<f64>,
    dev_rows: u32,
}

/// A parent or a child.
#[derive(Debug, Serialize)]
struct Relative {
    #[serde(flatten)]
    named: Named,
    operator: String,
    dev_mean: Option<f64>,
    dev_rows: u32,
    standing: String,
}

/// A demonstration.
#[derive(Debug, Serialize)]
struct DemoShown {
    row: String,
    /// Whether the model's own answer stands there, or the expected one.
    own_answer: bool,
}

/// Why and how something was written.
#[derive(Debug, Serialize)]
struct Written {
    proposal: ProposalNumber,
    operator: String,
    /// What the operator does.
    about: String,
    /// Why this operator, and why these parents.
    why: Vec<String>,
    parents: Vec<Named>,
    /// Earlier steps that it goes on from, first one first.
    steps: Vec<StepTaken>,
    rows: Vec<RowShown>,
    earlier: Vec<Told>,
    call: Option<CallMade>,
    outcome: Outcome,
}

/// An earlier step of the same operator.
#[derive(Debug, Serialize)]
struct StepTaken {
    proposal: ProposalNumber,
    /// The meta-prompt.
    name: String,
    /// The note that was gone on from; a prompt that was not run has none.
    note: Option<String>,
    call: Option<CallMade>,
}

/// A training row that the mutator was shown.
#[derive(Debug, Serialize)]
struct RowShown {
    row: String,
    /// What the parent's answer scored; `None` where the row was shown alone.
    score: Option<f64>,
}

/// An earlier prompt that the mutator was shown.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    named: Named,
    score: Option<f64>,
}

/// A call of the mutator.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct CallMade {
    call: u64,
    usd: f64,
    prompt_tokens: u64,
    completion_tokens: u64,
    milliseconds: u32,
}

/// What became of a proposal.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Outcome {
    /// A candidate.
    Added,
    /// Refused; `text` is the mutator's reply, where it gave one.
    Rejected { reason: Rejection, sentence: &'static str, detail: String, text: Option<String> },
    /// Given up before anything was asked.
    Abandoned { sentence: &'static str },
    /// Notes for a next step.
    Noted { notes: Vec<String>, followed_by: Vec<ProposalNumber> },
    /// A prompt for a next step.
    Kept { followed_by: Vec<ProposalNumber> },
    /// The mutator gave no answer.
    Missing,
    /// Not decided yet.
    Open,
}

/// A searched part beside its parent's.
#[derive(Debug, Serialize)]
struct Change {
    part: String,
    is_changed: bool,
    runs: Vec<Run>,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
struct Moment {
    event: EventNumber,
    /// Dollars that the run had spent by then.
    usd: f64,
    #[serde(flatten)]
    happened: Happened,
    /// The same in words.
    text: String,
}

/// What can happen to a candidate.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Happened {
    /// Its gate was folded.
    Gate { rows: usize, sum: f64, needed: f64, passed: bool },
    /// Rows of dev were folded.
    Rows {
        replicate: u16,
        rows: usize,
        missing: usize,
        mean: Option<f64>,
        /// The incumbent's mean on the same rows at that time.
        incumbent: Option<Named>,
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
    /// It was taken out.
    Dropped { why: Dropped },
    /// It has had all its rows.
    Judged { rows: u32, mean: Option<f64> },
    /// A contest ended, and it was left.
    Survived { place: usize, of: usize },
    /// A generation bred from it.
    Generation { number: u32, place: usize, of: usize },
    /// It became the incumbent.
    Incumbent { instead_of: Named, why: String },
    /// Another one became the incumbent in its place.
    Replaced { by: Named, why: String },
    /// It was copied to an island.
    Migrated { island: u16 },
    /// It was given fresh rows by the recipe's `final`.
    Shortlisted { place: usize, of: usize },
    /// The search ended before it was judged.
    Ended { reason: StopReason },
    /// It was chosen.
    Chosen { shrunken_dev: Option<f64>, hold_rows: u32 },
    /// Held-out rows were folded.
    Confirmed {
        mean: f64,
        low: f64,
        high: f64,
        rows: usize,
        seed_mean: Option<f64>,
        gain: Option<f64>,
        p_value: Option<f64>,
        is_shown: bool,
    },
}

#[cfg(test)]
mod tests;
