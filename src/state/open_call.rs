//! A call between its issue and its fold: what it is for, what is set aside for it, and how it ended.

use crate::caps::Share;
use crate::event::{Answered, CachedOf, JudgeCalls, RowKey};
use crate::id::{EventNumber, MutatorIx, ProposalNumber};
use crate::task::example::Split;
use crate::task::model::{ModelName, ModelRole, Usage};
use crate::units::Amount;
use crate::units::Usd;
use std::sync::Arc;

/// What an unfolded call is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// An answer to a row.
    Evaluation(RowKey),
    /// A proposal, with the mutator that writes it.
    Proposal(ProposalNumber, MutatorIx),
    /// The vectors of some texts, from this model.
    Embedding(ModelName, Arc<[String]>),
}

/// How many answers to rows, one after the other, a proposal counts for in the order of a run. Models write
/// prompts for seconds and answer rows in a fraction of one. Where it is otherwise, the order stays the same, and
/// only the time that a run takes is longer than it could be.
const PROPOSAL_LASTS: u64 = 20;

impl Work {
    /// How long it counts as taking by the clock of the run's order, in answers to rows.
    #[must_use]
    pub(super) fn lasts(&self) -> u64 {
        match self {
            Self::Proposal(..) => PROPOSAL_LASTS,
            Self::Evaluation(_) | Self::Embedding(..) => 1,
        }
    }

    /// Which model is asked.
    #[must_use]
    pub fn role(&self) -> ModelRole {
        match self {
            Self::Evaluation(_) => ModelRole::Task,
            Self::Proposal(_, mutator) => ModelRole::Mutator(*mutator),
            Self::Embedding(..) => ModelRole::Embed,
        }
    }

    /// Which share pays.
    #[must_use]
    pub fn share(&self) -> Share {
        match self {
            Self::Evaluation(RowKey { split: Split::Hold, .. }) => Share::Hold,
            _ => Share::Search,
        }
    }
}

/// An issued call that is not folded.
#[derive(Clone, Debug)]
pub struct OpenCall {
    /// What it is for.
    pub work: Work,
    /// Its worst case in the plan; nothing for a cached one.
    pub reserve: Amount,
    /// The answer that serves it, if not its own.
    pub cached: Option<CachedOf>,
    /// Whether it was issued to be asked itself; a cached call never is, even where the answer that
    /// was to serve it goes missing.
    pub is_asked: bool,
    /// When it is due by the clock of the run's order.
    pub due: u64,
    /// The judge's calls about its answer.
    pub judging: Option<JudgeCalls>,
}

/// How a call ended, before it is folded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// The event since which it can be folded.
    pub at: EventNumber,
    /// The event that holds the answer; `None`: there is none.
    pub answer: Option<EventNumber>,
    /// The event that holds the verdict of a scorer outside this process.
    pub verdict: Option<EventNumber>,
    /// Tokens of the answered attempt.
    pub usage: Usage,
    /// Cost of the answered attempt.
    pub usd: Usd,
    /// What it costs live.
    pub live_usd: Usd,
    /// Bytes of the request.
    pub bytes: u64,
    /// Whether its tokens are estimated.
    pub is_estimated: bool,
}

impl Arrival {
    /// The answer that an event holds.
    pub(super) fn of(number: EventNumber, answered: &Answered) -> Self {
        Self {
            at: number,
            answer: Some(number),
            verdict: None,
            usage: answered.usage(),
            usd: answered.usd,
            live_usd: answered.live_usd(),
            bytes: answered.bytes,
            is_estimated: answered.estimated,
        }
    }

    /// There is no answer, and there will be none: known since the first event.
    pub const NONE: Self = Self {
        at: EventNumber(0),
        answer: None,
        verdict: None,
        usage: Usage::NONE,
        usd: Usd::ZERO,
        live_usd: Usd::ZERO,
        bytes: 0,
        is_estimated: false,
    };
}
