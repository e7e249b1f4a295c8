//! One logical call, from its reservation to its durable answer.
//!
//! The order is the promise: reserved (durably), sent, answered (durably), and only then used. A
//! retry asks the wallet only. Waiting for a commit holds no concurrency slot. `retry` decides what to do
//! after a failed attempt.

use super::error::StopCause;
use super::retry::{MOST_UNANSWERED, Next, Streak, Tries};
use super::trouble::{PATIENCE, Trouble};
use crate::caps::Share;
use crate::event::{Answered, Event, Failure, Finish};
use crate::id::{Call, EventNumber, RequestHash};
use crate::journal::Journal;
use crate::ledger::{TokenRatios, Wallet, estimate_tokens, worst_case};
use crate::provider::registry::ThrottledProvider;
use crate::provider::{LlmError, Reply, Request};
use crate::seed::Seed;
use crate::state::Work;
use crate::task::Model;
use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Tokens};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// How a call ended.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// Answered, durably.
    Answered(EventNumber, Box<Answered>),
    /// Without an answer, durably.
    Missing(EventNumber, Event),
    /// The run must stop; the call is as it was.
    Stopped(StopCause),
}

/// A call that is over.
#[derive(Debug)]
pub(super) struct Called {
    /// Attempts that failed on the way and were charged, with their events: the state takes them in
    /// before the outcome, as it does on replay.
    pub(super) failed: Vec<(EventNumber, Event)>,
    /// How it ended.
    pub(super) outcome: CallOutcome,
}

/// Makes the calls of one run.
pub struct CallRunner {
    providers: BTreeMap<String, ThrottledProvider>,
    models: BTreeMap<ModelRole, Model>,
    journal: Arc<Journal<Event>>,
    wallet: Mutex<Wallet>,
    /// Wakes calls that wait for the wallet.
    settled: Notify,
    /// Bounds how far reservations run ahead of sending.
    ahead: Semaphore,
    ratios: Mutex<TokenRatios>,
    streak: Mutex<Streak>,
    trouble: Mutex<Trouble>,
    concurrency: usize,
    stopping: AtomicBool,
    /// Wakes calls that wait to be sent when nothing is sent any more.
    halt: Notify,
    answered: AtomicU64,
    answered_millis: AtomicU64,
    in_flight: AtomicU32,
    started: Instant,
    ran_before: Duration,
    seed: Seed,
}

/// The request of one call, with values of it that are needed several times.
struct Asking<'a> {
    call: Call,
    role: ModelRole,
    share: Share,
    request: &'a Request,
    hash: RequestHash,
    bytes: usize,
}

/// How many times what was asked for, or the bytes that were sent, a provider may count in tokens before
/// its numbers cannot be true.
const MOST_TIMES: u64 = 100;

/// What a provider says that an attempt used, where that can be.
fn believed(asking: &Asking<'_>, usage: Option<Usage>) -> Option<Usage> {
    let usage = usage?;
    let asked = u64::from(asking.request.max_output_tokens).saturating_mul(MOST_TIMES);
    let sent = (asking.bytes as u64).saturating_mul(MOST_TIMES);
    if usage.output.0 <= asked && usage.input.0 <= sent {
        return Some(usage);
    }
    let (call, model) = (asking.call, &asking.request.model);
    tracing::warn!(%call, %model, ?usage, "a usage that cannot be: it is estimated instead");
    None
}

