//! A batch that is at its provider, until each of its calls has what became of it: it is found, asked about,
//! cancelled where it is late, and its results are given to the calls.
//!
//! What goes into a batch is `batched`'s.

use super::{CallContext, CallRunner, lock};
use crate::clock::Clock;
use crate::engine::batches::{Given, call_of};
use crate::engine::error::StopCause;
use crate::event::{Event, Failure, StopReason};
use crate::id::Call;
use crate::provider::LlmError;
use crate::provider::backoff::Backoff;
use crate::provider::batch::{BatchApi, BatchStatus, RowResult, Sought};
use crate::task::model::{Execution, ModelName, RequestForm};
use crate::text;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time between two questions about a batch: at first, and at most.
const POLLS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// How long after its submission a batch may be missing in its provider's list.
const UNLISTED: Duration = Duration::from_secs(2 * 60);
/// How long a provider's full queue is waited for.
const FULL_QUEUE: Duration = Duration::from_secs(60);
/// How long a batch that is cancelled is waited for. Providers promise ten minutes.
const CANCELLING: Duration = Duration::from_secs(15 * 60);
/// Asking live takes so much longer than planned.
const LIVE_MARGIN: f64 = 1.5;
/// And at least so long.
const LIVE_LEAST: Duration = Duration::from_secs(10);

/// A batch that a call follows.
pub(super) struct Followed<'a> {
    pub(super) name: Arc<str>,
    api: &'a dyn BatchApi,
    form: &'a RequestForm,
    /// Batches of the provider that are not this one.
    others: BTreeSet<String>,
    /// Since when its provider has not answered.
    silent_since: Option<Instant>,
    /// Questions about it that failed in a row.
    failed: u64,
    /// When it was asked to be cancelled.
    cancelled: Option<Instant>,
}

impl CallRunner {
    /// Follows a batch until each of its calls has what became of it.
    pub(super) async fn until_back(
        &self,
        context: &CallContext<'_>,
        mut followed: Followed<'_>,
    ) -> Result<(), StopCause> {
        while let Some(id) = self.found(context, &mut followed).await? {
            match self.ended(context, &mut followed, &id).await? {
                Ok(()) => {}
                Err(error) => {
                    let model = context.request.model.clone();
                    return self.refused(context, &followed, &model, error).await;
                }
            }
            let results = loop {
                match followed.api.results(followed.form, &id).await {
                    Ok(results) => break results,
                    Err(error) => self.pause_after(context, &mut followed, error).await?,
                }
            };
            followed.answered();
            let name = Arc::clone(&followed.name);
            let results: Vec<(Call, RowResult)> = results
                .into_iter()
                .filter_map(|(custom_id, result)| Some((call_of(&name, &custom_id)?, result)))
                .collect();
            let mut batches = lock(&self.batches);
            if results.is_empty() {
                // It was another one.
                followed.others.insert(id);
                if let Some(out) = batches.get(&name) {
                    out.id = None;
                }
                continue;
            }
            let since = batches.get(&name).map(|out| out.since);
            let took = since.map(|since| Clock::System.now().duration_since(since));
            if let Some(took) = took.and_then(|took| Duration::try_from(took).ok()) {
                batches.came_back(took);
            }
            for (call, result) in results {
                batches.give(&name, call, Given::Result(result));
            }
            break;
        }
        // What it does not tell of was not run.
        let mut batches = lock(&self.batches);
        for call in batches.left(&followed.name) {
            batches.give(&followed.name, call, Given::Result(RowResult::NotRun));
        }
        Ok(())
    }

    /// A batch's id at its provider; `None` where the provider does not have it.
    async fn found(
        &self,
        context: &CallContext<'_>,
        followed: &mut Followed<'_>,
    ) -> Result<Option<String>, StopCause> {
        loop {
            let known = lock(&self.batches)
                .get(&followed.name)
                .map(|out| (out.id.clone(), out.since, out.rows));
            let Some((id, since, rows)) = known else { return Ok(None) };
            if id.is_some() {
                return Ok(id);
            }
            let name = Arc::clone(&followed.name);
            match followed.api.find(followed.form, Sought { name: &name, rows, since }).await {
                Ok(ids) => {
                    followed.answered();
                    if let Some(id) = ids.into_iter().find(|id| !followed.others.contains(id)) {
                        self.submitted(&name, &id).await?;
                        return Ok(Some(id));
                    }
                    let age = Clock::System.now().duration_since(since);
                    if Duration::try_from(age).is_ok_and(|age| age >= UNLISTED) {
                        return Ok(None);
                    }
                    self.wait(POLLS[0] * 2).await?;
                }
                Err(error) => self.pause_after(context, followed, error).await?,
            }
        }
    }

