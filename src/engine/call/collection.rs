//! What a batch brings: it is found at its provider, asked about, cancelled where it is late, and its results
//! are given to its calls.
//!
//! How requests get into a batch is `submission`'s.

use super::{CallContext, CallRunner, lock};
use crate::caps::Share;
use crate::clock::Clock;
use crate::engine::batches::{BatchInFlight, BatchOutcome, call_of};
use crate::engine::error::StopCause;
use crate::event::{Event, Failure, StopReason};
use crate::id::Call;
use crate::provider::LlmError;
use crate::provider::backoff::Backoff;
use crate::provider::batch::{BatchApi, BatchQuery, BatchResults, BatchStatus, Found, RowResult};
use crate::provider::key::REDACTED;
use crate::provider::limit::time_per_call;
use crate::state::Posts;
use crate::task::model::{Execution, ModelName, RequestForm};
use crate::text;
use crate::units::Amount;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time between two questions about a batch: at first, and at most.
const POLLS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// The same for a batch that was cancelled, or that is looked for.
const SHORT_POLL: Duration = Duration::from_secs(5);
/// How long after it was last asked to begin a batch may be missing in its provider's list, but no longer than
/// the patience with the provider.
pub(super) const UNLISTED: Duration = Duration::from_secs(2 * 60);
/// It is looked for at least this often.
const LOOKS: u32 = 3;
/// How long a provider's full queue is waited for.
const FULL_QUEUE: Duration = Duration::from_secs(60);
/// How long cancelling takes at most, by the providers' word.
const CANCELLING: Duration = Duration::from_secs(10 * 60);
/// And how much shorter it is than the batch.
const CANCELLING_SHARE: u32 = 8;
/// How long after the end of the time of a run its batches are still waited for.
const OVERTIME: Duration = Duration::from_secs(30);
/// Asking live takes so much longer than planned.
const LIVE_MARGIN: f64 = 1.5;
/// And at least this long.
const LIVE_LEAST: Duration = Duration::from_secs(10);
/// How often results are read that miss some.
const RESULTS_TRIES: u32 = 3;

/// A batch whose results are collected by one call for all of its calls.
pub(super) struct Collection<'a> {
    pub(super) name: Arc<str>,
    pub(super) api: &'a dyn BatchApi,
    pub(super) form: &'a RequestForm,
    /// Batches of the provider that are not this one.
    pub(super) others: BTreeSet<String>,
    /// Since when its provider has not answered.
    silent_since: Option<Instant>,
    /// Questions about it that failed in a row.
    failed: u64,
    /// When it was asked to be cancelled.
    cancelled: Option<Instant>,
    /// When the time of its run was over.
    over_since: Option<Instant>,
}

/// How a batch ended at its provider.
enum End {
    /// Its results can be read.
    Ended(String),
    /// The one of this id was refused as a whole.
    Refused(String, LlmError),
    /// The provider lists no such batch.
    Unlisted,
    /// The provider has had it, and does not have it any more.
    Gone(LlmError),
    /// Its id holds the key, so it is neither kept nor sent.
    Unnamed,
}

impl CallRunner {
    /// Waits for a batch until each of its calls has what became of it.
    pub(super) async fn collect(
        &self,
        context: &CallContext<'_>,
        mut collection: Collection<'_>,
    ) -> Result<(), StopCause> {
        let name = Arc::clone(&collection.name);
        if lock(&self.batches).get(&name).is_some_and(|out| out.batch.posts.is_none()) {
            self.not_taken(&name);
            return Ok(());
        }
        loop {
            let id = match self.ended(context, &mut collection).await? {
                End::Ended(id) => id,
                End::Refused(id, error) => {
                    if self.is_another_post_there(context, &mut collection, id).await? {
                        continue;
                    }
                    let model = context.request.model.clone();
                    return self.refused(context, &collection, &model, error).await;
                }
                End::Unlisted => {
                    tracing::warn!(%name, "a batch that may have begun is not listed: counted as paid");
                    self.give_rest(&name, &RowResult::Failed(unlisted(context)));
                    return Ok(());
                }
                End::Gone(error) => return self.gone(context, &name, error),
                End::Unnamed => return self.unnamed(context, &name),
            };
            let is_ours = lock(&self.batches).get(&name).is_some_and(|out| out.batch.id.is_some());
            let results = match self.results(context, &mut collection, &id).await? {
                Ok(results) => results,
                Err(error) if is_ours => return self.gone(context, &name, error),
                Err(_) => {
                    collection.others.insert(id);
                    continue;
                }
            };
            let ours: Vec<(Call, RowResult)> = results
                .rows
                .into_iter()
                .filter_map(|(custom_id, result)| Some((call_of(&name, &custom_id)?, result)))
                .collect();
            if !is_ours && ours.is_empty() {
                // It was another one.
                collection.others.insert(id);
                continue;
            }
            self.settle_posts(context, &mut collection, &id).await?;
            let mut batches = lock(&self.batches);
            let out = batches.get(&name).map(|out| (out.is_adopted, out.batch.since));
            let Some((is_adopted, since)) = out else { return Ok(()) };
            let took = Duration::try_from(Clock::System.now().duration_since(since));
            if let Some(took) = took.ok().filter(|_| !is_adopted && collection.cancelled.is_none())
            {
                batches.came_back(took);
            }
            for (call, result) in ours {
                batches.give(&name, call, BatchOutcome::Result(result));
            }
            drop(batches);
            self.give_rest(&name, &results.rest);
            return Ok(());
        }
    }

