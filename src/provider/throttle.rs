//! How many attempts at a time, how fast, and how long to wait.
//!
//! Not retry and not the budget: this decides when an attempt may be sent, never whether. A
//! provider that says "too many" lowers the limit and stops new attempts for as long as it asks;
//! answers raise the limit again, one step per limit's worth of them. Fewer attempts at a time do
//! not help where attempts are counted per minute and answered fast, so the spacing that a provider
//! put up with between two refusals is learned as well.

use crate::seed::Seed;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The share of the limit that is left after a cut.
const CUT: f64 = 0.7;

/// At most one cut in this time, however short the pauses are.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);

/// The pause where the provider does not say how long; doubled while nothing gets through.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);

/// After so many refusals in a row that going slower did not put off, the pace is not the reason.
const MOST_IN_VAIN: u32 = 3;

/// For so many answers no spacing is learned then.
const AMNESTY: u32 = 1_000;

/// Learned spacings lie between these two.
const SHORTEST_SPACING: Duration = Duration::from_millis(1);
const LONGEST_SPACING: Duration = Duration::from_secs(60);

/// The shortest pause: `Retry-After: 0` must not become a busy loop.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// The longest wait at a provider's word. After it a few attempts find out anew, so that one wrong
/// header cannot stop a night's run.
pub const MAX_PAUSE: Duration = Duration::from_secs(300);

/// Admits attempts at one provider, first come, first served. Clones share one limit.
#[derive(Clone, Debug)]
pub struct Throttle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held by whoever is next. It waits in the order of arrival and is given back when a waiting
    /// attempt is dropped, so order and cancellation need no code here.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Told when a place may have become free; only the holder of the turn listens.
    freed: Notify,
    global: Option<Global>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic halfway, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Throttle {
    /// At most `concurrency` attempts at a time, and `rpm` in any minute.
    #[must_use]
    pub fn new(concurrency: usize, rpm: Option<u32>) -> Self {
        Self::with(concurrency, rpm, None)
    }

    /// The same, within a cap that other providers share.
    #[must_use]
    pub fn within(global: &Global, concurrency: usize, rpm: Option<u32>) -> Self {
        Self::with(concurrency, rpm, Some(global.clone()))
    }

    fn with(concurrency: usize, rpm: Option<u32>, global: Option<Global>) -> Self {
        Self {
            shared: Arc::new(Shared {
                turn: tokio::sync::Mutex::new(()),
                state: Mutex::new(State::new(concurrency, rpm, Instant::now())),
                freed: Notify::new(),
                global,
            }),
        }
    }

    /// Waits for a place. Dropping the future gives everything back; dropping the permit frees the
    /// place.
    pub async fn acquire(&self) -> Permit {
        let _turn = self.shared.turn.lock().await;
        loop {
            let wait = self.shared.state().wait(Instant::now());
            match wait {
                Wait::Place => self.shared.freed.notified().await,
                Wait::Until(moment) => sleep_until(moment).await,
                Wait::None => {
                    // Last, so that a provider that pauses holds no place that another could use.
                    let place = match &self.shared.global {
                        Some(global) => Some(global.acquire().await),
                        None => None,
                    };
                    // Waiting for the shared place, a pause may have begun.
                    if let Some(number) = self.shared.state().admit(Instant::now()) {
                        return Permit { shared: Arc::clone(&self.shared), number, _place: place };
                    }
                }
            }
        }
    }

    /// Changes the ceiling of a running throttle. Attempts in flight above it are not ended.
    pub fn set_concurrency(&self, concurrency: usize) {
        self.shared.state().set_ceiling(concurrency);
        self.shared.freed.notify_one();
    }

    /// Attempts that may be in flight now: between 1 and the concurrency.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.shared.state().limit
    }

    /// Attempts in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.state().in_flight
    }

    /// How long new attempts still wait because the provider asked for it.
    #[must_use]
    pub fn paused_for(&self) -> Option<Duration> {
        let until = self.shared.state().pause.map(Pause::until)?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }
}

/// A place among the attempts in flight.
#[derive(Debug)]
#[must_use = "the place is free again when the permit is dropped"]
pub struct Permit {
    shared: Arc<Shared>,
    number: u64,
    _place: Option<GlobalPermit>,
}

