//! One logical call, from its reservation to its durable answer.
//!
//! The order is the promise: reserved (durably), sent, answered (durably), and only then used. A
//! retry asks the wallet only. `retry` decides what to do after a failed attempt, `streak` whether calls
//! without a good answer say something about rows or about the provider.

mod reservation; // What an attempt needs before it is sent.
mod collection; // What a batch brings.
mod submission; // How requests get into a batch.
mod hedging; // An attempt that is late is made once more.
mod attempts; // The attempts of a call, in turn.

use super::batches::Batches;
use super::error::StopCause;
use super::inbox::Post;
use super::latencies::Latencies;
use super::quarantine::{Quarantine, Release};
use super::remedy::Remedy;
use super::steering::NotChanged;
use super::trouble::{Trouble, Waiting};
use crate::caps::{Caps, Share};
use crate::clock::Clock;
use crate::event::{Answered, Event, Failure, NoAnswer, RowKey, StopReason};
use crate::id::{Call, CandidateIx, EventNumber, RequestHash, RowIx};
use crate::journal::Journal;
use crate::ledger::{TokenRatios, Wallet};
use crate::provider::Request;
use crate::provider::registry::{Dial, ThrottledProvider};
use crate::seed::Seed;
use crate::state::{self, Work};
use crate::task::Model;
use crate::task::example::Split;
use crate::task::model::{Execution, ModelName, ModelRole, RefusedFields, Usage};
use crate::units::{Amount, Tokens};
use jiff::Timestamp;
use reservation::FIRST_CALLS;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How a call ended.
#[derive(Debug)]
pub(super) enum CallOutcome {
    /// Answered, durably.
    Answered(EventNumber, Box<Answered>),
    /// Without an answer, durably.
    Missing(EventNumber, Box<Event>),
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
    providers: BTreeMap<String, ProviderState>,
    models: BTreeMap<ModelRole, Model>,
    journal: Arc<Journal<Event>>,
    wallet: Mutex<Wallet>,
    /// Wakes calls that wait for the wallet.
    settled: Notify,
    /// Lets the first calls of a role through few at a time, until its bills are known.
    first_calls: BTreeMap<ModelRole, Semaphore>,
    ratios: Mutex<TokenRatios>,
    /// What servers refused of the requests' form.
    refused_fields: Mutex<RefusedFields>,
    /// Calls of the task model without a good answer.
    quarantine: Quarantine,
    concurrency: AtomicUsize,
    /// Changes the concurrency.
    dial: Option<Dial>,
    stopping: AtomicBool,
    /// Whether nothing more is sent until the run goes on.
    paused: AtomicBool,
    /// Requests that wait for a batch, and batches that are out.
    batches: Mutex<Batches>,
    /// Whether batches that their provider does not have any more are given up.
    abandons_batches: bool,
    /// Wakes the call that gathers a batch.
    gathered: Notify,
    /// When the time of a share is over, where it has an end.
    ends: Mutex<BTreeMap<Share, Instant>>,
    /// Shares out of which nothing is sent any more, because their time is over.
    closed: Mutex<BTreeSet<Share>>,
    /// Wakes calls that wait to be sent when nothing is sent any more.
    halt: Notify,
    /// Answers without a bill, by role.
    estimated_answers: Mutex<BTreeMap<ModelRole, u64>>,
    /// Texts of which a request was billed.
    billed: Mutex<BilledTexts>,
    answered: AtomicU64,
    answered_millis: AtomicU64,
    slowest_millis: AtomicU64,
    in_flight: AtomicU32,
    /// How long answered requests took, for roles whose requests are hedged.
    latencies: Mutex<BTreeMap<ModelRole, Latencies>>,
    /// Why the bill of a call ends the run.
    over_bill: OnceLock<String>,
    /// Where it is reported what happens to hedges, which may be after the call's end.
    post: OnceLock<Post>,
    /// Requests whose calls were answered by others, until their bills are known.
    others: Mutex<JoinSet<()>>,
    started: Instant,
    ran_before: Duration,
    seed: Seed,
}

/// Prompts and rows of which a request was billed, so that it is known what texts such as theirs cost.
#[derive(Default)]
struct BilledTexts {
    candidates: BTreeSet<CandidateIx>,
    rows: BTreeSet<(Split, RowIx)>,
}

impl BilledTexts {
    fn add(&mut self, row: RowKey) {
        self.candidates.insert(row.candidate);
        self.rows.insert((row.split, row.row));
    }