    /// Gives the same result to all calls of a batch that have none yet.
    fn give_rest(&self, name: &str, result: &RowResult) {
        let mut batches = lock(&self.batches);
        for call in batches.left(name) {
            batches.give(name, call, BatchOutcome::Result(result.clone()));
        }
    }

    /// Ends a batch that its provider does not have any more. Its answers were paid, and may be had with
    /// another key: so this is for people to decide.
    fn gone(
        &self,
        context: &CallContext<'_>,
        name: &str,
        error: LlmError,
    ) -> Result<(), StopCause> {
        if self.abandons_batches {
            let error = LlmError { failure: Failure::Timeout, may_be_billed: true, ..error };
            self.give_rest(name, &RowResult::Failed(error));
            return Ok(());
        }
        let rows = lock(&self.batches).left(name).len();
        let rows = text::plural(rows, "paid request");
        let why = format!(
            "{}; a batch of {rows} is not found with this key and `base_url`: resume with those that \
             it was submitted with, or give it up with `--abandon-batches`: its requests then count as \
             paid and are asked again",
            error.message
        );
        Err(context.trouble(StopReason::ProviderRefused, &why))
    }

    /// Ends a batch that cannot be asked about, because its id holds the key: one of an earlier session where people
    /// say so. Another one of this session would have such an id, too.
    fn unnamed(&self, context: &CallContext<'_>, name: &str) -> Result<(), StopCause> {
        let who = &context.provider.throttled.who;
        let message = format!("the id that {who} gave to a batch holds the key");
        let error = LlmError { message, ..unlisted(context) };
        let is_adopted = lock(&self.batches).get(name).is_some_and(|out| out.is_adopted);
        if self.abandons_batches && is_adopted {
            self.give_rest(name, &RowResult::Failed(error));
            return Ok(());
        }
        let rows = text::plural(lock(&self.batches).left(name).len(), "paid request");
        let why = format!(
            "{}, so it is neither kept nor sent, and what the batch answers to {rows} cannot be asked for: give it \
             up with another key and `--abandon-batches`: its requests then count as paid and are asked again",
            error.message
        );
        Err(context.trouble(StopReason::ProviderRefused, &why))
    }

    /// The batches that may be this one; none where its provider has not listed it for this long after it was last
    /// asked to begin.
    pub(super) async fn found(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        unlisted: Duration,
    ) -> Result<Vec<Found>, StopCause> {
        let (mut looks, mut pause) = (0, POLLS[0]);
        loop {
            let known = lock(&self.batches)
                .get(&collection.name)
                .map(|out| (out.batch.id.clone(), out.batch.posts, out.batch.rows));
            let Some((id, Some(Posts { first, last, .. }), rows)) = known else {
                return Ok(Vec::new());
            };
            if let Some(id) = id {
                return Ok(vec![Found { id, is_certain: true }]);
            }
            let name = Arc::clone(&collection.name);
            let sought = BatchQuery { name: &name, rows, since: first };
            match collection.api.find(collection.form, sought).await {
                Ok(mut found) => {
                    collection.answered();
                    found.retain(|found| !collection.others.contains(&found.id));
                    let ours = lock(&self.batches).ids_beside(&name);
                    found.retain(|found| !ours.contains(&found.id));
                    if let Some(certain) = found.iter().find(|found| found.is_certain) {
                        self.submitted(&name, &certain.id).await?;
                        for surplus in
                            found.iter().filter(|it| it.is_certain && it.id != certain.id)
                        {
                            self.settle_surplus(context, collection, &surplus.id, true).await?;
                        }
                        return Ok(vec![certain.clone()]);
                    }
                    if !found.is_empty() {
                        return Ok(found);
                    }
                    looks += 1;
                    let age = Clock::System.now().duration_since(last);
                    let is_old = Duration::try_from(age).is_ok_and(|age| age >= unlisted);
                    if is_old && looks >= LOOKS {
                        return Ok(Vec::new());
                    }
                    self.check_overtime(context, collection)?;
                    self.wait(pause).await?;
                    pause = pause.mul_f64(1.5).min(SHORT_POLL);
                }
                Err(error) => self.pause_after(context, collection, error).await?,
            }
        }
    }

