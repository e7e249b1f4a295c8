//! A provider's batch API: many requests at once, answered within a day, at a lower price.
//!
//! The contract. Which requests go into a batch, and what a batch costs, is decided above. Nothing here is
//! tried again.

use super::{LlmError, Reply, Request};
use crate::task::model::RequestForm;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

/// One request of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchRow<'a> {
    /// The name by which its result is found: at most 64 letters, digits, `_` and `-`.
    pub custom_id: &'a str,
    /// What is asked. All requests of a batch are for the same model.
    pub request: &'a Request,
}

/// A batch that is ready to begin: what `begin` sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared(pub Bytes);

/// A batch that may have begun, as it is looked for at its provider.
#[derive(Clone, Copy, Debug)]
pub struct BatchQuery<'a> {
    /// Our own name of it: the beginning of all its custom ids.
    pub name: &'a str,
    /// How many requests it has.
    pub rows: usize,
    /// When it was first about to begin, by our clock.
    pub since: Timestamp,
}

/// How exactly the clock of a provider is known: some send no time, and all send whole seconds.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

impl BatchQuery<'_> {
    /// Before this moment of the provider's clock, which is this far ahead of ours, the batch did not begin.
    #[must_use]
    pub fn oldest(&self, ahead: SignedDuration) -> Timestamp {
        self.since.saturating_add(ahead - SLACK).unwrap_or(self.since)
    }
}

/// A batch at a provider that may be the one that was sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id at the provider.
    pub id: String,
    /// Whether it carries our name. Without one only its results show whose it is: until then it must not
    /// be cancelled.
    pub is_certain: bool,
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
    /// It was not run, and costs nothing: the provider says that it expired or was cancelled.
    NotRun,
}

/// What became of the requests of a batch that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchResults {
    /// By custom id, in any order.
    pub rows: Vec<(String, RowResult)>,
    /// What became of the requests that have no result of their own. [`RowResult::NotRun`] only where the
    /// provider says that the batch did not run to its end, and shows all that it ran.
    pub rest: RowResult,
}

/// A provider's batch API. `form` says how the messages about a batch are written: it is that of its
/// requests.
#[async_trait]
pub trait BatchApi: Send + Sync {
    /// Sends what must be at the provider before a batch can begin. This is never billed, and may be done
    /// again.
    ///
    /// # Errors
    /// What failed. A refusal (such as a bad request, a key or a quota) will come again.
    async fn prepare(&self, name: &str, rows: &[BatchRow<'_>]) -> Result<Prepared, LlmError>;

    /// Begins a batch; returns its id at the provider.
    ///
    /// # Errors
    /// What failed. After an error other than a refusal it may have begun all the same: it must be looked for
    /// before `begin` is called again.
    async fn begin(&self, form: &RequestForm, prepared: &Prepared) -> Result<String, LlmError>;

    /// The batches that may be this one: none, or several.
    ///
    /// # Errors
    /// The provider gave no list that can be read.
    async fn find(
        &self,
        form: &RequestForm,
        sought: BatchQuery<'_>,
    ) -> Result<Vec<Found>, LlmError>;

    /// How far a batch is.
    ///
    /// # Errors
    /// What failed; status 404 or 410 where the provider has no batch of this id.
    async fn status(&self, form: &RequestForm, id: &str) -> Result<BatchStatus, LlmError>;

    /// What became of the requests of a batch that ended.
    ///
    /// # Errors
    /// What failed; status 404 or 410 where the provider has no such results any more.
    async fn results(&self, form: &RequestForm, id: &str) -> Result<BatchResults, LlmError>;

    /// Asks to answer no more of it. What was answered is still in its results, and billed.
    ///
    /// # Errors
    /// What failed: it may go on.
    async fn cancel(&self, form: &RequestForm, id: &str) -> Result<(), LlmError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_looked_for_by_its_providers_clock() {
        let since: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let sought = BatchQuery { name: "n", rows: 1, since };
        for (minutes, oldest) in [(0, "11:50"), (-12, "11:38"), (60, "12:50")] {
            let oldest: Timestamp = format!("2026-03-01T{oldest}:00Z").parse().unwrap();
            assert_eq!(sought.oldest(SignedDuration::from_mins(minutes)), oldest, "{minutes}");
        }
    }
}
