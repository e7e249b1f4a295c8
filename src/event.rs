//! One fact, past tense. The journal is a list of them, and state is their fold.
//!
//! *Decisions* (issued, folded, drafted, dropped, incumbent, ended) follow from each other and from
//! answers; a kill may lose the last of them, and they are derived again. *Facts* (reserved,
//! answered, failed, missing, scored) come from outside; nothing is believed before its fact is
//! durable. Every decision is one event, so that no kill can leave half of one.

use crate::budget::{Amount, Share};
use crate::candidate::{Candidate, Demo};
use crate::id::{Call, CandidateIx, EventNumber, ProposalNumber, RequestHash, RowIx};
use crate::prompt::Prompt;
use crate::task::example::Split;
use crate::task::model::{ModelRole, Usage};
use crate::task::scorer::Verdict;
use crate::units::{Score, Usd};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    Started {
        /// When.
        at: Timestamp,
        /// The seed prompt, candidate 0.
        seed: Candidate,
    },
    /// The run went on after an interruption.
    Resumed {
        /// When.
        at: Timestamp,
        /// How long it had been running before, in milliseconds, as far as is known.
        ran_ms: u64,
    },
    /// A proposal was planned: its parents, and the rows that its evidence comes from.
    ProposalDrafted(Draft),
    /// A planned proposal was given up before anything was asked.
    ProposalAbandoned {
        /// Which.
        proposal: ProposalNumber,
        /// Why.
        why: Abandoned,
    },
    /// The rows of a planned proposal came out right: it asks for what works, not for what is wrong.
    PraiseChosen {
        /// Which.
        proposal: ProposalNumber,
    },
    /// A proposal's request was decided.
    ProposalIssued {
        /// Which.
        proposal: ProposalNumber,
        /// Its call.
        call: Call,
        /// The rows that are shown, with the answers of the first parent.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rows: Vec<Shown>,
        /// The call's worst case in the plan.
        reserve: Amount,
    },
    /// A proposal's answer entered the decisions.
    ProposalFolded {
        /// Its call.
        call: Call,
        /// What became of it.
        outcome: ProposalOutcome,
    },
    /// A candidate was put together from its parents without a model.
    CandidateComposed {
        /// The number of the proposal.
        proposal: ProposalNumber,
        /// What came of it; `None`: nothing new, for this reason.
        outcome: ProposalOutcome,
    },
    /// A block of rows was given to a candidate; its calls are numbered from `first` on.
    EvaluationIssued(Block),
    /// A row's answer entered the decisions.
    EvaluationFolded {
        /// Its call.
        call: Call,
        /// What it was worth.
        outcome: RowOutcome,
    },
    /// A candidate was taken out of the race.
    CandidateDropped {
        /// Which.
        candidate: CandidateIx,
        /// Why.
        why: Dropped,
    },
    /// Another candidate is the best so far.
    IncumbentChanged {
        /// Which.
        candidate: CandidateIx,
        /// The probability, or difference, that it was chosen for.
        why: String,
    },
    /// A candidate has had all rows that its recipe gives it, which are fewer than all of dev.
    CandidateFinished {
        /// Which.
        candidate: CandidateIx,
    },
    /// More rows of dev are used from now on.
    RowsWidened {
        /// How many.
        rows: u32,
    },
    /// A round of a contest began.
    RoundStarted(Round),
    /// A contest is over: whoever is left stays, best first.
    ContestEnded {
        /// Best first.
        survivors: Vec<CandidateIx>,
    },
    /// A generation began: what its children are bred from.
    GenerationStarted(Generation),
    /// The sets of demonstrations that combinations are made of.
    DemosCollected {
        /// The sets; an empty one stands for none.
        sets: Vec<Vec<Demo>>,
    },
    /// A candidate was copied to another island.
    Migrated {
        /// Which.
        candidate: CandidateIx,
        /// Where to.
        island: u16,
    },
    /// The next of the recipe's phases began.
    PhaseStarted {
        /// From 0; the first one begins with the run.
        phase: u16,
    },
    /// The search issues nothing more; its `final` may.
    SearchEnded {
        /// Why.
        reason: StopReason,
    },
    /// The search's `final` gave fresh rows to these candidates.
    ShortlistChosen {
        /// Best first.
        candidates: Vec<CandidateIx>,
    },
    /// The search's winner: its last event before the confirmation.
    WinnerChosen {
        /// Which; the seed where nothing beat it.
        candidate: CandidateIx,
        /// Its shrunken gain over the seed on dev, where there is one.
        shrunken_dev: Option<f64>,
        /// How many held-out rows will confirm it; 0 = no confirmation.
        hold_rows: u32,
    },
    /// The run is over.
    Finished {
        /// When.
        at: Timestamp,
    },

    /// A call's worst case was set aside in the wallet, before anything was sent.
    Reserved {
        /// Which call.
        call: Call,
        /// Its worst case.
        #[serde(flatten)]
        amount: Amount,
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Out of which share.
        #[serde(default, skip_serializing_if = "is_default")]
        share: Share,
    },
    /// A call was answered.
    Answered(Answered),
    /// An attempt failed, and cost this much; the call may go on.
    AttemptFailed {
        /// Which call.
        call: Call,
        /// What kind of failure.
        failure: Failure,
        /// What is charged for it.
        #[serde(flatten)]
        charged: Amount,
    },
    /// A call ended without an answer: its row is missing, not wrong.
    CallMissing {
        /// Which call.
        call: Call,
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Why.
        why: String,
    },
    /// A scorer outside this process judged an answer.
    Scored {
        /// Which call.
        call: Call,
        /// The answer's event.
        answer: EventNumber,
        /// Its verdict.
        verdict: Verdict,
    },
    /// A kill lost a reservation: charged at its worst case.
    Lost {
        /// Which call.
        call: Call,
    },
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    #[default]
    Stop,
    /// It ran into `max_output_tokens`.
    Length,
    /// A filter cut it off.
    Filter,
    /// Anything else that the provider names.
    Other,
}