    /// Looks once more for a batch that was asked to begin several times, once it is known which of its provider's
    /// it is: one that was not listed may be there after all. Then what is set aside is for one alone.
    async fn settle_posts(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        own: &str,
    ) -> Result<(), StopCause> {
        let name = Arc::clone(&collection.name);
        let of = |out: &mut BatchInFlight| (out.batch.posts, out.batch.rows);
        let out = lock(&self.batches).get(&name).map(of);
        let Some((Some(Posts { first, last, count: 2.. }), rows)) = out else {
            return Ok(());
        };
        // One that began a moment ago may be listed only later.
        let long = UNLISTED.min(context.provider.throttled.patience.silence);
        let age = Duration::try_from(Clock::System.now().duration_since(last)).unwrap_or_default();
        self.wait(long.saturating_sub(age)).await?;
        let found = loop {
            let sought = BatchQuery { name: &name, rows, since: first };
            match collection.api.find(collection.form, sought).await {
                Ok(found) => break found,
                Err(error) => self.pause_after(context, collection, error).await?,
            }
        };
        collection.answered();
        let known = lock(&self.batches).ids_beside(&name);
        let is_other =
            |id: &String| id == own || known.contains(id) || collection.others.contains(id);
        for Found { id, is_certain } in found.into_iter().filter(|found| !is_other(&found.id)) {
            let is_ours = match is_certain {
                true => Some(true),
                false => self.is_ours(collection, &id).await,
            };
            if is_ours != Some(false) {
                self.settle_surplus(context, collection, &id, is_ours.is_some()).await?;
            }
        }
        self.reserve_posts(context, &name, 1).await?;
        Ok(())
    }

    /// Whether a batch of which one post was refused is at its provider since another one.
    async fn is_another_post_there(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        refused: String,
    ) -> Result<bool, StopCause> {
        let name = Arc::clone(&collection.name);
        collection.others.insert(refused);
        let posts = lock(&self.batches).get(&name).and_then(|out| {
            out.batch.id = None;
            out.batch.posts
        });
        if posts.is_none_or(|posts| posts.count < 2) {
            return Ok(false);
        }
        let long = UNLISTED.min(context.provider.throttled.patience.silence);
        Ok(!self.found(context, collection, long).await?.is_empty())
    }

    /// Whether a batch without a name has results of this one; `None` where it has none yet.
    async fn is_ours(&self, collection: &Collection<'_>, id: &str) -> Option<bool> {
        let results = collection.api.results(collection.form, id).await.ok()?;
        Some(results.rows.iter().any(|(id, _)| call_of(&collection.name, id).is_some()))
    }

    /// A batch that its provider has beside this one, and that may be the same: where that is known, it is told to
    /// stop. What it answered is not asked for, so it counts as paid at the worst case of its requests.
    async fn settle_surplus(
        &self,
        context: &CallContext<'_>,
        collection: &Collection<'_>,
        id: &str,
        is_known: bool,
    ) -> Result<(), StopCause> {
        let name = &collection.name;
        let (charged, is_counted) = {
            let mut batches = lock(&self.batches);
            let left = batches.left(name);
            let Some(out) = batches.get(name) else { return Ok(()) };
            let once = |call: &Call| out.batch.worst.get(call).copied().unwrap_or_default();
            let charged: Amount = left.iter().map(once).sum();
            (charged, !out.batch.surplus.insert(id.to_owned()))
        };
        if !is_counted {
            let event = {
                let mut wallet = self.wallet();
                let (role, share) = (context.role, context.share);
                let (name, id) = (name.to_string(), id.to_owned());
                let event = Event::BatchSurplus { name, id, charged, role, share };
                wallet.apply(&event);
                event
            };
            self.journal.append_durable(event).await?;
            tracing::warn!(%name, id, "the provider may have a batch twice: one counts as paid");
        }
        // Also where it is counted: a kill may have come between the note and this.
        if is_known && let Err(error) = collection.api.cancel(collection.form, id).await {
            tracing::warn!(id, why = error.message, "it could not be cancelled");
        }
        Ok(())
    }

