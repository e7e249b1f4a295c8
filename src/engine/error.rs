//! How a run leaves the loop: as an outcome, for a cause, or with an error.

use super::remedy::Remedy;
use crate::event::StopReason;
use crate::id::{Call, ProposalNumber, RowIx};
use crate::journal::JournalError;
use crate::looks::LooksError;
use crate::operator::OperatorError;
use crate::program::CommandError;
use crate::prompt::TemplateError;
use crate::source::SourceError;
use crate::task::example::Split;
use crate::task::model::{ModelName, ModelRole};

/// How a run left the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is over, with a result.
    Finished,
    /// It was interrupted, and can be resumed.
    Interrupted,
    /// Trouble with a provider stopped it. The run can be resumed when that is over.
    Trouble {
        /// Which kind.
        reason: StopReason,
        /// What happened, in the provider's words.
        why: String,
        /// What to do, where that is known.
        remedy: Option<Remedy>,
    },
    /// A scorer's program is broken. The run can be resumed when that is fixed.
    BrokenScorer(String),
}

/// Why a run stops in the middle of its calls. All but a failing journal leave it resumable.
#[derive(Debug, thiserror::Error)]
pub(super) enum StopCause {
    /// It was asked to stop.
    #[error("the run was asked to stop")]
    Cancelled,
    /// A provider is in trouble, or refuses.
    #[error("{why}")]
    Trouble {
        /// Which kind of trouble it is.
        reason: StopReason,
        /// What happened, in the provider's words.
        why: String,
    },
    /// A scorer's program is broken: its verdicts cannot be used.
    #[error("the scorer's program: {0}")]
    Scorer(#[from] CommandError),
    /// A model or a scorer of the program that made the task panicked, or a worker did.
    #[error("call {call}: {message}")]
    Panicked {
        /// The call.
        call: Call,
        /// What the panic says.
        message: String,
    },
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl StopCause {
    /// A provider is in this kind of trouble.
    pub(super) fn trouble(reason: StopReason, why: impl Into<String>) -> Self {
        Self::Trouble { reason, why: why.into() }
    }
}

/// What ends a run unexpectedly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is not known how often the held-out rows were looked at, or the look cannot be written down.
    #[error(transparent)]
    Looks(#[from] LooksError),
    /// A replaced meta-prompt lets no request be written.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// One request does not fit into the mutator's context window.
    #[error(transparent)]
    Window(OperatorError),
    /// An operator was not given what its request needs.
    #[error(transparent)]
    Request(OperatorError),
    /// A row cannot be rendered with a prompt.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// An event names a row that the task does not have.
    #[error("row {row} of {split} does not exist")]
    NoRow {
        /// Of which split.
        split: Split,
        /// The row.
        row: RowIx,
    },
    /// An event names a proposal that was not drafted.
    #[error("proposal {0} has no draft")]
    NoDraft(ProposalNumber),
    /// A draft names an operator that has no request.
    #[error("`{0}` asks no model")]
    NoRequest(String),
    /// A draft names an operator that its recipe does not have.
    #[error("proposal {0} has no operator")]
    NoOperator(ProposalNumber),
    /// A request has no nonce, so that its reply cannot be read.
    #[error("a request without a nonce")]
    NoNonce,
    /// A closure of the program that made the task panicked, or a worker did. The run can be opened
    /// again; the call is charged at its worst case.
    #[error("a panic in call {call}: {message}")]
    Panicked {
        /// The call.
        call: Call,
        /// What the panic says.
        message: String,
    },
    /// The journal asks for vectors, and the task names no model for them.
    #[error("texts were sent to `{0}`, which the task does not name any more")]
    NoEmbeddings(ModelName),
    /// A draft names a mutator that the task does not have.
    #[error("proposal {proposal} is for the role `{role}`, and the task names no model for it")]
    NoMutator {
        /// The draft.
        proposal: ProposalNumber,
        /// The role of its mutator.
        role: ModelRole,
    },
}
