//! Attempts by batch: requests are gathered, their worst cases set aside, their batch written down, and
//! only then submitted; `followed` waits for what comes back.
//!
//! One of the calls of a batch does this for all of them. A batch that may have been submitted is looked for
//! at its provider before anything is bought again. What no batch brings in time is asked live.

use super::followed::Followed;
use super::{CallContext, CallRunner, lock};
use crate::clock::Clock;
use crate::engine::batches::{Given, Waiting, custom_id, new_name};
use crate::engine::error::StopCause;
use crate::event::{Batch, Event, Failure};
use crate::id::Call;
use crate::provider::LlmError;
use crate::provider::batch::{BatchApi, BatchRow};
use crate::task::model::{Execution, ModelRole};
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
