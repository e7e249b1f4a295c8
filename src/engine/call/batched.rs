//! Attempts by batch: requests are gathered, their worst cases set aside, their batch written down, and
//! only then submitted; then it is followed until it came back.
//!
//! One of the calls of a batch does this for all of them. A batch that may have been submitted is looked for
//! at its provider before anything is bought again. What no batch brings in time is asked live.

use super::{CallContext, CallRunner, lock};
use crate::clock::Clock;
use crate::engine::batches::{Given, Waiting, call_of, custom_id, new_name};
use crate::engine::error::StopCause;
use crate::event::{Batch, Event, Failure, StopReason};
use crate::id::Call;
use crate::provider::LlmError;
use crate::provider::backoff::Backoff;
use crate::provider::batch::{BatchApi, BatchRow, BatchStatus, RowResult, Sought};
use crate::task::model::{Execution, ModelName, ModelRole, RequestForm};
use crate::text;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// A batch is submitted once no further request came for so long.
const QUIET: Duration = Duration::from_secs(1);
/// It is submitted at the latest after this time.
const LONGEST_GATHERING: Duration = Duration::from_secs(30);
/// `auto` asks fewer requests than this live.
const FEW: usize = 20;
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
struct Followed<'a> {
    name: Arc<str>,
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
    /// Whether a call is in a batch that has not come back.
    pub(super) fn is_in_batch(&self, call: Call) -> bool {
        lock(&self.batches).batch_of(call).is_some()
    }

    /// Whether an attempt may wait for the next batch.
    pub(super) fn takes_batch(&self, context: &CallContext<'_>) -> bool {
        let execution = self.execution(context);
        if execution == Execution::Live || context.provider.throttled.batches.is_none() {
            return false;
        }
        let batches = lock(&self.batches);
        let wait = batches.expected_wait();
        batches.take_model(&context.request.model)
            && !self.is_closed(context.share)
            && self.time_left(context.share).is_none_or(|left| left >= wait)
    }

    fn execution(&self, context: &CallContext<'_>) -> Execution {
        self.models.get(&context.role).map(|model| model.execution).unwrap_or_default()
    }

    /// How long the next batch is expected to take, where calls of the task model are made in batches.
    #[must_use]
    pub fn expected_wait(&self) -> Duration {
        let model = self.models.get(&ModelRole::Task);
        match model.map(|model| model.execution) {
            None | Some(Execution::Live) => Duration::ZERO,
            Some(_) => lock(&self.batches).expected_wait(),
        }
    }

    /// What a batch brings for a call.
    pub(super) async fn by_batch(&self, context: &CallContext<'_>) -> Result<Given, StopCause> {
        let (sender, given) = oneshot::channel();
        let Some(api) = &context.provider.throttled.batches else { return Ok(Given::Live) };
        // A batch is silent for hours: that is no trouble of its provider.
        lock(&context.provider.trouble).done();
        let given = self.given(context, &**api, sender, given).await;
        lock(&context.provider.trouble).asked(Instant::now());
        given
    }

    /// Joins a batch, and waits for what it brings.
    async fn given(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
        sender: oneshot::Sender<Given>,
        given: oneshot::Receiver<Given>,
    ) -> Result<Given, StopCause> {
        let call = context.call;
        let in_batch = lock(&self.batches).batch_of(call);
        match in_batch {
            Some(name) => {
                let follows = lock(&self.batches).ask(&name, call, sender);
                if follows {
                    self.follow(context, api, name).await?;
                }
            }
            None => {
                let CallContext { role, share, request, .. } = *context;
                let waiting =
                    Waiting { call, role, share, request: request.clone(), given: sender };
                let leads = lock(&self.batches).gather(waiting);
                self.gathered.notify_waiters();
                if leads {
                    self.submit_gathered(context, api).await?;
                }
            }
        }
        tokio::select! {
            given = given => match given {
                Ok(given) => Ok(given),
                // The call that followed the batch stops the run, and says why.
                Err(_) => {
                    self.stopped().await;
                    Err(StopCause::Cancelled)
                }
            },
            () = self.stopped() => Err(StopCause::Cancelled),
        }
    }

    /// Waits until no more requests come, and submits them.
    async fn submit_gathered(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
    ) -> Result<(), StopCause> {
        let (model, began) = (&context.request.model, Instant::now());
        loop {
            let more = self.gathered.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            tokio::select! {
                () = sleep(QUIET) => break,
                () = more => {}
                () = self.stopped() => return Err(StopCause::Cancelled),
            }
            if began.elapsed() >= LONGEST_GATHERING {
                break;
            }
        }
        let count = lock(&self.batches).gathered(model);
        let batches = lock(&self.batches).take(model);
        let is_few = self.execution(context) == Execution::Auto && count < FEW;
        if is_few || self.is_closed(context.share) {
            for waiting in batches.into_iter().flatten() {
                let _ = waiting.given.send(Given::Live);
            }
            return Ok(());
        }
        let all = batches.into_iter().map(|rows| self.submit(context, api, rows));
        futures_util::future::try_join_all(all).await.map(|_| ())
    }

    /// Sets the worst cases aside and writes the batch down, durably; submits it, and follows it.
    async fn submit(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
        gathered: Vec<Waiting>,
    ) -> Result<(), StopCause> {
        let now = Clock::System.now();
        let (name, model) = (new_name(now), context.request.model.clone());
        let (mut rows, mut without_room) = (Vec::new(), Vec::new());
        for waiting in gathered {
            let amount = self.worst_case_of(waiting.role, &waiting.request, true);
            let mut wallet = self.wallet();
            if !wallet.fits(waiting.share, amount) {
                without_room.push(waiting);
                continue;
            }
            let Waiting { call, role, share, .. } = waiting;
            let event = Event::Reserved { call, amount, role, share };
            wallet.apply(&event);
            self.journal.append(event)?;
            rows.push(waiting);
        }
        for waiting in without_room {
            let _ = waiting.given.send(Given::NoRoom);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let calls = rows.iter().map(|waiting| waiting.call).collect();
        let batch = Batch { name: name.to_string(), model: model.clone(), calls, at: now };
        let requests: Vec<_> =
            rows.iter().map(|it| (custom_id(&name, it.call), it.request.clone())).collect();
        lock(&self.batches).send(&name, now, rows);
        self.journal.append_durable(Event::BatchPlanned(batch)).await?;
        if self.is_stopping() {
            return Err(StopCause::Cancelled);
        }
        let rows: Vec<_> =
            requests.iter().map(|(custom_id, request)| BatchRow { custom_id, request }).collect();
        let mut followed = Followed::new(&name, api, &context.request.form);
        loop {
            match api.submit(&name, &rows).await {
                Ok(id) => {
                    self.submitted(&name, &id).await?;
                    break;
                }
                Err(error) if is_refusal(&error) => {
                    return self.refused(context, &followed, &model, error).await;
                }
                Err(error) => {
                    let may_be_there = error.may_be_billed;
                    self.pause_after(context, &mut followed, error).await?;
                    if may_be_there {
                        break;
                    }
                }
            }
        }
        self.until_back(context, followed).await
    }

    /// Follows a batch of an earlier session.
    async fn follow(
        &self,
        context: &CallContext<'_>,
        api: &dyn BatchApi,
        name: Arc<str>,
    ) -> Result<(), StopCause> {
        self.until_back(context, Followed::new(&name, api, &context.request.form)).await
    }

    /// Follows a batch until each of its calls has what became of it.
    async fn until_back(
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
    async fn refused(
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

    async fn submitted(&self, name: &str, id: &str) -> Result<(), StopCause> {
        if let Some(out) = lock(&self.batches).get(name) {
            out.id = Some(id.to_owned());
        }
        let event = Event::BatchSubmitted { name: name.to_owned(), id: id.to_owned() };
        self.journal.append_durable(event).await?;
        Ok(())
    }

    /// Waits after a question about a batch failed, unless no other one will be answered.
    async fn pause_after(
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
    async fn wait(&self, delay: Duration) -> Result<(), StopCause> {
        tokio::select! {
            () = sleep(delay) => Ok(()),
            () = self.stopped() => Err(StopCause::Cancelled),
        }
    }
}

impl<'a> Followed<'a> {
    fn new(name: &Arc<str>, api: &'a dyn BatchApi, form: &'a RequestForm) -> Self {
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

/// Whether a provider took nothing of a batch, and will not.
fn is_refusal(error: &LlmError) -> bool {
    matches!(
        error.failure,
        Failure::BadRequest
            | Failure::Filter
            | Failure::Auth
            | Failure::Quota
            | Failure::Certificate
    )
}