    /// Waits until nothing more of a batch is answered.
    async fn ended(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
    ) -> Result<End, StopCause> {
        let mut pause = POLLS[0];
        let mut not_found = 0;
        loop {
            let patience = context.provider.throttled.patience.silence;
            let found = self.found(context, collection, UNLISTED.min(patience)).await?;
            if found.is_empty() {
                return Ok(End::Unlisted);
            }
            if found.iter().any(|found| found.id.contains(REDACTED)) {
                return Ok(End::Unnamed);
            }
            let mut certain = None;
            for Found { id, is_certain } in found {
                match collection.api.status(collection.form, &id).await {
                    Ok(BatchStatus::Ended) => return Ok(End::Ended(id)),
                    Ok(BatchStatus::Refused(error)) if is_certain => {
                        return Ok(End::Refused(id, error));
                    }
                    Ok(BatchStatus::Refused(_)) => {
                        collection.others.insert(id);
                    }
                    Ok(BatchStatus::Working { done }) => {
                        collection.answered();
                        not_found = 0;
                        if let Some(out) = lock(&self.batches).get(&collection.name) {
                            out.done = done;
                        }
                        certain = is_certain.then_some(id);
                    }
                    Err(error) if is_not_found(&error) => {
                        not_found += 1;
                        if is_certain && not_found >= LOOKS {
                            return Ok(End::Gone(error));
                        }
                    }
                    Err(error) => self.pause_after(context, collection, error).await?,
                }
            }
            let left = lock(&self.batches).left(&collection.name).len();
            let late_in = self.late_in(context.share, left);
            if let (Some(id), Some(Duration::ZERO), None) =
                (&certain, late_in, collection.cancelled)
            {
                match collection.api.cancel(collection.form, id).await {
                    Ok(()) => {
                        collection.cancelled = Some(Instant::now());
                        pause = POLLS[0];
                    }
                    Err(error) => self.pause_after(context, collection, error).await?,
                }
            }
            self.check_overtime(context, collection)?;
            let until_late = late_in.filter(|late_in| !late_in.is_zero());
            self.wait(until_late.map_or(pause, |late_in| pause.min(late_in))).await?;
            let longest = if collection.cancelled.is_some() { SHORT_POLL } else { POLLS[1] };
            pause = pause.mul_f64(1.2).min(longest);
        }
    }

    /// The results of a batch that ended. An error is that its provider does not have them any more.
    async fn results(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        id: &str,
    ) -> Result<Result<BatchResults, LlmError>, StopCause> {
        let mut tries = 0;
        loop {
            match collection.api.results(collection.form, id).await {
                Ok(results) => {
                    collection.answered();
                    tries += 1;
                    let left = lock(&self.batches).left(&collection.name);
                    let name = &collection.name;
                    let named: BTreeSet<Call> =
                        results.rows.iter().filter_map(|(id, _)| call_of(name, id)).collect();
                    let misses_some = left.iter().any(|call| !named.contains(call));
                    let is_whole = results.rest == RowResult::NotRun || !misses_some;
                    let is_foreign = named.is_empty() && !results.rows.is_empty();
                    if is_whole || is_foreign || tries >= RESULTS_TRIES {
                        return Ok(Ok(results));
                    }
                    self.check_overtime(context, collection)?;
                    self.wait(POLLS[0] * 2).await?;
                }
                Err(error) if is_not_found(&error) => {
                    tries += 1;
                    if tries >= RESULTS_TRIES {
                        return Ok(Err(error));
                    }
                    self.wait(POLLS[0] * 2).await?;
                }
                Err(error) => self.pause_after(context, collection, error).await?,
            }
        }
    }

    /// How long a batch may still take until what is left of it must be asked live, to be answered in
    /// time; `None`: its run has no end.
    pub(super) fn late_in(&self, share: Share, rows: usize) -> Option<Duration> {
        if self.is_closed(share) {
            return Some(Duration::ZERO);
        }
        let left = self.time_left(share)?;
        let each = time_per_call(self.mean_latency(), self.concurrency(), self.spacing());
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let live = each.saturating_mul(rows).mul_f64(LIVE_MARGIN).max(LIVE_LEAST);
        let cancelling = lock(&self.batches).expected_wait() / CANCELLING_SHARE;
        Some(left.saturating_sub(live.saturating_add(cancelling.min(CANCELLING))))
    }