impl Permit {
    /// The attempt was answered.
    pub fn on_success(&self) {
        let raised = self.shared.state().succeeded(self.number);
        if raised {
            self.shared.freed.notify_one();
        }
    }

    /// The provider refused the attempt as one too many.
    pub fn on_throttled(&self, retry_after: Option<Duration>) {
        self.shared.state().throttled(Instant::now(), self.number, retry_after);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.state().released(Instant::now());
        self.shared.freed.notify_one();
    }
}

/// What the next attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    None,
    Place,
    Until(Instant),
}

/// Everything that decides, without waiting: time is handed in.
#[derive(Debug)]
struct State {
    ceiling: usize,
    limit: usize,
    in_flight: usize,
    /// Attempts admitted so far: the number of the latest.
    admitted: u64,
    /// Answers since the limit last changed.
    answers: usize,
    pause: Option<Pause>,
    last_cut: Option<Instant>,
    /// What the user allows.
    pace: Option<Pace>,
    /// What the provider was seen to allow.
    learned: Option<Learned>,
    /// Refusals in a row at a spacing that was no shorter than the one before it.
    in_vain: u32,
    /// Answers until a refusal says something about the pace again.
    amnesty: u32,
    since_refusal: Epoch,
}

impl State {
    fn new(concurrency: usize, rpm: Option<u32>, now: Instant) -> Self {
        let ceiling = concurrency.max(1);
        Self {
            ceiling,
            limit: ceiling,
            in_flight: 0,
            admitted: 0,
            answers: 0,
            pause: None,
            last_cut: None,
            pace: rpm.map(|rpm| Pace::per_minute(rpm, now)),
            learned: None,
            in_vain: 0,
            amnesty: 0,
            since_refusal: Epoch::new(now),
        }
    }

    fn wait(&self, now: Instant) -> Wait {
        if self.in_flight >= self.limit {
            return Wait::Place;
        }
        match self.earliest() {
            Some(moment) if moment > now => Wait::Until(moment),
            _ => Wait::None,
        }
    }

    /// Before this, no place helps.
    fn earliest(&self) -> Option<Instant> {
        let paused = self.pause.map(Pause::until);
        let paced = self.pace.as_ref().map(Pace::next);
        let learned = self.learned.as_ref().map(|learned| learned.pace.next());
        paused.max(paced).max(learned)
    }

    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.wait(now) != Wait::None {
            return None;
        }
        if let Some(idle_since) = self.since_refusal.idle_since.take() {
            // Nobody asked meanwhile, so this time says nothing about the provider.
            let wanted = self.earliest().map_or(idle_since, |it| it.max(idle_since));
            self.since_refusal.from += now.saturating_duration_since(wanted);
        }
        if let Some(pace) = &mut self.pace {
            pace.take(now);
        }
        if let Some(learned) = &mut self.learned {
            learned.pace.take(now);
        }
        self.since_refusal.admitted += 1;
        self.in_flight += 1;
        self.admitted += 1;
        Some(self.admitted)
    }

    fn released(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 {
            self.since_refusal.idle_since = Some(now);
        }
    }

    fn throttled(&mut self, now: Instant, number: u64, retry_after: Option<Duration>) {
        // It was in flight when the pause began, so it says nothing new. Its wait may be the longer
        // one, but it counts from that beginning: refusals that trickle in must not push the end
        // ahead of the clock for ever.
        if let Some(pause) = &mut self.pause
            && number <= pause.admitted
        {
            if let Some(asked) = retry_after {
                pause.length = pause.length.max(asked.min(MAX_PAUSE));
            }
            return;
        }
        let rate = self.since_refusal.interval(now);
        let in_a_row = match rate {
            Some(_) => 0,
            None => self.pause.map_or(0, |pause| pause.in_a_row + 1),
        };
        self.pause = Some(Pause {
            admitted: self.admitted,
            from: now,
            length: retry_after
                .unwrap_or(UNSAID_PAUSE * (1 << in_a_row.min(6)))
                .clamp(MIN_PAUSE, MAX_PAUSE),
            in_a_row,
        });
        self.since_refusal = Epoch::new(now);
        if let Some(interval) = rate {
            self.learn(interval, now);
        }
        let recent = |cut: Instant| now.saturating_duration_since(cut) < BETWEEN_CUTS;
        if !self.last_cut.is_some_and(recent) {
            self.last_cut = Some(now);
            self.answers = 0;
            // What was in flight was too much; a limit far above it was not tried.
            let tried = self.limit.min(self.in_flight);
            self.limit = ((tried as f64 * CUT) as usize).max(1);
        }
    }

    /// Takes over a spacing, unless going slower has not helped for a while: a provider that
    /// refuses one attempt in twenty at any pace would be asked ever more slowly.
    fn learn(&mut self, interval: Duration, now: Instant) {
        if self.amnesty > 0 {
            return;
        }
        match &self.learned {
            Some(learned) if interval >= learned.set_out => self.in_vain += 1,
            Some(_) => self.in_vain = 0,
            None => {}
        }
        self.learned = Learned::new(interval, now);
        if self.in_vain >= MOST_IN_VAIN {
            self.learned = None;
            self.in_vain = 0;
            self.amnesty = AMNESTY;
        }
    }

    /// Whether the limit rose.
    fn succeeded(&mut self, number: u64) -> bool {
        self.since_refusal.answered = true;
        self.amnesty = self.amnesty.saturating_sub(1);
        // An answer to an attempt from before the pause does not speak for the time after it.
        if self.pause.is_none_or(|pause| number <= pause.admitted) {
            return false;
        }
        self.learned = self.learned.take().and_then(Learned::faster);
        if self.limit >= self.ceiling {
            return false;
        }
        self.answers += 1;
        if self.answers < self.limit {
            return false;
        }
        self.answers = 0;
        self.limit += 1;
        true
    }

    fn set_ceiling(&mut self, concurrency: usize) {
        let before = self.ceiling;
        self.ceiling = concurrency.max(1);
        // A limit that no provider has lowered follows the ceiling; another climbs by itself.
        if self.limit == before || self.limit > self.ceiling {
            self.limit = self.ceiling;
        }
    }
}