/// What kind of failure an attempt met; decides whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Too many requests: tried again when the provider says, without counting as a try.
    Throttled,
    /// The key was refused: the run stops.
    Auth,
    /// Quota or balance is used up: the run stops.
    Quota,
    /// The request itself was refused: never tried again.
    BadRequest,
    /// The provider or the network failed: tried again.
    Transient,
    /// A deadline passed: tried again.
    Timeout,
    /// A 200 whose body could not be read: tried again.
    Unreadable,
    /// A 200 without a text and without a reason for it: tried again.
    Empty,
    /// It was set aside and never sent, because the run was asked to stop.
    Unsent,
}

/// A call's answer. The request is not part of it: it is rendered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Which call.
    pub call: Call,
    /// The request's identity.
    pub request: RequestHash,
    /// Bytes of the request's messages.
    pub bytes: u64,
    /// The text as it came.
    pub text: String,
    /// Prompt tokens.
    #[serde(rename = "in")]
    pub input: u64,
    /// Those of them that the provider had cached.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cached: u64,
    /// Answer tokens.
    pub out: u64,
    /// What it cost, in nano-dollars.
    pub usd: Usd,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finish: Finish,
    /// How long the attempt took.
    pub ms: u32,
    /// Running time of the run at the arrival, in milliseconds.
    pub at: u64,
}

impl Answered {
    /// The tokens as one value.
    #[must_use]
    pub fn usage(&self) -> Usage {
        use crate::units::Tokens;
        Usage {
            input: Tokens(self.input),
            cached_input: Tokens(self.cached),
            output: Tokens(self.out),
        }
    }
}

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
    /// Whom it starts from.
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
    /// Whether it asks for what works, not for what is wrong.
    #[serde(default, skip_serializing_if = "is_default")]
    pub praises: bool,
    /// Earlier prompts that are shown, in their order, with the scores that are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Told>,
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
            parents,
            rows: Vec::new(),
            replicate: 0,
            phase: 0,
            step: 0,
            from: None,
            then: 0,
            variant: 0,
            praises: false,
            context: Vec::new(),
            part: None,
            mate: None,
            demos: None,
            place: None,
            island: None,
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
pub struct Told {
    /// Which.
    pub candidate: CandidateIx,
    /// Its score, where one is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// What the children of a generation are bred from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// From 0: so many were bred and judged before it.
    pub number: u32,
    /// The population, in its order: by score, by place, or along a path.
    pub members: Vec<CandidateIx>,
    /// Rollouts of a tree search that began before it, this one included.
    #[serde(default, skip_serializing_if = "is_default")]
    pub iteration: u32,
}

/// One row of evidence as it is shown: which answer of the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The training row.
    pub row: RowIx,
    /// Which of the parent's answers to it; `None` shows the row alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicate: Option<u16>,
}

/// Why a planned proposal was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Abandoned {
    /// The parent got all rows right: nothing to learn.
    Perfect,
    /// None of the rows has a score.
    NoEvidence,
    /// The search ended first.
    Ended,
    /// Its operator had nothing to work on.
    Nothing,
    /// The request did not fit into the mutator's context window, even without evidence.
    TooLong,
}

/// What became of a proposal.
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
    /// The run has had it.
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
        })
    }
}

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
    /// Who answers.
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
    },
    /// No score: the model could not be asked.
    Missing,
}

