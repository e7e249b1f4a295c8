//! One fact, past tense. The journal is a list of them, and state is their fold.
//!
//! *Decisions* (issued, folded, drafted, dropped, incumbent, ended) follow from each other and from
//! answers; a kill may lose the last of them, and they are derived again. *Facts* (reserved,
//! answered, failed, missing, scored) come from outside; nothing is believed before its fact is
//! durable. Every decision is one event, so that no kill can leave half of one.

// A file uses only files declared above it.
mod omit;
mod run;
mod call;
mod batch;
mod evaluation;
mod proposal;
mod embedding;
mod strategy;

pub use batch::Batch;
pub use call::{Answered, Failure, Finish, NoAnswer, Step};
pub use embedding::Embedded;
pub use evaluation::{Block, Cached, CachedOf, Gate, JudgeCalls, Judging, RowKey, RowOutcome};
pub use proposal::{
    Abandoned, Draft, HistoryItem, Mate, ProposalOutcome, Rejection, Shown, Source, Tried,
};
pub use run::{Confirmation, EarlierEnd, HeldOutGain, StopReason};
pub use strategy::{Dropped, Generation, Migrant, Round};

use crate::candidate::{Candidate, Demo};
use crate::caps::{Caps, Share};
use crate::id::{Call, CandidateIx, EventNumber, MutatorIx, ProposalNumber};
use crate::task::ProviderChange;
use crate::task::model::{ModelName, ModelRole};
use crate::task::scorer::Verdict;
use crate::units::Amount;
use jiff::Timestamp;
use omit::is_default;
use serde::{Deserialize, Serialize};

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    Started {
        /// When.
        at: Timestamp,
        /// The baseline, candidate 0.
        baseline: Candidate,
    },
    /// What the run was started with, as a hash: whatever else `run.json` says later is not believed.
    Pinned {
        /// blake3 of what decides its results.
        blake3: String,
    },
    /// The first rows of dev, and of the held-out ones, must pass.
    RowsMustPass {
        /// How many of dev.
        dev: u32,
        /// How many of the held-out ones.
        hold: u32,
        /// How many held-out rows there are.
        of_hold: u32,
    },
    /// The run went on after an interruption.
    Resumed {
        /// When.
        at: Timestamp,
        /// How long it had been running before, in milliseconds, as far as is known.
        ran_ms: u64,
    },
    /// The run may spend another amount from now on.
    CapsChanged {
        /// How much.
        caps: Caps,
    },
    /// The run was over, and goes on with other caps: its search continues where it ended.
    Reopened {
        /// When.
        at: Timestamp,
        /// What it may spend from now on.
        caps: Caps,
        /// How it had ended.
        earlier: EarlierEnd,
    },
    /// The run was over, and further candidates are compared with the baseline on held-out rows. Its result stays.
    ConfirmationAsked {
        /// When.
        at: Timestamp,
        /// What it may spend from now on.
        caps: Caps,
        /// What is compared.
        #[serde(flatten)]
        confirmation: Confirmation,
    },
    /// The way in which models are asked has changed, and the user accepted the change.
    ProvidersChanged {
        /// What has changed.
        changes: Vec<ProviderChange>,
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
    /// What the operator of a planned proposal remembers of it is another value now.
    ProposalRevised {
        /// Which.
        proposal: ProposalNumber,
        /// The value, in a form that only this operator reads.
        own: serde_json::Value,
    },
    /// Another mutator writes a planned proposal: the worst case of the one that was drawn did not fit
    /// the budget, and that of this one did.
    MutatorReplaced {
        /// Which proposal.
        proposal: ProposalNumber,
        /// Who writes it.
        mutator: MutatorIx,
        /// Who was drawn before.
        instead_of: MutatorIx,
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
        /// What came of it.
        outcome: ProposalOutcome,
    },
    /// The vectors of some texts were asked for, before they are compared with others.
    EmbeddingIssued {
        /// Its call.
        call: Call,
        /// Which model is asked.
        model: ModelName,
        /// The texts.
        texts: Vec<String>,
        /// The call's worst case in the plan.
        reserve: Amount,
    },
    /// The vectors of texts entered the decisions.
    EmbeddingFolded {
        /// Its call.
        call: Call,
        /// The texts, in the order in which they were asked.
        texts: Vec<Embedded>,
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
    /// A contest is over: the candidates that are left stay.
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
    /// Candidates were copied to other islands; none, where the best are there already.
    Migrated {
        /// Which, and where to.
        moves: Vec<Migrant>,
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
        /// Which; the baseline where nothing beat it.
        candidate: CandidateIx,
        /// Its shrunken gain over the baseline on dev, where there is one.
        shrunken_dev: Option<f64>,
        /// How many held-out rows will confirm it; 0 = no confirmation.
        hold_rows: u32,
    },
    /// The held-out rows of what is being confirmed, or of what an evaluation or a comparison shows, were counted as
    /// looked at, before the first of them was asked.
    LookTaken {
        /// Which look at these rows it is, from 1, over all runs of the results folder.
        number: u32,
    },
    /// The run is over.
    Finished {
        /// When.
        at: Timestamp,
    },
    /// Trouble stopped the run; it can be resumed.
    Stopped {
        /// When.
        at: Timestamp,
        /// How long it had been running, in milliseconds.
        ran_ms: u64,
        /// What kind of trouble.
        reason: StopReason,
        /// What happened, in the provider's words.
        why: String,
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
    /// An answer of an earlier run was copied, because a row is about to ask the same. It costs nothing, and serves rows of
    /// train and dev only.
    Reused {
        /// Which of the sources in `run.json`, from 0.
        source: u16,
        /// The answer: paid there, with its present price as `live`.
        answer: Answered,
    },
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
    /// An attempt was late, and its request is sent once more: the worst case of that was set aside, before it
    /// was sent. The first answer is the call's.
    Hedged {
        /// Which call.
        call: Call,
        /// The worst case.
        #[serde(flatten)]
        amount: Amount,
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Out of which share.
        #[serde(default, skip_serializing_if = "is_default")]
        share: Share,
    },
    /// Of the two requests of a hedged attempt, the one that does not count is over, and cost this much.
    HedgeSettled {
        /// Which call.
        call: Call,
        /// What is charged for it.
        #[serde(flatten)]
        charged: Amount,
        /// What kind of failure it met; none where it was answered, or where the session ended before it was over.
        #[serde(default, skip_serializing_if = "is_default")]
        failure: Option<Failure>,
    },
    /// A server refused a field of the requests to a model: from now on they are written without it.
    FieldRefused {
        /// Which model.
        model: ModelName,
        /// The name of the field.
        field: String,
        /// What the server said.
        why: String,
    },
    /// A call ended without an answer: its row is missing, not wrong.
    CallMissing {
        /// Which call.
        call: Call,
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Which kind of trouble it was.
        #[serde(default)]
        cause: NoAnswer,
        /// What happened, in the provider's words.
        why: String,
    },
    /// Calls without a good answer are open again: what they met was a state of the provider.
    CallsReopened {
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Which.
        calls: Vec<Call>,
    },
    /// Useless answers count no more, although they were folded: what they met was a state of the
    /// provider. Their rows are missing.
    AnswersWithdrawn {
        /// To which rows.
        answers: Vec<RowKey>,
    },
    /// A scorer outside this process judged an answer.
    Scored {
        /// Which call.
        call: Call,
        /// The answer's event.
        answer: EventNumber,
        /// Its verdict.
        verdict: Verdict,
        /// The replies of the judge that it rests on, those that could not be read too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        judged_by: Vec<EventNumber>,
    },
    /// The judge gave no grade of an answer: its row is missing, not wrong.
    Unjudged {
        /// Which call.
        call: Call,
        /// The answer's event.
        answer: EventNumber,
        /// Which kind of trouble it was; `unreadable` where its replies were no grades.
        cause: NoAnswer,
        /// What happened.
        why: String,
        /// The replies of the judge that could not be read, and those to other questions about the answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        judged_by: Vec<EventNumber>,
    },
    /// Requests are about to be submitted to a provider at once: durable before they are.
    BatchPlanned(Batch),
    /// A planned batch is about to begin: durable before its provider is asked to. Before that, nothing of it
    /// is billed.
    BatchPosted {
        /// Our name of it.
        name: String,
        /// When, by our clock.
        at: Timestamp,
    },
    /// A provider has a batch.
    BatchSubmitted {
        /// Our name of it.
        name: String,
        /// Its id at the provider.
        id: String,
    },
    /// A provider has a batch twice, because it took one that it said it had not taken. The one that does not
    /// count was told to stop, and counts as paid.
    BatchSurplus {
        /// Our name of it.
        name: String,
        /// The id of the one that does not count.
        id: String,
        /// What is charged for it.
        #[serde(flatten)]
        charged: Amount,
        /// For which role.
        #[serde(default, skip_serializing_if = "is_default")]
        role: ModelRole,
        /// Out of which share.
        #[serde(default, skip_serializing_if = "is_default")]
        share: Share,
    },
    /// A kill lost what was reserved for a call: charged at its worst case, that of a hedge too.
    Lost {
        /// Which call.
        call: Call,
    },
}

impl Event {
    /// The answer that it holds, if it holds one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answered> {
        match self {
            Self::Answered(answer) | Self::Reused { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether it follows from earlier events (and is compared between runs), or came from outside.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        !matches!(
            self,
            Self::Started { .. }
                | Self::Resumed { .. }
                | Self::CapsChanged { .. }
                | Self::Reopened { .. }
                | Self::ConfirmationAsked { .. }
                | Self::ProvidersChanged { .. }
                | Self::Pinned { .. }
                | Self::LookTaken { .. }
                | Self::Finished { .. }
                | Self::Stopped { .. }
                | Self::CallsReopened { .. }
                | Self::AnswersWithdrawn { .. }
                | Self::Reserved { .. }
                | Self::Answered(_)
                | Self::Reused { .. }
                | Self::AttemptFailed { .. }
                | Self::Hedged { .. }
                | Self::HedgeSettled { .. }
                | Self::FieldRefused { .. }
                | Self::BatchPlanned(_)
                | Self::BatchPosted { .. }
                | Self::BatchSubmitted { .. }
                | Self::BatchSurplus { .. }
                | Self::CallMissing { .. }
                | Self::Scored { .. }
                | Self::Unjudged { .. }
                | Self::Lost { .. }
        )
    }
}