/// A lock that is held only for a moment; a panic elsewhere cannot leave its value half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CallRunner {
    /// For one run that has been running for `ran_before`.
    #[must_use]
    pub fn new(
        providers: BTreeMap<String, ThrottledProvider>,
        models: BTreeMap<ModelRole, Model>,
        journal: Arc<Journal<Event>>,
        wallet: Wallet,
        concurrency: usize,
        ran_before: Duration,
        seed: Seed,
    ) -> Self {
        Self {
            providers,
            models,
            journal,
            wallet: Mutex::new(wallet),
            settled: Notify::new(),
            ahead: Semaphore::new(2 * concurrency.clamp(1, 100_000) + 8),
            ratios: Mutex::default(),
            streak: Mutex::default(),
            trouble: Mutex::new(Trouble::new(Instant::now())),
            concurrency,
            halt: Notify::new(),
            stopping: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            answered_millis: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            started: Instant::now(),
            ran_before,
            seed,
        }
    }

    /// The wallet. Hold it only for a moment: all calls wait for it.
    pub fn wallet(&self) -> MutexGuard<'_, Wallet> {
        lock(&self.wallet)
    }

    /// Takes over a tokens-per-byte ratio that earlier sessions of the run have seen.
    pub fn learn_ratio(&self, role: ModelRole, ratio: f64) {
        lock(&self.ratios).learn(role, ratio);
    }

    /// Sends nothing more; attempts in flight are awaited.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.settled.notify_waiters();
        self.halt.notify_waiters();
    }

    /// Returns when nothing is sent any more.
    async fn halted(&self) {
        let halt = self.halt.notified();
        tokio::pin!(halt);
        halt.as_mut().enable();
        if !self.stopping.load(Ordering::SeqCst) {
            halt.await;
        }
    }

    /// What keeps calls from being answered, for people.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).in_words(Instant::now())
    }

    /// Why waiting on is of no use: no answer for too long, or, once the time of the run is over, for
    /// much longer than an answer takes.
    pub(super) fn is_stuck(&self, is_time_over: bool) -> Option<String> {
        let (trouble, now) = (lock(&self.trouble), Instant::now());
        let is_silent = trouble.silence(now) >= PATIENCE;
        let is_late = is_time_over && trouble.is_stuck(self.mean_latency(), now);
        (is_silent || is_late).then(|| trouble.cause(now))
    }

    /// How many requests may be out at a time.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// How long the run has been running, over all its sessions.
    #[must_use]
    pub fn running(&self) -> Duration {
        self.ran_before + self.started.elapsed()
    }

    /// Attempts in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The mean time of an answered attempt in this session.
    #[must_use]
    pub fn mean_latency(&self) -> Duration {
        let answered = self.answered.load(Ordering::Relaxed).max(1);
        Duration::from_millis(self.answered_millis.load(Ordering::Relaxed) / answered)
    }

    /// Makes one call.
    pub(super) async fn call(&self, call: Call, purpose: &Work, request: &Request) -> Called {
        let _ahead = self.ahead.acquire().await;
        let (hash, bytes) = (request.hash(), request.bytes());
        let (role, share) = (purpose.role(), purpose.share());
        let asking = Asking { call, role, share, request, hash, bytes };
        let mut failed = Vec::new();
        let outcome = self.attempts(&asking, &mut failed).await;
        Called { failed, outcome: outcome.unwrap_or_else(CallOutcome::Stopped) }
    }

    async fn attempts(
        &self,
        asking: &Asking<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<CallOutcome, StopCause> {
        let draw = self.seed.child("backoff", asking.call.0);
        let mut tries = Tries::default();
        let mut reserved = None;
        loop {
            let amount = match reserved {
                Some(amount) => amount,
                None => match self.reserve(asking).await? {
                    Some(amount) => amount,
                    None => return self.missing(asking, "the budget has no room for it").await,
                },
            };
            reserved = Some(amount);
            let (result, took) = self.attempt(asking).await?;
            let error = match result {
                Ok(reply) => return self.answer(asking, &reply, took).await,
                Err(error) => error,
            };
            lock(&self.trouble).failed(&error, Instant::now());
            if error.may_be_billed {
                // What is reported is what is charged, and else the worst case.
                let charged = match believed(asking, error.usage) {
                    Some(usage) => self.cost(asking.role, usage),
                    None => amount,
                };
                failed.extend(self.charge(asking, error.failure, charged));
                reserved = None;
            }
            match tries.next(error.failure, error.retry_after, draw) {
                Next::Retry(delay) => self.pause(delay).await,
                Next::Empty => {
                    self.reserve_nothing(asking);
                    let (text, usage) = (String::new(), Some(Usage::default()));
                    let empty = Reply { text, usage, finish: Finish::Stop };
                    return self.answer(asking, &empty, took).await;
                }
                end => {
                    // An attempt that was not billed gives its reservation back.
                    if reserved.is_some() {
                        self.charge(asking, error.failure, Amount::ZERO);
                    }
                    return self.give_up(asking, end, error).await;
                }
            }
        }
    }

    /// Ends a call that will not be tried again, or the run with it.
    async fn give_up(
        &self,
        asking: &Asking<'_>,
        end: Next,
        error: LlmError,
    ) -> Result<CallOutcome, StopCause> {
        let stops_run = match end {
            Next::GiveUp => lock(&self.streak).is_outage(),
            Next::Reject => lock(&self.streak).refused(),
            _ => true,
        };
        match end {
            _ if !stops_run => self.missing(asking, &error.message).await,
            Next::GiveUp => Err(StopCause::Refused(format!(
                "{MOST_UNANSWERED} calls in a row got no answer: {error}"
            ))),
            _ => Err(StopCause::Refused(error.message)),
        }
    }

    /// Sleeps, but not through a stop.
    async fn pause(&self, delay: Duration) {
        let end = Instant::now() + delay;
        while !self.stopping.load(Ordering::SeqCst) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(Duration::from_millis(200))).await;
        }
    }

    /// Sets the worst case aside, durably. `None`: it does not fit, and no attempt is
    /// in flight that could free budget.
    async fn reserve(&self, asking: &Asking<'_>) -> Result<Option<Amount>, StopCause> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.stopping.load(Ordering::SeqCst) {
                return Err(StopCause::Cancelled);
            }
            let amount = self.worst_case(asking);
            let committed = {
                let mut wallet = self.wallet();
                if wallet.fits(asking.share, amount) {
                    let event = asking.reserved(amount);
                    wallet.apply(&event);
                    Some(self.journal.append_durable(event))
                } else if wallet.is_idle() {
                    return Ok(None);
                } else {
                    None
                }
            };
            match committed {
                Some(committed) => {
                    committed.await?;
                    return Ok(Some(amount));
                }
                None => settled.await,
            }
        }
    }

    fn price(&self, role: ModelRole) -> Option<Price> {
        self.models.get(&role).and_then(|model| model.price)
    }

    fn cost(&self, role: ModelRole, usage: Usage) -> Amount {
        let price = self.price(role).unwrap_or(Price::FREE);
        Amount { usd: price.of(usage), tokens: usage.total() }
    }

    fn worst_case(&self, asking: &Asking<'_>) -> Amount {
        let prompt = lock(&self.ratios).estimate(asking.role, asking.bytes);
        worst_case(self.price(asking.role), prompt, asking.request.max_output_tokens)
    }

    async fn attempt(
        &self,
        asking: &Asking<'_>,
    ) -> Result<(Result<Reply, LlmError>, Duration), StopCause> {
        let model = &asking.request.model;
        let Some(provider) = self.providers.get(model.provider()) else {
            return Err(StopCause::Refused(format!("no provider for `{model}`")));
        };
        let permit = tokio::select! {
            permit = provider.limit.acquire() => Some(permit),
            () = self.halted() => None,
        };
        let Some(permit) = permit.filter(|_| !self.stopping.load(Ordering::SeqCst)) else {
            self.charge(asking, Failure::Unsent, Amount::ZERO);
            return Err(StopCause::Cancelled);
        };
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let result = provider.llm.complete(asking.request).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        match &result {
            Ok(_) => permit.on_success(),
            Err(error) if error.failure == Failure::Throttled => {
                permit.on_throttled(error.retry_after);
            }
            Err(_) => {}
        }
        Ok((result, sent.elapsed()))
    }

    async fn answer(
        &self,
        asking: &Asking<'_>,
        reply: &Reply,
        took: Duration,
    ) -> Result<CallOutcome, StopCause> {
        let reported = believed(asking, reply.usage);
        let usage = reported.unwrap_or_else(|| Usage {
            // The provider did not say: a generous guess, so that the cap is never passed unseen.
            input: estimate_tokens(None, asking.bytes),
            cached_input: Tokens::ZERO,
            output: estimate_tokens(None, reply.text.len()),
        });
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let answered = Answered {
            call: asking.call,
            request: asking.hash,
            bytes: asking.bytes as u64,
            text: reply.text.clone(),
            input: usage.input.0,
            cached: usage.cached_input.0,
            out: usage.output.0,
            usd: self.cost(asking.role, usage).usd,
            finish: reply.finish,
            ms: u32::try_from(millis).unwrap_or(u32::MAX),
            at: u64::try_from(self.running().as_millis()).unwrap_or(u64::MAX),
        };
        if asking.bytes > 0 && reported.is_some() {
            self.learn_ratio(asking.role, usage.input.0 as f64 / asking.bytes as f64);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answered_millis.fetch_add(millis, Ordering::Relaxed);
        let number = self.settle(Event::Answered(answered.clone())).await?;
        lock(&self.streak).answered();
        lock(&self.trouble).answered(Instant::now());
        Ok(CallOutcome::Answered(number, Box::new(answered)))
    }

    async fn missing(&self, asking: &Asking<'_>, why: &str) -> Result<CallOutcome, StopCause> {
        let (call, role) = (asking.call, asking.role);
        let event = Event::CallMissing { call, role, why: crate::text::shorten(why, 300) };
        let number = self.settle(event.clone()).await?;
        lock(&self.streak).unanswered();
        Ok(CallOutcome::Missing(number, event))
    }

    /// Ends a call: in the wallet at once, then durably.
    async fn settle(&self, event: Event) -> Result<EventNumber, StopCause> {
        let committed = {
            let mut wallet = self.wallet();
            wallet.apply(&event);
            self.journal.append_durable(event)
        };
        self.settled.notify_waiters();
        Ok(committed.await?)
    }

    /// Ends an attempt that failed. One that may have been billed and shows no usage costs its
    /// reservation, another one nothing.
    fn charge(
        &self,
        asking: &Asking<'_>,
        failure: Failure,
        charged: Amount,
    ) -> Option<(EventNumber, Event)> {
        let event = Event::AttemptFailed { call: asking.call, failure, charged };
        let number = self.note(event.clone());
        self.settled.notify_waiters();
        number.map(|number| (number, event))
    }

    /// For an answer that costs nothing any more: there is something to settle.
    fn reserve_nothing(&self, asking: &Asking<'_>) {
        self.note(asking.reserved(Amount::ZERO));
    }

    /// Enters an event in the wallet and appends it without waiting. A journal that fails says so at
    /// the next durable event.
    fn note(&self, event: Event) -> Option<EventNumber> {
        let mut wallet = self.wallet();
        wallet.apply(&event);
        self.journal
            .append(event)
            .inspect_err(|error| tracing::warn!(%error, "the journal took no event"))
            .ok()
    }
}

impl Asking<'_> {
    fn reserved(&self, amount: Amount) -> Event {
        let Self { call, role, share, .. } = *self;
        Event::Reserved { call, amount, role, share }
    }
}