/// Why a candidate was taken out of the race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// It did not pass its gate.
    Gate {
        /// Its sum.
        sum: f64,
        /// What was asked for.
        needed: f64,
    },
    /// It was unlikely to be better.
    Futile {
        /// The probability of being better.
        probability: f64,
        /// After how many common rows.
        rows: u32,
    },
    /// A round left it behind.
    Halved {
        /// The round.
        round: u32,
        /// Its mean.
        mean: f64,
    },
    /// Others were significantly better, and there were enough of them.
    Beaten {
        /// How many.
        by: u32,
        /// After how many common rows.
        rows: u32,
    },
    /// It did not reach what a stage asks for.
    Stage {
        /// Which, from 0.
        stage: u32,
        /// Its mean.
        mean: f64,
        /// What was asked for.
        needed: f64,
    },
    /// A model of the prompts' texts held it to be among the worse half.
    Predicted {
        /// What it was predicted to score.
        mean: f64,
    },
    /// Its parent had more children than are tried.
    Capped,
    /// A contest was over, and better ones were left.
    Outranked {
        /// Its mean.
        mean: f64,
    },
}

/// A round of a contest: candidates that get rows together and are judged together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// How many contests ended before this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub contest: u32,
    /// A bracket, a phase, a cluster: whatever the contest counts beside its rounds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: u32,
    /// From 0.
    pub round: u32,
    /// Pulls that each of them has had before it.
    pub first: u64,
    /// How many candidates the first round had.
    pub pool: u32,
    /// Who takes part.
    pub candidates: Vec<CandidateIx>,
    /// Rows for each of them in this round.
    pub pulls: u32,
    /// Rollouts that the whole contest may use, fixed when it began.
    pub budget: u64,
    /// Where not all of them get the same: the pulls that each had before, and those that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<(u64, u32)>,
}

impl Round {
    /// The numbers of the pulls that the candidate at a place gets.
    #[must_use]
    pub fn range(&self, place: usize) -> std::ops::Range<u64> {
        let (first, pulls) = self.each.get(place).copied().unwrap_or((self.first, self.pulls));
        first..first + u64::from(pulls)
    }
}

/// Why a run ended. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The money is spent.
    BudgetUsd,
    /// The calls are made.
    BudgetCalls,
    /// The tokens are used.
    BudgetTokens,
    /// The proposals are made.
    BudgetProposals,
    /// The running time is over.
    BudgetWall,
    /// The moment has come.
    Deadline,
    /// The recipe's generations are done.
    Generations,
    /// Nothing is left to evaluate.
    PoolDone,
    /// Too many children in a row without a new incumbent.
    Stalled,
    /// The score that was asked for is reached.
    ScoreReached,
    /// The seed leaves nothing to gain.
    NoHeadroom,
    /// Nothing can be learnt.
    Hopeless,
    /// Somebody asked it to stop.
    Stopped,
    /// A provider refused: key or quota.
    ProviderRefused,
    /// Something unexpected.
    Failed,
}

impl StopReason {
    /// The name in `summary.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BudgetUsd => "budget_usd",
            Self::BudgetCalls => "budget_calls",
            Self::BudgetTokens => "budget_tokens",
            Self::BudgetProposals => "budget_proposals",
            Self::BudgetWall => "budget_wall",
            Self::Deadline => "deadline",
            Self::Generations => "generations",
            Self::PoolDone => "pool_done",
            Self::Stalled => "stalled",
            Self::ScoreReached => "score_reached",
            Self::NoHeadroom => "no_headroom",
            Self::Hopeless => "hopeless",
            Self::Stopped => "stopped",
            Self::ProviderRefused => "provider_refused",
            Self::Failed => "failed",
        }
    }

    /// A sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::BudgetUsd => "the money cap was reached",
            Self::BudgetCalls => "the cap on calls was reached",
            Self::BudgetTokens => "the cap on tokens was reached",
            Self::BudgetProposals => "the cap on proposals was reached",
            Self::BudgetWall => "the running time was over",
            Self::Deadline => "the deadline had come",
            Self::Generations => "the recipe's generations were done",
            Self::PoolDone => "nothing was left to evaluate",
            Self::Stalled => "many children in a row brought nothing better",
            Self::ScoreReached => "the score asked for was reached",
            Self::NoHeadroom => "the seed left nothing to gain",
            Self::Hopeless => "nothing could be learnt",
            Self::Stopped => "it was asked to stop",
            Self::ProviderRefused => "a provider refused: key or quota",
            Self::Failed => "something unexpected happened",
        }
    }
}

impl Event {
    /// Whether it follows from earlier events (and is compared between runs), or came from outside.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        !matches!(
            self,
            Self::Started { .. }
                | Self::Resumed { .. }
                | Self::Finished { .. }
                | Self::Reserved { .. }
                | Self::Answered(_)
                | Self::AttemptFailed { .. }
                | Self::CallMissing { .. }
                | Self::Scored { .. }
                | Self::Lost { .. }
        )
    }
}