/// What was admitted since the last refusal.
#[derive(Debug)]
struct Epoch {
    /// Its beginning, moved on by the time in which nobody asked.
    from: Instant,
    admitted: u32,
    /// Whether anything was answered in it: a provider that refuses everything has no rate.
    answered: bool,
    /// Since when nothing is in flight.
    idle_since: Option<Instant>,
}

impl Epoch {
    fn new(from: Instant) -> Self {
        Self { from, admitted: 0, answered: false, idle_since: None }
    }

    /// The time per attempt that was not refused; `None` where there is none to be known.
    fn interval(&self, now: Instant) -> Option<Duration> {
        let fine = self.admitted.saturating_sub(1);
        let spent = now.saturating_duration_since(self.from);
        spent.checked_div(fine).filter(|_| self.answered)
    }
}

/// A spacing that the provider put up with.
#[derive(Debug)]
struct Learned {
    pace: Pace,
    /// What it was when it was learned.
    set_out: Duration,
    /// Answers since it was learned.
    calm: u32,
}

impl Learned {
    fn new(interval: Duration, now: Instant) -> Option<Self> {
        let interval = interval.mul_f64(1.05).min(LONGEST_SPACING);
        // Finer than the timer, it could only slow things down.
        (interval >= SHORTEST_SPACING).then_some(Self {
            pace: Pace { interval, ahead: Duration::ZERO, steady: now },
            set_out: interval,
            calm: 0,
        })
    }

    /// A little faster after each answer, and the longer it is calm the bolder: near the provider's
    /// rate it takes some fifty answers to the next refusal, and after a bad hour a few hundred to
    /// full speed.
    fn faster(mut self) -> Option<Self> {
        self.calm += 1;
        let step = (0.001 * f64::from(self.calm / 32).exp2()).min(0.25);
        self.pace.interval = self.pace.interval.mul_f64(1.0 - step);
        (self.pace.interval >= SHORTEST_SPACING).then_some(self)
    }
}

/// A time without new attempts.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// The latest attempt that was admitted before it.
    admitted: u64,
    from: Instant,
    length: Duration,
    /// Pauses before it with no attempt between them that was not refused.
    in_a_row: u32,
}

impl Pause {
    fn until(self) -> Instant {
        self.from + self.length
    }
}

