//! The attempts of one call, in turn: each is reserved, sent, and settled, until one is answered or no
//! other one is made.
//!
//! What follows a failure is decided in `retry`; what a request may cost is reserved in `reservation`.

use super::hedging::Sent;
use super::reservation::Reservation;
use super::{AttemptsEnd, CallContext, CallRunner, ProviderState, lock};
use crate::engine::attempt;
use crate::engine::batches::BatchOutcome;
use crate::engine::error::StopCause;
use crate::engine::retry::{RetryDecision, Tries};
use crate::engine::usage::{cost_of_failure, usage_of_failure};
use crate::event::{Answered, Event, Failure, NoAnswer, StopReason};
use crate::id::EventNumber;
use crate::provider::batch::RowResult;
use crate::provider::{LlmError, Reply, Request};
use crate::task::model::{Execution, Hedge, ModelRole};
use crate::text;
use crate::units::{Amount, Tokens};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How many batches may end without running a call.
const NOT_RUN_TRIES: u32 = 10;

/// A batch is at its provider, and the model of this session knows no batches.
fn unreachable_batch() -> StopCause {
    let why = "a batch of this run is open at its provider, and the model of this session cannot ask about \
               batches; resume with the provider that the task names, or give the batch up with \
               `resume --abandon-batches`";
    StopCause::trouble(StopReason::NoAnswers, why.to_owned())
}

/// A call that wants an answer of its provider. It counts from its first attempt on: what keeps it back before that (a
/// rate, a pace, other runs) is no silence of the provider.
struct Wish<'a> {
    provider: &'a ProviderState,
    role: ModelRole,
    is_counted: bool,
}