    /// Tokens of a request with these texts.
    fn estimate(&self, asked: RowKey, request: &Request, ratios: &TokenRatios) -> Tokens {
        let (role, bytes) = (ModelRole::Task, request.bytes());
        if !self.candidates.contains(&asked.candidate) {
            ratios.estimate_new(role, bytes)
        } else if !self.rows.contains(&(asked.split, asked.row)) {
            ratios.estimate_new_row(role, request.stable_bytes, bytes)
        } else {
            ratios.estimate(role, bytes)
        }
    }
}

/// A provider, and what keeps it from answering.
struct ProviderState {
    throttled: ThrottledProvider,
    trouble: Mutex<Trouble>,
    /// Wakes calls that wait for it to be there.
    is_back: Notify,
    /// How many calls wait for a place.
    queued: AtomicUsize,
    /// Since when calls were seen to wait for a place, and none was sent.
    held_since: Mutex<Option<Instant>>,
}

impl ProviderState {
    fn new(throttled: ThrottledProvider, now: Instant) -> Self {
        let trouble = Trouble::new(&throttled.who, throttled.patience, now);
        Self {
            throttled,
            trouble: Mutex::new(trouble),
            is_back: Notify::new(),
            queued: AtomicUsize::new(0),
            held_since: Mutex::default(),
        }
    }

    /// What keeps all calls back, where none is sent for a while: a rate, a pace, or other runs.
    fn held_back(&self, time: Timestamp, now: Instant) -> Option<Waiting> {
        let mut since = lock(&self.held_since);
        let is_held = self.queued.load(Ordering::Relaxed) > 0 && lock(&self.trouble).is_idle();
        let hold = is_held.then(|| self.throttled.limit.blocked_by(Tokens(1))).flatten();
        let Some(hold) = hold else {
            *since = None;
            return None;
        };
        let held = now.saturating_duration_since(*since.get_or_insert(now));
        Waiting::for_place(hold, &self.throttled.who, held, time)
    }
}

/// The request of one call, with values of it that are needed several times.
#[derive(Clone, Copy)]
struct CallContext<'a> {
    call: Call,
    role: ModelRole,
    share: Share,
    request: &'a Request,
    hash: RequestHash,
    /// Which row is asked with whose prompt, where it is an evaluation.
    row: Option<RowKey>,
    /// Whether its row went missing before, and is asked once more.
    is_again: bool,
    provider: &'a ProviderState,
    /// This runner: a request may go on without its call.
    runner: &'a Arc<CallRunner>,
}

/// Who is asked by a call, who pays, and about which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    role: ModelRole,
    share: Share,
    /// Which row is asked with whose prompt, where it is an evaluation.
    row: Option<RowKey>,
}

impl Purpose {
    /// A judge is asked about an answer to a row.
    pub(super) fn judgement(about: RowKey, role: ModelRole) -> Self {
        Self { role, share: Work::Evaluation(about).share(), row: None }
    }
}

impl From<&Work> for Purpose {
    fn from(work: &Work) -> Self {
        let row = match work {
            Work::Evaluation(row) => Some(*row),
            Work::Proposal(..) | Work::Embedding(..) => None,
        };
        Self { role: work.role(), share: work.share(), row }
    }
}