/// Steady spacing with a burst of a few: no 60 seconds hold more attempts than `rpm`.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    /// How far ahead of its steady time an attempt may be.
    ahead: Duration,
    /// The steady time of the next attempt.
    steady: Instant,
}

impl Pace {
    fn per_minute(rpm: u32, now: Instant) -> Self {
        let rpm = rpm.max(1);
        // At high rates the burst also makes up for sleeps that are a millisecond too long.
        let burst = (rpm / 20).clamp(1, 4).max(rpm / 6_000);
        // The burst is part of the minute's number, so what is spread over it is that much less.
        // The nanosecond makes up for the division's rounding down.
        let interval = Duration::from_secs(60) / (rpm - (burst - 1)) + Duration::from_nanos(1);
        Self { interval, ahead: interval * (burst - 1), steady: now }
    }

    fn next(&self) -> Instant {
        self.steady.checked_sub(self.ahead).unwrap_or(self.steady)
    }

    fn take(&mut self, now: Instant) {
        self.steady = self.steady.max(now) + self.interval;
    }
}

/// A cap on attempts in flight that several providers share.
#[derive(Clone, Debug)]
pub struct Global {
    shared: Arc<GlobalShared>,
}

#[derive(Debug)]
struct GlobalShared {
    places: Arc<Semaphore>,
    size: Mutex<GlobalSize>,
}

#[derive(Debug)]
struct GlobalSize {
    cap: usize,
    /// Places in use that the cap no longer has: they end with their permits.
    surplus: usize,
}

impl Global {
    /// At most `concurrency` attempts at a time.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let cap = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(GlobalShared {
                places: Arc::new(Semaphore::new(cap)),
                size: Mutex::new(GlobalSize { cap, surplus: 0 }),
            }),
        }
    }

    /// Changes the cap. Attempts in flight above it are not ended.
    pub fn set_concurrency(&self, concurrency: usize) {
        let cap = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let mut size = self.shared.size();
        if cap > size.cap {
            let more = cap - size.cap;
            let kept = more.min(size.surplus);
            size.surplus -= kept;
            self.shared.places.add_permits(more - kept);
        } else {
            let less = size.cap - cap;
            size.surplus += less - self.shared.places.forget_permits(less);
        }
        size.cap = cap;
    }

    async fn acquire(&self) -> GlobalPermit {
        GlobalPermit {
            shared: Arc::clone(&self.shared),
            // The semaphore is never closed, so there is always a place in the end.
            place: Arc::clone(&self.shared.places).acquire_owned().await.ok(),
        }
    }
}

impl GlobalShared {
    fn size(&self) -> MutexGuard<'_, GlobalSize> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct GlobalPermit {
    shared: Arc<GlobalShared>,
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for GlobalPermit {
    fn drop(&mut self) {
        // Under the lock, so that a change of the cap sees the place either in use or free.
        let mut size = self.shared.size();
        let place = self.place.take();
        if size.surplus > 0 {
            size.surplus -= 1;
            if let Some(place) = place {
                place.forget();
            }
        }
    }
}

/// How long to wait before a failed attempt is made again.
#[derive(Clone, Copy, Debug)]
pub struct Backoff;

impl Backoff {
    /// Delays that double from a quarter of a second, each with up to as much again added by
    /// chance, so that they stay below 20 seconds. The same seed gives the same delays.
    pub fn delays(seed: Seed) -> impl Iterator<Item = Duration> {
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(250))
            .with_factor(2.0)
            // Chance may double it.
            .with_max_delay(Duration::from_secs(10))
            .with_jitter()
            .with_jitter_seed(seed.0)
            .without_max_times()
            .build()
    }

    /// The delay after failed attempt number `attempt` (the first is 1), at least as long as the
    /// provider asks, up to [`MAX_PAUSE`].
    #[must_use]
    pub fn delay(attempt: u32, seed: Seed, retry_after: Option<Duration>) -> Duration {
        // The delays stand still long before this many; a huge number must not count up to it.
        let place = attempt.clamp(1, 1_000) as usize - 1;
        let delay = Self::delays(seed).nth(place).unwrap_or(MAX_PAUSE);
        delay.max(retry_after.unwrap_or_default().min(MAX_PAUSE))
    }
}

#[cfg(test)]
mod tests;