    /// Waits until nothing more of a batch is answered. An error is a batch that was refused as a whole.
    async fn ended(
        &self,
        context: &CallContext<'_>,
        followed: &mut Followed<'_>,
        id: &str,
    ) -> Result<Result<(), LlmError>, StopCause> {
        let mut wait = POLLS[0];
        loop {
            match followed.api.status(followed.form, id).await {
                Ok(BatchStatus::Ended) => return Ok(Ok(())),
                Ok(BatchStatus::Refused(error)) => return Ok(Err(error)),
                Ok(BatchStatus::Working { done }) => {
                    followed.answered();
                    if let Some(out) = lock(&self.batches).get(&followed.name) {
                        out.done = done;
                    }
                }
                Err(error) => {
                    self.pause_after(context, followed, error).await?;
                    continue;
                }
            }
            let left = lock(&self.batches).left(&followed.name).len();
            match followed.cancelled {
                None if self.is_late(context, left) => {
                    match followed.api.cancel(followed.form, id).await {
                        Ok(()) => followed.cancelled = Some(Instant::now()),
                        Err(error) => self.pause_after(context, followed, error).await?,
                    }
                }
                Some(when) if when.elapsed() >= CANCELLING && self.is_closed(context.share) => {
                    let took = text::duration(CANCELLING);
                    let why = format!(
                        "the time of the run is over, and a batch that was cancelled has not ended \
                         for {took}; what it answered is taken in when the run is resumed"
                    );
                    return Err(StopCause::trouble(StopReason::NoAnswers, why));
                }
                _ => {}
            }
            self.wait(wait).await?;
            let most = if followed.cancelled.is_some() { POLLS[0] * 5 } else { POLLS[1] };
            wait = wait.mul_f64(1.2).min(most);
        }
    }

    /// Whether what is left of a batch must be asked live now, to be answered in time.
    fn is_late(&self, context: &CallContext<'_>, rows: usize) -> bool {
        if self.is_closed(context.share) {
            return true;
        }
        let Some(left) = self.time_left(context.share) else { return false };
        let lanes = u32::try_from(self.concurrency).unwrap_or(u32::MAX).max(1);
        let each = (self.mean_latency() / lanes).max(self.spacing());
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        left <= each.saturating_mul(rows).mul_f64(LIVE_MARGIN).max(LIVE_LEAST)
    }

    /// A provider took no request of a batch.
    pub(super) async fn refused(
        &self,
        context: &CallContext<'_>,
        followed: &Followed<'_>,
        model: &ModelName,
        error: LlmError,
    ) -> Result<(), StopCause> {
        let left = lock(&self.batches).left(&followed.name);
        match error.failure {
            // Its queue is full: smaller batches fit, or those that have room when it is shorter.
            Failure::Throttled => {
                lock(&self.batches).shrink(model, left.len());
                self.wait(error.retry_after.unwrap_or_default().max(FULL_QUEUE)).await?;
            }
            Failure::Auth | Failure::Quota | Failure::Certificate => {
                return Err(StopCause::trouble(StopReason::ProviderRefused, error.message));
            }
            _ if self.execution(context) == Execution::Auto => {
                tracing::warn!(%model, why = error.message, "no batch takes it: it is asked live");
                lock(&self.batches).ask_live(model);
            }
            _ => {
                let why = format!(
                    "{}; `execution = \"auto\"` asks live what no batch takes",
                    error.message
                );
                return Err(StopCause::trouble(StopReason::ProviderRefused, why));
            }
        }
        let mut batches = lock(&self.batches);
        for call in left {
            batches.give(&followed.name, call, Given::Result(RowResult::NotRun));
        }
        Ok(())
    }

    pub(super) async fn submitted(&self, name: &str, id: &str) -> Result<(), StopCause> {
        if let Some(out) = lock(&self.batches).get(name) {
            out.id = Some(id.to_owned());
        }
        let event = Event::BatchSubmitted { name: name.to_owned(), id: id.to_owned() };
        self.journal.append_durable(event).await?;
        Ok(())
    }

    /// Waits after a question about a batch failed, unless no other one will be answered.
    pub(super) async fn pause_after(
        &self,
        context: &CallContext<'_>,
        followed: &mut Followed<'_>,
        error: LlmError,
    ) -> Result<(), StopCause> {
        if matches!(error.failure, Failure::Auth | Failure::Quota | Failure::Certificate) {
            return Err(StopCause::trouble(StopReason::ProviderRefused, error.message));
        }
        let since = *followed.silent_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= context.provider.throttled.patience.silence {
            let silent = text::duration(since.elapsed());
            let why = format!("no answer about a batch for {silent}: {}", error.message);
            return Err(StopCause::trouble(StopReason::NoAnswers, why));
        }
        followed.failed += 1;
        let draw = self.seed.child("batch", followed.failed);
        let tries = u32::try_from(followed.failed).unwrap_or(u32::MAX);
        self.wait(Backoff::delay(tries, draw, error.retry_after)).await
    }

    /// Waits, unless the run stops.
    pub(super) async fn wait(&self, delay: Duration) -> Result<(), StopCause> {
        tokio::select! {
            () = sleep(delay) => Ok(()),
            () = self.stopped() => Err(StopCause::Cancelled),
        }
    }
}

impl<'a> Followed<'a> {
    pub(super) fn new(name: &Arc<str>, api: &'a dyn BatchApi, form: &'a RequestForm) -> Self {
        Self {
            name: Arc::clone(name),
            api,
            form,
            others: BTreeSet::new(),
            silent_since: None,
            failed: 0,
            cancelled: None,
        }
    }

    /// Its provider answered.
    fn answered(&mut self) {
        (self.silent_since, self.failed) = (None, 0);
    }
}
