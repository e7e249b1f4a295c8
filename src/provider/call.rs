//! One logical call from its reservation to its durable answer: retry ∘ throttle ∘ meter.
//!
//! The order is the promise: reserved (durably), sent, answered (durably), and only then used. A
//! retry asks the wallet only. Waiting for a commit holds no concurrency slot.

use super::backoff::Backoff;
use super::registry::ThrottledProvider;
use super::{LlmError, Reply, Request};
use crate::budget::{Amount, Share, Wallet};
use crate::event::{Answered, Event, Failure, Finish};
use crate::id::{Call, EventNumber};
use crate::journal::{Journal, JournalError};
use crate::seed::Seed;
use crate::state::estimate_tokens;
use crate::task::Model;
use crate::task::model::{ModelRole, Price, Usage};
use crate::units::Tokens;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// Tries of a call that meets errors of transport; a 429 is none.
const TRANSPORT_TRIES: u32 = 6;
/// Tries of a call whose answers cannot be read, or are empty.
const UNREADABLE_TRIES: u32 = 3;
/// Calls in a row without an answer after which the run stops instead of losing row after row: a
/// provider that is down all night must not end a search with nothing but missing rows.
const MOST_UNANSWERED: u32 = 50;
/// Requests in a row that were refused, before any was answered, after which the run stops: a wrong
/// model name or address.
const MOST_REFUSED: u32 = 8;

/// What one call is.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub call: Call,
    /// Which model.
    pub role: ModelRole,
    /// Which share pays.
    pub share: Share,
    /// What is asked.
    pub request: Request,
}

/// How a call ended.
#[derive(Debug)]
pub enum Ending {
    /// Answered, durably.
    Answered(EventNumber, Box<Answered>),
    /// Without an answer, durably.
    Missing(EventNumber, Event),
    /// The run must stop; the call is as it was.
    Halted(Halt),
}

/// A call that is over.
#[derive(Debug)]
pub struct Called {
    /// Attempts that failed on the way and were charged, with their events: the state takes them in
    /// before the ending, as it does on replay.
    pub failed: Vec<(EventNumber, Event)>,
    /// How it ended.
    pub ending: Ending,
}

/// Why a run stops in the middle of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Somebody asked.
    Cancelled,
    /// A provider refuses: key, quota, or everything that is sent.
    Refused(String),
    /// A scorer's program is broken: its verdicts cannot be believed.
    Scorer(String),
    /// The journal cannot be written.
    Journal(String),
}

/// Makes calls for one run.
pub struct Caller {
    lines: BTreeMap<String, ThrottledProvider>,
    models: BTreeMap<ModelRole, Model>,
    journal: Arc<Journal<Event>>,
    wallet: Mutex<Wallet>,
    /// Wakes those who wait for the wallet.
    settled: Notify,
    /// Bounds how far reservations run ahead of sending.
    ahead: Semaphore,
    ratios: Mutex<HashMap<ModelRole, f64>>,
    stopping: AtomicBool,
    unanswered_in_a_row: AtomicU32,
    refused_in_a_row: AtomicU32,
    answered: AtomicU64,
    answered_millis: AtomicU64,
    in_flight: AtomicU32,
    started: Instant,
    ran_before: Duration,
    seed: Seed,
}

/// The worst case of a request: its estimated prompt, and the longest answer.
#[must_use]
pub fn worst_case(price: Option<Price>, prompt: Tokens, max_output_tokens: u32) -> Amount {
    let usage = Usage {
        input: prompt,
        cached_input: Tokens::ZERO,
        output: Tokens(u64::from(max_output_tokens)),
    };
    Amount { usd: price.unwrap_or(Price::FREE).of(usage), tokens: usage.total() }
}

impl Caller {
    /// For one run that has been running for `ran_before`.
    #[must_use]
    pub fn new(
        lines: BTreeMap<String, ThrottledProvider>,
        models: BTreeMap<ModelRole, Model>,
        journal: Arc<Journal<Event>>,
        wallet: Wallet,
        concurrency: usize,
        ran_before: Duration,
        seed: Seed,
    ) -> Self {
        Self {
            lines,
            models,
            journal,
            wallet: Mutex::new(wallet),
            settled: Notify::new(),
            ahead: Semaphore::new(2 * concurrency.clamp(1, 100_000) + 8),
            ratios: Mutex::new(HashMap::new()),
            stopping: AtomicBool::new(false),
            unanswered_in_a_row: AtomicU32::new(0),
            refused_in_a_row: AtomicU32::new(0),
            answered: AtomicU64::new(0),
            answered_millis: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            started: Instant::now(),
            ran_before,
            seed,
        }
    }