/// How the attempts of a call ended.
enum AttemptsEnd {
    /// Answered, durably.
    Answered { number: EventNumber, answered: Box<Answered>, first: Option<Instant> },
    /// Without an answer, which is not durable yet. `first` is when the first of the attempts failed.
    Missing { cause: NoAnswer, why: String, first: Instant },
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
        let is_known = |role| wallet.by_role(role).usage.prompt() > Tokens::ZERO;
        let first_wait = models.values().filter_map(|model| model.batch_wait).max();
        // What is submitted for hours was tried before.
        let is_batched =
            |role: &ModelRole| models.get(role).is_some_and(|it| !it.execution.is_live());
        let first_calls = models
            .keys()
            .filter(|role| (wallet.is_capped() || is_batched(role)) && !is_known(**role))
            .map(|role| (*role, Semaphore::new(FIRST_CALLS)))
            .collect();
        Self {
            providers: providers
                .into_iter()
                .map(|(name, throttled)| (name, ProviderState::new(throttled, now)))
                .collect(),
            models,
            journal,
            wallet: Mutex::new(wallet),
            settled: Notify::new(),
            first_calls,
            ratios: Mutex::default(),
            refused_fields: Mutex::default(),
            quarantine: Quarantine::default(),
            concurrency: AtomicUsize::new(concurrency),
            dial: None,
            halt: Notify::new(),
            stopping: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            batches: Mutex::new(Batches::new(first_wait)),
            abandons_batches: false,
            gathered: Notify::new(),
            ends: Mutex::default(),
            closed: Mutex::default(),
            answered: AtomicU64::new(0),
            estimated_answers: Mutex::default(),
            billed: Mutex::default(),
            answered_millis: AtomicU64::new(0),
            slowest_millis: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            latencies: Mutex::default(),
            over_bill: OnceLock::new(),
            post: OnceLock::new(),
            others: Mutex::default(),
            started: now,
            ran_before,
            seed,
        }
    }

    /// The wallet. Hold it only for a moment: all calls wait for it.
    pub fn wallet(&self) -> MutexGuard<'_, Wallet> {
        lock(&self.wallet)
    }

    /// Why the bill of a call ends the run, where one does.
    pub(super) fn over_bill(&self) -> Option<&str> {
        self.over_bill.get().map(String::as_str)
    }

    /// The stop that follows from it.
    fn over_bill_stop(&self) -> Option<StopCause> {
        Some(StopCause::trouble(StopReason::OverBudget, self.over_bill()?.to_owned()))
    }

    /// Reports to this inbox what happens beside the calls.
    pub(super) fn report_to(&self, post: &Post) {
        self.post.get_or_init(|| post.clone());
    }

    /// Takes over what earlier sessions of the run have seen of a role's tokens.
    pub fn learn(&self, role: ModelRole, seen: &TokenRatios) {
        lock(&self.ratios).learn_from(role, seen);
    }

    /// Takes over of which texts earlier sessions had bills.
    pub fn know_texts(&self, billed: impl Iterator<Item = RowKey>) {
        let mut known = lock(&self.billed);
        billed.for_each(|row| known.add(row));
    }

    /// Takes in what a request was billed, whatever became of it.
    fn learn_bill(&self, role: ModelRole, row: Option<RowKey>, request: &Request, usage: Usage) {
        let bytes = request.bytes() as u64;
        let mut ratios = lock(&self.ratios);
        ratios.learn_bill(role, bytes, usage);
        for role in self.roles_of(&request.model) {
            ratios.learn_prompt_of(role, bytes, usage);
        }
        drop(ratios);
        if let Some(row) = row.filter(|_| usage.prompt() > Tokens::ZERO) {
            lock(&self.billed).add(row);
        }
    }

    /// The roles that a model has.
    fn roles_of(&self, name: &ModelName) -> impl Iterator<Item = ModelRole> {
        self.models.iter().filter(|(_, model)| model.name == *name).map(|(role, _)| *role)
    }

    /// Takes over what servers refused in earlier sessions of the run.
    pub fn leave_out(&self, refused: &RefusedFields) {
        lock(&self.refused_fields).clone_from(refused);
    }

    /// Gives batches up that their provider does not have any more: they count as paid, and are asked again.
    #[must_use]
    pub fn abandoning_batches(self, abandons_batches: bool) -> Self {
        Self { abandons_batches, ..self }
    }

    /// With what changes how many requests may be out at a time.
    #[must_use]
    pub fn with_dial(self, dial: Dial) -> Self {
        Self { dial: Some(dial), ..self }
    }

    /// Takes over the batches of earlier sessions.
    pub fn adopt(&self, open: &state::OpenBatches) {
        let mut batches = lock(&self.batches);
        batches.know_waits(open.waits());
        batches.adopt(open.open());
    }

    /// Says how long the time of a share still is; `None`: it has no end.
    pub(super) fn set_time_left(&self, share: Share, left: Option<Duration>) {
        let mut ends = lock(&self.ends);
        match left.and_then(|left| Instant::now().checked_add(left)) {
            Some(end) => ends.insert(share, end),
            None => ends.remove(&share),
        };
    }

    fn time_left(&self, share: Share) -> Option<Duration> {
        let end = *lock(&self.ends).get(&share)?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Sends nothing more; attempts in flight are awaited.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.settled.notify_waiters();
        self.quarantine.stop();
        self.halt.notify_waiters();
    }

    /// Replaces the caps. Calls that wait for room may find some.
    pub(super) fn set_caps(&self, caps: Caps) {
        self.wallet().set_caps(caps);
        self.settled.notify_waiters();
    }

    /// Changes how many requests may be out at a time; how many may now.
    pub(super) fn set_concurrency(&self, most: usize) -> usize {
        let most = self.dial.as_ref().map_or(most, |dial| dial.set(most));
        self.concurrency.store(most, Ordering::Relaxed);
        most
    }

    /// Sends nothing more until the run goes on. What is in flight is taken, and so is what batches bring.
    pub(super) fn pause_all(&self) -> Result<(), NotChanged> {
        match self.paused.swap(true, Ordering::SeqCst) {
            true => Err(NotChanged::Already("it is paused already".to_owned())),
            false => Ok(()),
        }
    }

    /// Goes on after a pause.
    pub(super) fn go_on(&self) -> Result<(), NotChanged> {
        let was_paused = self.paused.swap(false, Ordering::SeqCst);
        self.halt.notify_waiters();
        match was_paused {
            true => Ok(()),
            false => Err(NotChanged::Already("it is not paused".to_owned())),
        }
    }

    /// Whether nothing is sent until the run goes on.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    /// Returns when something may be sent, or will not be at all any more.
    pub(super) async fn released(&self, share: Share) {
        if self.is_paused() {
            let is_over = || self.is_stopping() || self.is_closed(share);
            self.until(|| !self.is_paused() || is_over()).await;
        }
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
        self.until(|| self.is_stopping() || self.is_closed(share)).await;
    }

    /// Returns when nothing is sent any more.
    async fn stopped(&self) {
        self.until(|| self.is_stopping()).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            let halt = self.halt.notified();
            tokio::pin!(halt);
            halt.as_mut().enable();
            if is_so() {
                return;
            }
            halt.await;
        }
    }

    /// What is waited for, for people: the provider that has been silent longest, or else a place to send, or else a
    /// batch.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        self.silence().or_else(|| self.held_back()).or_else(|| {
            let batches = lock(&self.batches);
            let ((since, words), wait) = (batches.oldest()?, batches.expected_wait());
            Some(Waiting::for_batch(since, wait, words))
        })
    }

    fn held_back(&self) -> Option<Waiting> {
        let (time, now) = (Clock::System.now(), Instant::now());
        self.providers.values().find_map(|provider| provider.held_back(time, now))
    }

    fn silence(&self) -> Option<Waiting> {
        let (latency, time) = (self.mean_latency(), Clock::System.now());
        let of = |provider: &ProviderState| {
            lock(&provider.trouble).waiting(latency, time, Instant::now())
        };
        self.providers.values().filter_map(of).min_by_key(|waiting| waiting.since)
    }

    /// Why waiting on is of no use: no answer of a provider for too long or, once the time of the run
    /// is over, for much longer than an answer takes.
    pub(super) fn is_stuck(&self, is_time_over: bool) -> Option<String> {
        let slowest = Duration::from_millis(self.slowest_millis.load(Ordering::Relaxed));
        let now = Instant::now();
        self.providers
            .values()
            .find_map(|provider| lock(&provider.trouble).is_stuck(is_time_over, slowest, now))
    }

    /// What to do against what stopped the run for this reason, where its last failed attempt says it.
    pub(super) fn remedy(&self, why: &str) -> Option<Remedy> {
        let found = self.providers.values().filter_map(|it| lock(&it.trouble).remedy(why));
        found.max_by_key(|(at, _)| *at).map(|(_, remedy)| remedy)
    }

    /// Where calls of the task model without a good answer wait.
    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Enters an event of the driver's in the wallet.
    pub(super) fn enter(&self, event: &Event) {
        self.wallet().apply(event);
    }

    /// How many requests may be out at a time.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency.load(Ordering::Relaxed)
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

    /// The time between two attempts that the task model's provider allows.
    #[must_use]
    pub fn spacing(&self) -> Duration {
        let model = self.models.get(&ModelRole::Task);
        let provider = model.and_then(|model| self.providers.get(model.name.provider()));
        provider.map_or(Duration::ZERO, |provider| provider.throttled.limit.spacing())
    }

    /// The mean time of an answered attempt in this session.
    #[must_use]
    pub fn mean_latency(&self) -> Duration {
        let answered = self.answered.load(Ordering::Relaxed).max(1);
        Duration::from_millis(self.answered_millis.load(Ordering::Relaxed) / answered)
    }

    /// Whether a call is made live or in batches.
    fn execution(&self, context: &CallContext<'_>) -> Execution {
        self.models.get(&context.role).map(|model| model.execution).unwrap_or_default()
    }

    /// Makes one call.
    pub(super) async fn call(
        self: &Arc<Self>,
        call: Call,
        purpose: impl Into<Purpose>,
        request: &Request,
        is_again: bool,
    ) -> Called {
        let mut failed = Vec::new();
        let outcome = match self.providers.get(request.model.provider()) {
            Some(provider) => {
                let hash = request.hash();
                let Purpose { role, share, row } = purpose.into();
                let context = CallContext {
                    call,
                    row,
                    role,
                    share,
                    request,
                    hash,
                    is_again,
                    provider,
                    runner: self,
                };
                self.until_settled(&context, &mut failed).await
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
        context: &CallContext<'_>,
        failed: &mut Vec<(EventNumber, Event)>,
    ) -> Result<(CallOutcome, Option<StopCause>), StopCause> {
        let mut is_second_round = false;
        loop {
            let call_out = context.row.map(|_| self.quarantine.call_out());
            let ended = self.attempts(context, failed).await?;
            drop(call_out);
            // Looked at before the wait, which ends with an answer.
            let is_outage = match &ended {
                AttemptsEnd::Missing { cause, first, .. } => {
                    is_outage_of(*cause) && !lock(&context.provider.trouble).answered_since(*first)
                }
                AttemptsEnd::Answered { .. } => false,
            };
            let release = match context.row {
                Some(to) => self.release(context, to, &ended).await,
                None => Release::Alone,
            };
            let (cause, why) = match ended {
                // It is durable: what stops the run does not take it away.
                AttemptsEnd::Answered { number, answered, .. } => {
                    let stop = release.stop_cause().or_else(|| self.over_bill_stop());
                    return Ok((CallOutcome::Answered(number, answered), stop));
                }
                AttemptsEnd::Missing { cause, why, .. } => (cause, why),
            };
            match release {
                Release::Streak(why) => {
                    return Err(context.trouble(StopReason::NoAnswers, &why));
                }
                Release::Stopping => return Err(StopCause::Cancelled),
                // The provider was away, and is back.
                Release::GoodAnswer if is_outage && !is_second_round => is_second_round = true,
                _ => {
                    let missing = self.missing(context, cause, &why).await?;
                    return Ok((missing, self.over_bill_stop()));
                }
            }
        }
    }

    /// Waits for what the end of a row's attempts says: at once where the answer is good, or where the
    /// call's failure says nothing about the provider.
    async fn release(&self, context: &CallContext<'_>, to: RowKey, ended: &AttemptsEnd) -> Release {
        let (cause, words, first) = match ended {
            AttemptsEnd::Answered { answered, first, .. } => match answered.flaw() {
                Some(cause) => (cause, answered.why.as_str(), *first),
                None => {
                    self.quarantine.good_answer();
                    return Release::Alone;
                }
            },
            AttemptsEnd::Missing { cause, why, first } => (*cause, why.as_str(), Some(*first)),
        };
        // Others had good answers since it first failed. Calls that fail slowly end late, and together.
        let is_old = first.is_some_and(|first| self.quarantine.has_good_since(first));
        if cause.is_unsent() || context.is_again || is_old {
            return Release::Alone;
        }
        self.quarantine.keep(context.call, to, cause, words).await
    }

    async fn missing(
        &self,
        context: &CallContext<'_>,
        cause: NoAnswer,
        why: &str,
    ) -> Result<CallOutcome, StopCause> {
        let (call, role) = (context.call, context.role);
        let event = Event::CallMissing { call, role, cause, why: crate::text::shorten(why, 300) };
        let number = self.settle(event.clone()).await?;
        Ok(CallOutcome::Missing(number, Box::new(event)))
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
        context: &CallContext<'_>,
        failure: Failure,
        charged: Amount,
    ) -> Option<(EventNumber, Event)> {
        let event = Event::AttemptFailed { call: context.call, failure, charged };
        let number = self.note(&event);
        self.settled.notify_waiters();
        number.map(|number| (number, event))
    }

    /// Enters an event in the wallet and appends it without waiting. A journal that fails says so at
    /// the next durable event.
    fn note(&self, event: &Event) -> Option<EventNumber> {
        self.note_in(&mut self.wallet(), event)
    }

    fn note_in(&self, wallet: &mut Wallet, event: &Event) -> Option<EventNumber> {
        wallet.apply(event);
        self.journal
            .append(event.clone())
            .inspect_err(|error| tracing::warn!(%error, "the journal took no event"))
            .ok()
    }
}

/// Whether a provider that is away for a while explains it.
fn is_outage_of(cause: NoAnswer) -> bool {
    matches!(cause, NoAnswer::Transport | NoAnswer::Timeout | NoAnswer::Unreadable)
}
