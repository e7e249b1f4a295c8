//! A provider's batch API: many requests at once, answered within a day, at a lower price.
//!
//! The contract. Which requests go into a batch, and what a batch costs, is decided above. Nothing here is
//! tried again.

use super::{LlmError, Reply, Request};
use crate::task::model::RequestForm;
use async_trait::async_trait;
use jiff::Timestamp;

/// One request of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchRow<'a> {
    /// The name by which its result is found: at most 64 letters, digits, `_` and `-`.
    pub custom_id: &'a str,
    /// What is asked. All requests of a batch are for the same model.
    pub request: &'a Request,
}

/// A batch that may have been submitted, as it is looked for at its provider.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Our own name of it: the beginning of all its custom ids.
    pub name: &'a str,
    /// How many requests it has.
    pub rows: usize,
    /// When it was about to be submitted, by our clock.
    pub since: Timestamp,
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchStatus {
    /// Requests are waiting or being answered.
    Working {
        /// How many are done.
        done: u64,
    },
    /// Nothing more will be answered: the results can be read.
    Ended,
    /// The provider took none of its requests.
    Refused(LlmError),
}

/// What became of one request of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowResult {
    /// It was answered.
    Answered(Reply),
    /// It failed.
    Failed(LlmError),
    /// It was not run, and costs nothing: the batch expired or was cancelled.
    NotRun,
}

/// A provider's batch API. `form` says how the messages about a batch are written: it is that of its
/// requests.
#[async_trait]
pub trait BatchApi: Send + Sync {
    /// Submits a batch; returns its id at the provider. After an error that may mean that it was
    /// submitted all the same, it must be looked for before it is submitted again.
    async fn submit(&self, name: &str, rows: &[BatchRow<'_>]) -> Result<String, LlmError>;

    /// The ids of the batches that may be this one, the likeliest first. Where a provider keeps no name,
    /// only the results tell: their custom ids begin with it.
    async fn find(&self, form: &RequestForm, sought: Sought<'_>) -> Result<Vec<String>, LlmError>;

    /// How far a batch is.
    async fn status(&self, form: &RequestForm, id: &str) -> Result<BatchStatus, LlmError>;

    /// What became of the requests of a batch that ended, by custom id, in any order.
    async fn results(
        &self,
        form: &RequestForm,
        id: &str,
    ) -> Result<Vec<(String, RowResult)>, LlmError>;

    /// Asks to answer no more of it. What was answered is still in its results, and billed.
    async fn cancel(&self, form: &RequestForm, id: &str) -> Result<(), LlmError>;
}