    /// Stops where the time of the run is over and its batch has not come back: it stays open.
    fn check_overtime(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
    ) -> Result<(), StopCause> {
        if !self.is_closed(context.share) {
            return Ok(());
        }
        let since = *collection.over_since.get_or_insert_with(Instant::now);
        if since.elapsed() < OVERTIME {
            return Ok(());
        }
        let why = "the time of the run is over, and a batch has not ended; what it answered is taken in \
                   when the run is resumed";
        Err(StopCause::trouble(StopReason::NoAnswers, why.to_owned()))
    }

    /// A provider took no request of a batch.
    pub(super) async fn refused(
        &self,
        context: &CallContext<'_>,
        collection: &Collection<'_>,
        model: &ModelName,
        error: LlmError,
    ) -> Result<(), StopCause> {
        let rows = lock(&self.batches).left(&collection.name).len();
        match error.failure {
            // Its queue is full: smaller batches fit, or those that have room when it is shorter.
            Failure::Throttled => {
                tracing::warn!(%model, rows, why = error.message, "the provider's queue of batches is full");
                lock(&self.batches).shrink(model, rows);
                let pause = error.retry_after.unwrap_or_default().max(FULL_QUEUE);
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.halted(context.share) => {}
                }
                self.not_taken(&collection.name);
                return Ok(());
            }
            failure if failure.stops_run() => {
                self.not_taken(&collection.name);
                return Err(context.trouble(StopReason::ProviderRefused, &error.message));
            }
            _ => {}
        }
        self.not_taken(&collection.name);
        if self.execution(context) == Execution::Auto {
            tracing::warn!(%model, why = error.message, "no batch takes it: it is asked live");
            lock(&self.batches).ask_live(model);
            return Ok(());
        }
        let why =
            format!("{}; `execution = \"auto\"` asks live what no batch takes", error.message);
        Err(context.trouble(StopReason::ProviderRefused, &why))
    }

    /// Waits after a question about a batch failed, unless no other one will be answered.
    pub(super) async fn pause_after(
        &self,
        context: &CallContext<'_>,
        collection: &mut Collection<'_>,
        error: LlmError,
    ) -> Result<(), StopCause> {
        if error.failure.stops_run() {
            return Err(context.trouble(StopReason::ProviderRefused, &error.message));
        }
        self.check_overtime(context, collection)?;
        let since = *collection.silent_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= context.provider.throttled.patience.silence {
            let silent = text::duration(since.elapsed());
            let why = format!("no answer about a batch for {silent}: {}", error.message);
            return Err(context.trouble(StopReason::NoAnswers, &why));
        }
        collection.failed += 1;
        let draw = self.seed.child("batch", collection.failed);
        let tries = u32::try_from(collection.failed).unwrap_or(u32::MAX);
        let patience = context.provider.throttled.patience.silence;
        let pause = Backoff::delay(tries, draw, error.retry_after)
            .min(patience.saturating_sub(since.elapsed()));
        let pause = if self.is_closed(context.share) { pause.min(SHORT_POLL) } else { pause };
        self.wait(pause).await
    }

    /// Waits, unless the run stops.
    async fn wait(&self, delay: Duration) -> Result<(), StopCause> {
        tokio::select! {
            () = sleep(delay) => Ok(()),
            () = self.stopped() => Err(StopCause::Cancelled),
        }
    }
}

/// Whether a server has nothing of this name.
fn is_not_found(error: &LlmError) -> bool {
    matches!(error.envelope.status, Some(404 | 410))
}

/// What a batch brings that may have begun and is not listed.
fn unlisted(context: &CallContext<'_>) -> LlmError {
    let (model, who) = (&context.request.model, &context.provider.throttled.who);
    LlmError {
        failure: Failure::Timeout,
        may_be_billed: true,
        retry_after: None,
        usage: None,
        refused_field: None,
        envelope: Box::default(),
        message: format!("a batch of `{model}` may have begun, and {who} does not list it"),
    }
}

impl<'a> Collection<'a> {
    pub(super) fn new(name: &Arc<str>, api: &'a dyn BatchApi, form: &'a RequestForm) -> Self {
        Self {
            name: Arc::clone(name),
            api,
            form,
            others: BTreeSet::new(),
            silent_since: None,
            failed: 0,
            cancelled: None,
            over_since: None,
        }
    }

    /// Its provider answered.
    fn answered(&mut self) {
        (self.silent_since, self.failed) = (None, 0);
    }
}
