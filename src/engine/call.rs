//! One logical call, from its reservation to its durable answer.
//!
//! The order is the promise: reserved (durably), sent, answered (durably), and only then used. A
//! retry asks the wallet only. `retry` decides what to do after a failed attempt, `streak` whether calls
//! without a good answer say something about rows or about the provider.

use super::error::StopCause;
use super::retry::{Next, Tries};
use super::streak::Streak;
use super::trouble::{Trouble, Waiting};
use crate::caps::Share;
use crate::clock::Clock;
use crate::event::{Answered, Event, Failure, Finish, NoAnswer, StopReason};
use crate::id::{Call, EventNumber, RequestHash};
use crate::journal::Journal;
use crate::ledger::{TokenRatios, Wallet, estimate_tokens, worst_case};
use crate::provider::limit::Permit;
use crate::provider::registry::ThrottledProvider;
use crate::provider::{LlmError, Reply, Request};
use crate::seed::Seed;
use crate::state::Work;
use crate::task::Model;
use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
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
    /// Why the run must stop all the same.
    pub(super) stop: Option<StopCause>,
}

/// Makes the calls of one run.
pub struct CallRunner {
    providers: BTreeMap<String, Asked>,
    models: BTreeMap<ModelRole, Model>,
    journal: Arc<Journal<Event>>,
    wallet: Mutex<Wallet>,
    /// Wakes calls that wait for the wallet.
    settled: Notify,
    /// Lets the first calls of a role through few at a time, until its bills are known.
    unknown_bills: BTreeMap<ModelRole, Semaphore>,
    ratios: Mutex<TokenRatios>,
    streak: Mutex<Streak>,
    /// Wakes calls that wait for how a streak ends.
    good_answer: Notify,
    /// Calls of the task model that may still bring a good answer.
    hopeful: AtomicU32,
    concurrency: usize,
    stopping: AtomicBool,
    /// Shares out of which nothing is sent any more, because their time is over.
    closed: Mutex<BTreeSet<Share>>,
    /// Wakes calls that wait to be sent when nothing is sent any more.
    halt: Notify,
    answered: AtomicU64,
    answered_millis: AtomicU64,
    slowest_millis: AtomicU64,
    in_flight: AtomicU32,
    started: Instant,
    ran_before: Duration,
    seed: Seed,
}

/// A provider, and what keeps it from answering.
struct Asked {
    provider: ThrottledProvider,
    trouble: Mutex<Trouble>,
    /// Wakes calls that wait for it to be there.
    is_back: Notify,
}

/// The request of one call, with values of it that are needed several times.
struct Asking<'a> {
    call: Call,
    role: ModelRole,
    share: Share,
    request: &'a Request,
    hash: RequestHash,
    bytes: usize,
    /// Whether its row went missing before, and is asked once more.
    is_again: bool,
    of: &'a Asked,
}

/// How the attempts of a call ended.
enum Ended {
    /// Answered, durably.
    Answered { number: EventNumber, answered: Box<Answered>, first: Option<Instant> },
    /// Without an answer, which is not durable yet. `first` is when the first of the attempts failed.
    Missing { cause: NoAnswer, why: String, first: Instant },
}

/// A place at a provider, and what was set aside for the attempt.
struct Place {
    permit: Box<dyn Permit>,
    amount: Amount,
}

/// Whether the budget has room for an attempt.
enum Room {
    /// It has.
    Enough,
    /// It may, once an attempt in flight is settled.
    Later,
    /// It has none, and nothing is in flight.
    Never,
}

/// How a call without a good answer was let go.
#[derive(PartialEq, Eq)]
enum Release {
    /// Another call has a good answer.
    GoodAnswer,
    /// No other call is out.
    Alone,
    /// The run stops.
    Stopping,
    /// It is one too many in a row: the run stops, for this reason.
    Streak(String),
}