    /// The wallet. Held only for a moment at a time; a panic elsewhere cannot leave it half-changed.
    pub fn wallet(&self) -> MutexGuard<'_, Wallet> {
        self.wallet.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes over a tokens-per-byte ratio that earlier sessions of the run have seen.
    pub fn learn_ratio(&self, role: ModelRole, ratio: f64) {
        let mut ratios = self.ratios.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let largest = ratios.entry(role).or_default();
        *largest = largest.max(ratio);
    }

    /// Nothing more is sent; what is out is awaited.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.settled.notify_waiters();
    }

    /// How long the run has been running, over all its sessions.
    #[must_use]
    pub fn running(&self) -> Duration {
        self.ran_before + self.started.elapsed()
    }

    /// Attempts that are out.
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
    pub async fn call(&self, job: &Job) -> Called {
        let _ahead = self.ahead.acquire().await;
        let mut failed = Vec::new();
        let ending = match self.attempts(job, &mut failed).await {
            Ok(ending) => {
                self.watch(&ending);
                ending
            }
            Err(halt) => Ending::Halted(halt),
        };
        Called { failed, ending }
    }

    fn watch(&self, ending: &Ending) {
        match ending {
            Ending::Answered(..) => {
                self.unanswered_in_a_row.store(0, Ordering::Relaxed);
                self.refused_in_a_row.store(0, Ordering::Relaxed);
            }
            Ending::Missing(..) => {
                self.unanswered_in_a_row.fetch_add(1, Ordering::Relaxed);
            }
            Ending::Halted(_) => {}
        }
    }

    async fn attempts(
        &self,
        job: &Job,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<Ending, Halt> {
        let hash = job.request.hash();
        let bytes = job.request.bytes();
        let seed = self.seed.child("backoff", job.call.0);
        let (mut transport, mut unreadable, mut waits) = (0, 0, 0);
        let mut reserved = None;
        loop {
            let amount = match reserved {
                Some(amount) => amount,
                None => match self.reserve(job, bytes).await? {
                    Some(amount) => amount,
                    None => return self.missing(job, "the budget has no room for it").await,
                },
            };
            reserved = Some(amount);
            let (result, took) = self.attempt(job).await?;
            let error = match result {
                Ok(reply) => {
                    return self.answer(job, hash, bytes, &reply, took).await;
                }
                Err(error) => error,
            };
            if error.may_be_billed {
                failed.extend(self.charge(job, error.failure, amount));
                reserved = None;
            }
            match error.failure {
                Failure::Auth | Failure::Quota => {
                    self.give_back(job, error.failure, reserved.is_some());
                    return Err(Halt::Refused(error.message));
                }
                Failure::BadRequest => {
                    self.give_back(job, error.failure, reserved.is_some());
                    let refused = self.refused_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
                    if refused >= MOST_REFUSED && self.answered.load(Ordering::Relaxed) == 0 {
                        return Err(Halt::Refused(error.message));
                    }
                    return self.missing(job, &error.message).await;
                }
                Failure::Throttled => waits += 1,
                Failure::Unreadable | Failure::Empty => unreadable += 1,
                Failure::Transient | Failure::Timeout | Failure::Unsent => transport += 1,
            }
            if unreadable >= UNREADABLE_TRIES && error.failure == Failure::Empty {
                // Three times nothing is what the model says: an invalid answer.
                let empty = Reply {
                    text: String::new(),
                    usage: Some(Usage::default()),
                    finish: Finish::Stop,
                };
                self.reserve_nothing(job);
                return self.answer(job, hash, bytes, &empty, took).await;
            }
            if transport >= TRANSPORT_TRIES || unreadable >= UNREADABLE_TRIES {
                self.give_back(job, error.failure, reserved.is_some());
                let unanswered = self.unanswered_in_a_row.load(Ordering::Relaxed);
                if unanswered + 1 >= MOST_UNANSWERED {
                    let times = "calls in a row got no answer";
                    return Err(Halt::Refused(format!("{MOST_UNANSWERED} {times}: {error}")));
                }
                return self.missing(job, &error.message).await;
            }
            let delay = Backoff::delay(transport + unreadable + waits, seed, error.retry_after);
            self.pause(delay).await;
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

    /// Sets the worst case aside, durably. `None`: it does not fit, and nothing is out that could
    /// give something back.
    async fn reserve(&self, job: &Job, bytes: usize) -> Result<Option<Amount>, Halt> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.stopping.load(Ordering::SeqCst) {
                return Err(Halt::Cancelled);
            }
            let amount = self.worst_case(job, bytes);
            let committed = {
                let mut wallet = self.wallet();
                if wallet.fits(job.share, amount) {
                    wallet.reserve(job.call, job.role, job.share, amount);
                    let event = Event::Reserved {
                        call: job.call,
                        amount,
                        role: job.role,
                        share: job.share,
                    };
                    Some(self.journal.append_durable(event))
                } else if wallet.is_idle() {
                    return Ok(None);
                } else {
                    None
                }
            };
            match committed {
                Some(committed) => {
                    committed.await.map_err(|error| Halt::Journal(error.to_string()))?;
                    return Ok(Some(amount));
                }
                None => settled.await,
            }
        }
    }

    fn worst_case(&self, job: &Job, bytes: usize) -> Amount {
        let ratio = self
            .ratios
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(&job.role)
            .copied();
        let price = self.models.get(&job.role).and_then(|model| model.price);
        worst_case(price, estimate_tokens(ratio, bytes), job.request.max_output_tokens)
    }

    async fn attempt(&self, job: &Job) -> Result<(Result<Reply, LlmError>, Duration), Halt> {
        let line = self.lines.get(job.request.model.provider());
        let Some(line) = line else {
            return Err(Halt::Refused(format!("no provider for `{}`", job.request.model)));
        };
        let permit = line.limit.acquire().await;
        if self.stopping.load(Ordering::SeqCst) {
            self.give_back(job, Failure::Unsent, true);
            return Err(Halt::Cancelled);
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let result = line.llm.complete(&job.request).await;
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
        job: &Job,
        request: crate::id::RequestHash,
        bytes: usize,
        reply: &Reply,
        took: Duration,
    ) -> Result<Ending, Halt> {
        let usage = reply.usage.unwrap_or_else(|| Usage {
            // The provider did not say: a generous guess, so that the cap is never passed unseen.
            input: estimate_tokens(None, bytes),
            cached_input: Tokens::ZERO,
            output: estimate_tokens(None, reply.text.len()),
        });
        let price = self.models.get(&job.role).and_then(|model| model.price);
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let answered = Answered {
            call: job.call,
            request,
            bytes: bytes as u64,
            text: reply.text.clone(),
            input: usage.input.0,
            cached: usage.cached_input.0,
            out: usage.output.0,
            usd: price.unwrap_or(Price::FREE).of(usage),
            finish: reply.finish,
            ms: u32::try_from(millis).unwrap_or(u32::MAX),
            at: u64::try_from(self.running().as_millis()).unwrap_or(u64::MAX),
        };
        if bytes > 0 && reply.usage.is_some() {
            self.learn_ratio(job.role, usage.input.0 as f64 / bytes as f64);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answered_millis.fetch_add(millis, Ordering::Relaxed);
        let committed = {
            let mut wallet = self.wallet();
            wallet.settle(job.call, usage, answered.usd);
            self.journal.append_durable(Event::Answered(answered.clone()))
        };
        self.settled.notify_waiters();
        let number = committed.await.map_err(|error| Halt::Journal(error.to_string()))?;
        Ok(Ending::Answered(number, Box::new(answered)))
    }

    async fn missing(&self, job: &Job, why: &str) -> Result<Ending, Halt> {
        let event = Event::CallMissing {
            call: job.call,
            role: job.role,
            why: crate::text::shorten(why, 300),
        };
        let committed = {
            let mut wallet = self.wallet();
            wallet.settle_missing(job.call, job.role);
            self.journal.append_durable(event.clone())
        };
        self.settled.notify_waiters();
        let number = committed.await.map_err(|error| Halt::Journal(error.to_string()))?;
        Ok(Ending::Missing(number, event))
    }

    /// An attempt that may have been billed and shows no usage costs its reservation.
    fn charge(&self, job: &Job, failure: Failure, amount: Amount) -> Option<(EventNumber, Event)> {
        let event = Event::AttemptFailed { call: job.call, failure, charged: amount };
        let mut wallet = self.wallet();
        wallet.settle_failed(job.call, amount);
        let number = self.note(event.clone());
        drop(wallet);
        self.settled.notify_waiters();
        number.map(|number| (number, event))
    }

    /// An attempt that was not billed gives its reservation back.
    fn give_back(&self, job: &Job, failure: Failure, is_reserved: bool) {
        if is_reserved {
            self.charge(job, failure, Amount::ZERO);
        }
    }

    /// For an answer that costs nothing any more: there is something to settle.
    fn reserve_nothing(&self, job: &Job) {
        let mut wallet = self.wallet();
        wallet.reserve(job.call, job.role, job.share, Amount::ZERO);
        let (role, share) = (job.role, job.share);
        self.note(Event::Reserved { call: job.call, amount: Amount::ZERO, role, share });
    }

    /// Appends without waiting. A journal that fails says so at the next durable event.
    fn note(&self, event: Event) -> Option<EventNumber> {
        self.journal
            .append(event)
            .inspect_err(|error| tracing::warn!(%error, "the journal took no event"))
            .ok()
    }
}

/// A journal's failure as a reason to halt.
impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Journal(error.to_string())
    }
}