impl<'a> Wish<'a> {
    fn new(context: &CallContext<'a>) -> Self {
        Self { provider: context.provider, role: context.role, is_counted: false }
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            lock(&self.provider.trouble).asked(self.role, Instant::now());
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_counted) {
            lock(&self.provider.trouble).done(self.role);
        }
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

/// After this many answers without a bill, the first calls of a role are no longer sent a few at a time.
const MOST_ESTIMATES: u64 = 16;

impl CallRunner {
    pub(super) async fn attempts(
        &self,
        context: &CallContext<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<AttemptsEnd, StopCause> {
        let mut wish = Wish::new(context);
        self.attempts_in_turn(context, &mut wish, failed).await
    }

    async fn attempts_in_turn(
        &self,
        context: &CallContext<'_>,
        wish: &mut Wish<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<AttemptsEnd, StopCause> {
        let draw = self.seed.child("backoff", context.call.0);
        let mut tries = Tries::default();
        let (mut first, mut asks_live, mut not_run) = (None, false, 0);
        loop {
            if self.is_paused() {
                // A pause is no silence of the provider.
                wish.end();
                let paused = Instant::now();
                self.released(context.share).await;
                first = first.map(|first| first + paused.elapsed());
            }
            // What is in a batch already is never bought live as well.
            let is_in_batch = self.is_in_batch(context.call);
            let first_call = if is_in_batch { None } else { self.first_call(context).await };
            let is_batched =
                is_in_batch || first_call.is_none() && !asks_live && self.takes_batch(context);
            let reservation = match is_batched {
                true => None,
                false => match self.reserve(context).await? {
                    Ok(reservation) => Some(reservation),
                    Err(cause) => return Ok(self.unsent(context, cause)),
                },
            };
            // Written as late as this, because other calls may have learned what the server takes. What is
            // in a batch already stands there as it was.
            let rewritten = if is_in_batch { None } else { self.rewritten(context.request) };
            let rewritten = rewritten.as_ref().map(|request| context.with(request));
            let context = rewritten.as_ref().unwrap_or(context);
            let (result, took) = match reservation {
                Some(reservation) => {
                    wish.begin();
                    // As long as bills are not known, a worst case may be too low.
                    let hedge = self.models.get(&context.role).and_then(|model| model.hedge);
                    let hedge = hedge.filter(|_| first_call.is_none());
                    self.attempt(context, reservation, hedge).await?
                }
                None => {
                    let asked = Instant::now();
                    // A batch is silent for hours: that is no trouble of its provider.
                    wish.end();
                    let brought = self.by_batch(context).await?;
                    // The hours in a batch do not count as silence.
                    first = first.map(|first| first + asked.elapsed());
                    let result = match brought {
                        BatchOutcome::Result(RowResult::Answered(reply)) => Ok(reply),
                        BatchOutcome::Result(RowResult::Failed(error)) => Err(error),
                        BatchOutcome::Result(RowResult::NotRun) => {
                            failed.extend(self.charge(context, Failure::Unsent, Amount::ZERO));
                            not_run += 1;
                            if not_run < NOT_RUN_TRIES || self.is_closed(context.share) {
                                continue;
                            }
                            if self.execution(context) == Execution::Auto {
                                asks_live = true;
                                continue;
                            }
                            let why = format!("{not_run} batches ended without running it");
                            let (cause, first) = (NoAnswer::Timeout, Instant::now());
                            return Ok(AttemptsEnd::Missing { cause, why, first });
                        }
                        BatchOutcome::NotTaken(written) => {
                            failed.extend(written);
                            continue;
                        }
                        // Asked live, it would be bought twice.
                        BatchOutcome::Live if is_in_batch => return Err(unreachable_batch()),
                        BatchOutcome::Live => {
                            asks_live = true;
                            continue;
                        }
                        BatchOutcome::NoRoom => match self.until_room(context, true).await? {
                            Ok(()) => continue,
                            Err(cause) => return Ok(self.unsent(context, cause)),
                        },
                    };
                    (result, asked.elapsed())
                }
            };
            let error = match result {
                Ok(reply) => return self.answer(context, reply, took, first, is_batched).await,
                Err(error) => error,
            };
            if self.learns_form(context, &error, is_batched, failed) {
                continue;
            }
            let now = Instant::now();
            let since = *first.get_or_insert(now);
            lock(&context.provider.trouble).failed(context.role, &error, now);
            let next = tries.next(error.failure, error.retry_after, draw);
            if !matches!(next, RetryDecision::Invalid(_)) {
                failed.extend(self.charge_failure(context, &error, is_batched));
            }
            drop(first_call);
            match next {
                RetryDecision::Retry(delay) => self.pause(context, delay).await,
                RetryDecision::Wait(delay) => {
                    if self.is_this_call_alone(context, since, now) {
                        let (cause, why) = (NoAnswer::Transport, error.message);
                        return Ok(AttemptsEnd::Missing { cause, why, first: since });
                    }
                    // Not beyond the patience: a call that waits alone must end before the run does.
                    let patience = lock(&context.provider.trouble).patience();
                    let left = patience.saturating_sub(now.saturating_duration_since(since));
                    let delay = if left.is_zero() { delay } else { delay.min(left) };
                    match error.failure {
                        Failure::Throttled => self.pause(context, delay).await,
                        // An answer shows that the provider is back.
                        _ => tokio::select! {
                            () = self.pause(context, delay) => {}
                            () = context.provider.is_back.notified() => {}
                        },
                    }
                }
                // The last of the useless answers is the call's answer, at what it cost.
                RetryDecision::Invalid(finish) => {
                    let usage = usage_of_failure(context.request, &error);
                    let (text, envelope) = (String::new(), error.envelope);
                    let reply = Reply { text, usage, finish, why: error.message, envelope };
                    return self.answer(context, reply, took, Some(since), is_batched).await;
                }
                RetryDecision::Missing(cause) => {
                    return Ok(AttemptsEnd::Missing { cause, why: error.message, first: since });
                }
                RetryDecision::StopRun(reason) => {
                    return Err(context.trouble(reason, &error.message));
                }
            }
        }
    }

    /// The end of a call that is not sent.
    fn unsent(&self, context: &CallContext<'_>, cause: NoAnswer) -> AttemptsEnd {
        let (why, first) = (self.why_unsent(context, cause), Instant::now());
        AttemptsEnd::Missing { cause, why, first }
    }

    /// A request without what the server refused since it was written; `None` where that is nothing.
    pub(in crate::engine) fn rewritten(&self, request: &Request) -> Option<Request> {
        let form = lock(&self.refused_fields).leave_out(&request.model, &request.form)?;
        Some(Request { form: Arc::new(form), ..request.clone() })
    }

    /// Whether the server refused a field that the request can be written without: then it is, and so
    /// are all later ones to this model.
    fn learns_form(
        &self,
        context: &CallContext<'_>,
        error: &LlmError,
        is_batched: bool,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> bool {
        let Request { model, form, .. } = context.request;
        let Some(field) = &error.refused_field else { return false };
        if form.without(field).is_none() {
            return false;
        }
        failed.extend(self.charge_failure(context, error, is_batched));
        // Other calls that are out learn it by themselves.
        if lock(&self.refused_fields).add(model, field) {
            let (model, field) = (model.clone(), field.to_string());
            let why = text::shorten(&error.message, 300);
            let event = Event::FieldRefused { model, field, why };
            failed.extend(self.note(&event).map(|number| (number, event)));
        }
        true
    }

    /// Charges an attempt that failed: what is reported, and else the worst case; a retry reserves anew.
    fn charge_failure(
        &self,
        context: &CallContext<'_>,
        error: &LlmError,
        is_batched: bool,
    ) -> Option<(EventNumber, Event)> {
        let usage = usage_of_failure(context.request, error);
        if let Some(usage) = usage {
            let CallContext { role, row, request, .. } = *context;
            self.learn_bill(role, row, request, usage);
        }
        let cost = |usage| self.cost(context.role, usage, is_batched);
        let charged = cost_of_failure(context.request, error, cost);
        let charged = charged.unwrap_or_else(|| self.wallet().reserved(context.call));
        self.check_bill(context, error.envelope.usd);
        self.charge(context, error.failure, charged)
    }

    /// Whether a call has waited for longer than the patience with its provider, while others were answered.
    fn is_this_call_alone(&self, context: &CallContext<'_>, first: Instant, now: Instant) -> bool {
        let trouble = lock(&context.provider.trouble);
        let has_waited = now.saturating_duration_since(first) >= trouble.patience();
        has_waited && trouble.answered_since(first)
    }

    /// Sleeps, but not through a stop.
    async fn pause(&self, context: &CallContext<'_>, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.halted(context.share) => {}
        }
    }

    async fn attempt(
        &self,
        context: &CallContext<'_>,
        reservation: Reservation,
        hedge: Option<Hedge>,
    ) -> Result<Sent, StopCause> {
        if let Some(hedge) = hedge {
            return self.hedged_attempt(context, reservation.permit, hedge).await;
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let llm = &*context.provider.throttled.llm;
        let sent = attempt::made(llm, context.request, reservation.permit).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        Ok(sent)
    }

    async fn answer(
        &self,
        context: &CallContext<'_>,
        reply: Reply,
        took: Duration,
        first: Option<Instant>,
        is_batched: bool,
    ) -> Result<AttemptsEnd, StopCause> {
        let said = reply.envelope.usd;
        let cost = |usage| self.cost(context.role, usage, is_batched).usd;
        let answered =
            attempt::answered((context.call, context.hash), context.request, reply, took, cost);
        let live = self.cost(context.role, answered.usage(), false).usd;
        let answered = Answered {
            live: is_batched.then_some(live),
            at: u64::try_from(self.running().as_millis()).unwrap_or(u64::MAX),
            ..answered
        };
        let (usage, millis) = (answered.usage(), u64::from(answered.ms));
        let CallContext { role, row, request, .. } = *context;
        if !answered.estimated {
            self.learn_bill(role, row, request, usage);
        }
        // How long a batch takes says nothing of how long an answer does.
        if !is_batched {
            self.answered.fetch_add(1, Ordering::Relaxed);
            self.answered_millis.fetch_add(millis, Ordering::Relaxed);
            self.slowest_millis.fetch_max(millis, Ordering::Relaxed);
        }
        let number = self.settle(Event::Answered(answered.clone())).await?;
        self.check_bill(context, said);
        if self.first_calls.contains_key(&role) {
            // A refusal that costs nothing is no bill. An estimate is none either, but where good answers come without a
            // bill, it is all that there will be.
            let is_known = if said.is_some() {
                true
            } else if answered.estimated && answered.flaw().is_none() {
                let mut estimates = lock(&self.estimated_answers);
                let estimates = estimates.entry(role).or_default();
                *estimates += 1;
                *estimates >= MOST_ESTIMATES
            } else {
                !answered.estimated && usage.prompt() > Tokens::ZERO
            };
            if is_known {
                let of_model = self.roles_of(&request.model);
                of_model.filter_map(|role| self.first_calls.get(&role)).for_each(Semaphore::close);
            }
        }
        lock(&context.provider.trouble).answered(Instant::now());
        context.provider.is_back.notify_waiters();
        Ok(AttemptsEnd::Answered { number, answered: Box::new(answered), first })
    }
}

impl<'a> CallContext<'a> {
    /// The same call with its request in another form.
    fn with<'b>(&self, request: &'b Request) -> CallContext<'b>
    where
        'a: 'b,
    {
        CallContext { request, hash: request.hash(), ..*self }
    }

    /// Its provider is in this kind of trouble.
    pub(super) fn trouble(&self, reason: StopReason, why: &str) -> StopCause {
        StopCause::trouble(reason, self.role.said(why))
    }

    pub(super) fn reserved(&self, amount: Amount) -> Event {
        let Self { call, role, share, .. } = *self;
        Event::Reserved { call, amount, role, share }
    }
}