/// How many calls of a role are in flight until its first bill is known.
const FIRST_CALLS: usize = 2;
/// How long a call that is alone without a good answer waits for others to begin.
const COMPANY: Duration = Duration::from_millis(100);

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
        let now = Instant::now();
        let asked = |provider: ThrottledProvider| {
            let trouble = Mutex::new(Trouble::new(provider.patience, now));
            Asked { provider, trouble, is_back: Notify::new() }
        };
        let is_known = |role| wallet.by_role(role).completion_tokens > Tokens::ZERO;
        let unknown_bills = ModelRole::ALL
            .into_iter()
            .filter(|role| wallet.is_capped() && !is_known(*role))
            .map(|role| (role, Semaphore::new(FIRST_CALLS)))
            .collect();
        Self {
            providers: providers.into_iter().map(|(name, one)| (name, asked(one))).collect(),
            models,
            journal,
            wallet: Mutex::new(wallet),
            settled: Notify::new(),
            unknown_bills,
            ratios: Mutex::default(),
            streak: Mutex::default(),
            good_answer: Notify::new(),
            hopeful: AtomicU32::new(0),
            concurrency,
            halt: Notify::new(),
            stopping: AtomicBool::new(false),
            closed: Mutex::default(),
            answered: AtomicU64::new(0),
            answered_millis: AtomicU64::new(0),
            slowest_millis: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            started: now,
            ran_before,
            seed,
        }
    }

    /// The wallet. Hold it only for a moment: all calls wait for it.
    pub fn wallet(&self) -> MutexGuard<'_, Wallet> {
        lock(&self.wallet)
    }

    /// Takes over what earlier sessions of the run have seen of a role's tokens.
    pub fn learn(&self, role: ModelRole, seen: &TokenRatios) {
        lock(&self.ratios).learn_from(role, seen);
    }

    /// Sends nothing more; attempts in flight are awaited.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.settled.notify_waiters();
        self.good_answer.notify_waiters();
        self.halt.notify_waiters();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Sends nothing more out of a share: its calls that were not sent end without an answer.
    pub(super) fn close(&self, share: Share) {
        if lock(&self.closed).insert(share) {
            self.settled.notify_waiters();
            self.halt.notify_waiters();
        }
    }

    fn is_closed(&self, share: Share) -> bool {
        lock(&self.closed).contains(&share)
    }

    /// Returns when nothing is sent any more out of a share.
    async fn halted(&self, share: Share) {
        loop {
            let halt = self.halt.notified();
            tokio::pin!(halt);
            halt.as_mut().enable();
            if self.is_stopping() || self.is_closed(share) {
                return;
            }
            halt.await;
        }
    }

    /// What is waited for, for people: the provider that has been silent longest.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        let (latency, time) = (self.mean_latency(), Clock::System.now());
        let of = |(name, asked): (&String, &Asked)| {
            lock(&asked.trouble).waiting(name, latency, time, Instant::now())
        };
        self.providers.iter().filter_map(of).min_by_key(|waiting| waiting.since)
    }

    /// Why waiting on is of no use: no answer of a provider for too long or, once the time of the run
    /// is over, for much longer than an answer takes.
    pub(super) fn is_stuck(&self, is_time_over: bool) -> Option<String> {
        let slowest = Duration::from_millis(self.slowest_millis.load(Ordering::Relaxed));
        let now = Instant::now();
        self.providers.iter().find_map(|(name, asked)| {
            lock(&asked.trouble).is_stuck(name, is_time_over, slowest, now)
        })
    }

    /// The calls of a streak that stops the run.
    pub(super) fn streak(&self) -> Vec<Call> {
        lock(&self.streak).stopped().to_vec()
    }

    /// Enters an event of the driver's in the wallet.
    pub(super) fn enter(&self, event: &Event) {
        self.wallet().apply(event);
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
    pub(super) async fn call(
        &self,
        call: Call,
        purpose: &Work,
        request: &Request,
        is_again: bool,
    ) -> Called {
        let mut failed = Vec::new();
        let outcome = match self.providers.get(request.model.provider()) {
            Some(of) => {
                let (hash, bytes) = (request.hash(), request.bytes());
                let (role, share) = (purpose.role(), purpose.share());
                let asking = Asking { call, role, share, request, hash, bytes, is_again, of };
                self.until_settled(&asking, purpose, &mut failed).await
            }
            None => {
                let why = format!("no provider for `{}`", request.model);
                Err(StopCause::trouble(StopReason::ProviderRefused, why))
            }
        };
        let (outcome, stop) = outcome.unwrap_or_else(|cause| (CallOutcome::Stopped(cause), None));
        Called { failed, outcome, stop }
    }

    /// Makes the attempts of a call. A call of the task model without a good answer waits for whether
    /// its provider is in trouble: then it stays open.
    async fn until_settled(
        &self,
        asking: &Asking<'_>,
        purpose: &Work,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<(CallOutcome, Option<StopCause>), StopCause> {
        let mut is_second_round = false;
        loop {
            let hopeful = Hopeful::new(self, purpose);
            let ended = self.attempts(asking, failed).await?;
            drop(hopeful);
            let (cause, words) = match &ended {
                Ended::Answered { answered, .. } => (answered.flaw(), answered.why.clone()),
                Ended::Missing { cause, why, .. } => (Some(*cause), why.clone()),
            };
            // Looked at before the wait, which ends with an answer.
            let is_outage = match &ended {
                Ended::Missing { cause, first, .. } => {
                    is_outage_of(*cause) && !lock(&asking.of.trouble).answered_since(*first)
                }
                Ended::Answered { .. } => false,
            };
            let release = match (cause, purpose) {
                (None, Work::Evaluation { .. }) => {
                    lock(&self.streak).good();
                    self.good_answer.notify_waiters();
                    Release::Alone
                }
                (Some(cause), Work::Evaluation { candidate, .. })
                    if !cause.is_unsent() && !asking.is_again && !self.is_old(&ended) =>
                {
                    self.hold(asking.call, (*candidate, cause), &words).await
                }
                _ => Release::Alone,
            };
            let (cause, why) = match ended {
                // It is durable: what stops the run does not take it away.
                Ended::Answered { number, answered, .. } => {
                    let stop = match release {
                        Release::Streak(why) => {
                            Some(StopCause::trouble(StopReason::NoAnswers, why))
                        }
                        _ => None,
                    };
                    return Ok((CallOutcome::Answered(number, answered), stop));
                }
                Ended::Missing { cause, why, .. } => (cause, why),
            };
            match release {
                Release::Streak(why) => {
                    return Err(StopCause::trouble(StopReason::NoAnswers, why));
                }
                Release::Stopping => return Err(StopCause::Cancelled),
                // The provider was away, and is back.
                Release::GoodAnswer if is_outage && !is_second_round => is_second_round = true,
                _ => return Ok((self.missing(asking, cause, &why).await?, None)),
            }
        }
    }

    /// Whether other calls had good answers since a call without one first failed: then its failure
    /// says nothing about the provider. Calls that fail slowly end late, and together.
    fn is_old(&self, ended: &Ended) -> bool {
        let first = match ended {
            Ended::Answered { first, .. } => *first,
            Ended::Missing { first, .. } => Some(*first),
        };
        first.is_some_and(|first| lock(&self.streak).has_good_since(first))
    }

    /// A call of the task model has no good answer: waits until another one has, or nothing is out
    /// that could.
    async fn hold(
        &self,
        call: Call,
        (candidate, cause): (crate::id::CandidateIx, NoAnswer),
        words: &str,
    ) -> Release {
        let before = {
            let mut streak = lock(&self.streak);
            if streak.bad(call, candidate, cause) {
                return Release::Streak(streak.in_words(words));
            }
            streak.good_answers()
        };
        let mut was_alone = false;
        loop {
            let good_answer = self.good_answer.notified();
            if self.is_stopping() {
                return Release::Stopping;
            }
            if lock(&self.streak).good_answers() > before {
                return Release::GoodAnswer;
            }
            let is_alone = self.hopeful.load(Ordering::SeqCst) == 0;
            if is_alone && was_alone {
                return Release::Alone;
            }
            was_alone = is_alone;
            // A call that began in the meantime is company; so the count is looked at again.
            let _ = tokio::time::timeout(COMPANY, good_answer).await;
        }
    }

    async fn attempts(
        &self,
        asking: &Asking<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<Ended, StopCause> {
        lock(&asking.of.trouble).asked(Instant::now());
        let ended = self.attempts_in_turn(asking, failed).await;
        lock(&asking.of.trouble).done();
        ended
    }

    async fn attempts_in_turn(
        &self,
        asking: &Asking<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<Ended, StopCause> {
        let draw = self.seed.child("backoff", asking.call.0);
        let mut tries = Tries::default();
        let mut first = None;
        loop {
            let first_call = self.first_call(asking).await?;
            let place = match self.place(asking).await? {
                Ok(place) => place,
                Err(cause) => {
                    let (why, first) = (self.why_unsent(asking, cause), Instant::now());
                    return Ok(Ended::Missing { cause, why, first });
                }
            };
            let reserved = place.amount;
            let (result, took) = self.attempt(asking, place).await;
            let error = match result {
                Ok(reply) => return self.answer(asking, reply, took, first).await,
                Err(error) => error,
            };
            let now = Instant::now();
            let since = *first.get_or_insert(now);
            lock(&asking.of.trouble).failed(&error, now);
            let next = tries.next(error.failure, error.retry_after, draw);
            if !matches!(next, Next::Invalid(_)) {
                // What is reported is what is charged, and else the worst case; a retry reserves anew.
                let charged = match believed(asking, error.usage) {
                    _ if !error.may_be_billed => Amount::ZERO,
                    Some(usage) => self.cost(asking.role, usage),
                    None => reserved,
                };
                failed.extend(self.charge(asking, error.failure, charged));
            }
            drop(first_call);
            match next {
                Next::Retry(delay) => self.pause(asking, delay).await,
                Next::Wait(delay) => {
                    if self.is_this_call_alone(asking, since, now) {
                        let (cause, why) = (NoAnswer::Transport, error.message);
                        return Ok(Ended::Missing { cause, why, first: since });
                    }
                    // Not beyond the patience: a call that waits alone must end before the run does.
                    let patience = lock(&asking.of.trouble).patience();
                    let left = patience.saturating_sub(now.saturating_duration_since(since));
                    let delay = if left.is_zero() { delay } else { delay.min(left) };
                    match error.failure {
                        Failure::Throttled => self.pause(asking, delay).await,
                        // An answer shows that the provider is back.
                        _ => tokio::select! {
                            () = self.pause(asking, delay) => {}
                            () = asking.of.is_back.notified() => {}
                        },
                    }
                }
                // The last of the useless answers is the call's answer, at what it cost.
                Next::Invalid(finish) => {
                    let usage =
                        if error.may_be_billed { error.usage } else { Some(Usage::default()) };
                    let reply = Reply { text: String::new(), usage, finish, why: error.message };
                    return self.answer(asking, reply, took, Some(since)).await;
                }
                Next::Missing(cause) => {
                    return Ok(Ended::Missing { cause, why: error.message, first: since });
                }
                Next::StopRun(reason) => return Err(StopCause::trouble(reason, error.message)),
            }
        }
    }

    /// Whether a call has waited as long as its provider is worth, while others were answered.
    fn is_this_call_alone(&self, asking: &Asking<'_>, first: Instant, now: Instant) -> bool {
        let trouble = lock(&asking.of.trouble);
        let has_waited = now.saturating_duration_since(first) >= trouble.patience();
        has_waited && trouble.answered_since(first)
    }

    /// Sleeps, but not through a stop.
    async fn pause(&self, asking: &Asking<'_>, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.halted(asking.share) => {}
        }
    }

    /// Why a call is not sent, in words.
    fn why_unsent(&self, asking: &Asking<'_>, cause: NoAnswer) -> String {
        if cause == NoAnswer::NoTime {
            return "the time of the run is over".to_owned();
        }
        let (model, most) = (&asking.request.model, asking.request.max_output_tokens);
        let longest = lock(&self.ratios).longest_output(asking.role, most).0;
        if longest <= u64::from(most) {
            return "the budget has no room for it".to_owned();
        }
        format!("`{model}` billed up to {longest} answer tokens where {most} were asked for")
    }

    /// Whether the budget has room for an attempt.
    fn room(&self, asking: &Asking<'_>) -> Room {
        let amount = self.worst_case(asking);
        let wallet = self.wallet();
        match (wallet.fits(asking.share, amount), wallet.is_idle()) {
            (true, _) => Room::Enough,
            (false, false) => Room::Later,
            (false, true) => Room::Never,
        }
    }

    /// Under a cap, the first attempts of a role go out few at a time, until its bills are known.
    async fn first_call(
        &self,
        asking: &Asking<'_>,
    ) -> Result<Option<SemaphorePermit<'_>>, StopCause> {
        let Some(few) = self.unknown_bills.get(&asking.role) else { return Ok(None) };
        tokio::select! {
            // It is closed once they are known.
            permit = few.acquire() => Ok(permit.ok()),
            () = self.halted(asking.share) => Ok(None),
        }
    }

    /// Waits for a place at the provider, and sets the worst case aside, durably: so a reservation is
    /// at most one commit ahead of its attempt. Else why it is not sent: it does not fit, and no
    /// attempt is in flight that could free budget; or its time is over.
    async fn place(&self, asking: &Asking<'_>) -> Result<Result<Place, NoAnswer>, StopCause> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.is_stopping() {
                return Err(StopCause::Cancelled);
            }
            if self.is_closed(asking.share) {
                return Ok(Err(NoAnswer::NoTime));
            }
            // What does not fit takes no place, and uses up none of the provider's rate.
            match self.room(asking) {
                Room::Enough => {}
                Room::Later => {
                    settled.await;
                    continue;
                }
                Room::Never => return Ok(Err(NoAnswer::NoBudget)),
            }
            let permit = tokio::select! {
                permit = asking.of.provider.limit.acquire() => Some(permit),
                () = self.halted(asking.share) => None,
            };
            let Some(permit) = permit else { continue };
            let amount = self.worst_case(asking);
            let committed = {
                let mut wallet = self.wallet();
                if wallet.fits(asking.share, amount) {
                    let event = asking.reserved(amount);
                    wallet.apply(&event);
                    Some(self.journal.append_durable(event))
                } else if wallet.is_idle() {
                    return Ok(Err(NoAnswer::NoBudget));
                } else {
                    None
                }
            };
            match committed {
                Some(committed) => {
                    committed.await?;
                    if self.is_stopping() || self.is_closed(asking.share) {
                        self.charge(asking, Failure::Unsent, Amount::ZERO);
                        continue;
                    }
                    return Ok(Ok(Place { permit, amount }));
                }
                None => {
                    drop(permit);
                    settled.await;
                }
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
        let ratios = lock(&self.ratios);
        let prompt = ratios.estimate(asking.role, asking.bytes);
        let output = ratios.longest_output(asking.role, asking.request.max_output_tokens);
        drop(ratios);
        worst_case(self.price(asking.role), prompt, output)
    }

    async fn attempt(
        &self,
        asking: &Asking<'_>,
        place: Place,
    ) -> (Result<Reply, LlmError>, Duration) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let result = asking.of.provider.llm.complete(asking.request).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        match &result {
            Ok(_) => place.permit.on_success(),
            Err(error) if error.failure == Failure::Throttled => {
                place.permit.on_throttled(error.retry_after);
            }
            Err(_) => {}
        }
        (result, sent.elapsed())
    }

    async fn answer(
        &self,
        asking: &Asking<'_>,
        reply: Reply,
        took: Duration,
        first: Option<Instant>,
    ) -> Result<Ended, StopCause> {
        let reported = believed(asking, reply.usage);
        let usage = reported.unwrap_or_else(|| Usage {
            // The provider did not say: a generous guess, so that the cap is never passed unseen.
            input: estimate_tokens(None, asking.bytes),
            cached_input: Tokens::ZERO,
            output: match reply.finish {
                // Something was written that is not shown.
                Finish::Empty | Finish::Reasoning => {
                    Tokens(u64::from(asking.request.max_output_tokens))
                }
                _ => estimate_tokens(None, reply.text.len()),
            },
        });
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let answered = Answered {
            call: asking.call,
            request: asking.hash,
            bytes: asking.bytes as u64,
            input: usage.input.0,
            cached: usage.cached_input.0,
            out: usage.output.0,
            usd: self.cost(asking.role, usage).usd,
            estimated: reported.is_none(),
            finish: reply.finish,
            why: asking.why(&reply),
            text: reply.text,
            ms: u32::try_from(millis).unwrap_or(u32::MAX),
            at: u64::try_from(self.running().as_millis()).unwrap_or(u64::MAX),
        };
        if asking.bytes > 0 && reported.is_some() {
            let mut ratios = lock(&self.ratios);
            ratios.learn(asking.role, usage.input.0 as f64 / asking.bytes as f64);
            ratios.learn_output(asking.role, usage.output);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answered_millis.fetch_add(millis, Ordering::Relaxed);
        self.slowest_millis.fetch_max(millis, Ordering::Relaxed);
        let number = self.settle(Event::Answered(answered.clone())).await?;
        if let Some(few) = self.unknown_bills.get(&asking.role) {
            few.close();
        }
        lock(&asking.of.trouble).answered(Instant::now());
        asking.of.is_back.notify_waiters();
        Ok(Ended::Answered { number, answered: Box::new(answered), first })
    }

    async fn missing(
        &self,
        asking: &Asking<'_>,
        cause: NoAnswer,
        why: &str,
    ) -> Result<CallOutcome, StopCause> {
        let (call, role) = (asking.call, asking.role);
        let event = Event::CallMissing { call, role, cause, why: crate::text::shorten(why, 300) };
        let number = self.settle(event.clone()).await?;
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

/// Counts a call of the task model among those that may bring a good answer, until it is dropped.
struct Hopeful<'a>(Option<&'a AtomicU32>);

impl<'a> Hopeful<'a> {
    fn new(runner: &'a CallRunner, purpose: &Work) -> Self {
        let counts = matches!(purpose, Work::Evaluation { .. }).then_some(&runner.hopeful);
        counts.inspect(|counter| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        Self(counts)
    }
}

impl Drop for Hopeful<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Whether a provider that is away for a while explains it.
fn is_outage_of(cause: NoAnswer) -> bool {
    matches!(cause, NoAnswer::Transport | NoAnswer::Timeout | NoAnswer::Unreadable)
}

impl Asking<'_> {
    /// What is wrong with a reply, in words; nothing where it is good.
    fn why(&self, reply: &Reply) -> String {
        if reply.finish.flaw().is_none() || !reply.why.is_empty() {
            return crate::text::shorten(&reply.why, 300);
        }
        let (model, most) = (&self.request.model, self.request.max_output_tokens);
        // A terminal must not obey what a model says.
        let text = crate::text::shorten(&reply.text.replace(char::is_control, " "), 120);
        match reply.finish {
            Finish::Length => {
                format!("`{model}` ran into max_output_tokens = {most}: “{text}”")
            }
            _ => format!("`{model}` ended its answer as {:?}: “{text}”", reply.finish),
        }
    }

    fn reserved(&self, amount: Amount) -> Event {
        let Self { call, role, share, .. } = *self;
        Event::Reserved { call, amount, role, share }
    }
}
