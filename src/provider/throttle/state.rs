//! What a throttle knows and decides, without waiting: time is handed in.
//!
//! Runs on one machine that use one key share it (`file`): each is a holder of places, and what the
//! provider says to one of them is known to all. What a run's own task allows is not shared
//! ([`Allowed`]).

use super::moment::Moment;
use super::pace::{Bucket, Learned, Rate, UsedShare};
use super::since::{Epoch, Outage, Pause};
use crate::provider::backoff::MAX_PAUSE;
use crate::provider::limit::{BlockedBy, RatesLeft};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The share of the limit that is left after a cut.
const CUT: f64 = 0.7;

/// After as many answers as the limit, it rises by a fraction of this denominator, and by one at least:
/// one refusal in an idle hour must not keep a provider with slow answers at a few attempts for minutes.
const GROWTH: usize = 4;

/// At most one cut in this time, however short the pauses are.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);

/// The pause where the provider does not say how long; doubled while nothing gets through.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);

/// After this many refusals in a row that a longer spacing did not prevent, the pace is not the reason.
const MAX_WITHOUT_EFFECT: u32 = 3;

/// For this many answers no spacing is learned then.
const NO_LEARNING: u32 = 1_000;

/// The shortest pause: `Retry-After: 0` must not become a busy loop.
pub(super) const MIN_PAUSE: Duration = Duration::from_millis(100);

/// A run that was not heard of for this long holds no places any more: it was killed.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// How much later a run asks whose turn it is not, so that the other one goes first.
const TURN: Duration = Duration::from_millis(20);

/// More attempts, places and runs than there can be.
const MOST: usize = 1_000_000_000;

/// The longest that what a task allows per minute makes an attempt wait: what was taken under another rate
/// says no more than that.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A steady time later than this was never taken.
const LATEST_STEADY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the clock of another process may be ahead.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// What was seen of a provider that was not used for this long says nothing about it now.
const STALE: Duration = Duration::from_secs(10 * 60);

/// What the next attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    None,
    Place,
    Until(Moment),
}

/// An attempt that has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) number: u64,
    /// The tokens that it may use, and those that it is expected to.
    pub(super) set_aside: u64,
    pub(super) expected: u64,
}

/// What the task of one run allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// The run among the holders.
    pub(super) holder: u64,
    /// Its attempts in flight. It counts them itself: what others read of them may be old.
    pub(super) in_flight: usize,
    pub(super) concurrency: usize,
    pub(super) requests: Option<Rate>,
    pub(super) tokens: Option<Rate>,
}

/// A run that uses the provider.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Holder {
    in_flight: usize,
    concurrency: usize,
    is_waiting: bool,
    /// Its latest attempt.
    latest: u64,
    /// When it was last heard of.
    seen: Moment,
}

/// Everything that decides, without waiting: time is handed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// When it was last changed.
    changed: Moment,
    holders: BTreeMap<u64, Holder>,
    /// How many attempts the provider was seen to take at a time; `None` where it has refused none.
    limit: Option<usize>,
    /// Attempts admitted so far: the number of the latest.
    admitted: u64,
    /// Answers since the limit last changed.
    answers: usize,
    pub(super) pause: Option<Pause>,
    last_cut: Option<Moment>,
    outage: Outage,
    /// The steady times of what users allow per minute.
    requests: Moment,
    tokens: Moment,
    used_share: UsedShare,
    /// What the provider says is left.
    requests_left: Option<Bucket>,
    tokens_left: Option<Bucket>,
    /// What the provider was seen to allow.
    pub(super) learned: Option<Learned>,
    /// Refusals in a row at a spacing that was no shorter than the one before it.
    slowed_without_effect: u32,
    /// Answers until a refusal says something about the pace again.
    answers_until_learning: u32,
    since_refusal: Epoch,
}

impl State {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            changed: now,
            holders: BTreeMap::new(),
            limit: None,
            admitted: 0,
            answers: 0,
            pause: None,
            last_cut: None,
            outage: Outage::default(),
            requests: now,
            tokens: now,
            used_share: UsedShare::default(),
            requests_left: None,
            tokens_left: None,
            learned: None,
            slowed_without_effect: 0,
            answers_until_learning: 0,
            since_refusal: Epoch::new(now),
        }
    }

    /// Whether it can be believed: a clock that was set back, or a file that someone else wrote, would make
    /// all wait for ever.
    pub(super) fn is_sane(&self, now: Moment) -> bool {
        let soon = now + CLOCK_SKEW;
        let paused = self.pause.is_none_or(|pause| pause.is_sane(soon));
        let learned = self.learned.is_none_or(|learned| learned.is_sane(soon));
        let buckets = [&self.requests_left, &self.tokens_left];
        let holders = self.holders.values().all(|holder| {
            holder.seen <= soon && holder.in_flight <= MOST && holder.concurrency <= MOST
        });
        let counts = self.limit.is_none_or(|limit| (1..=MOST).contains(&limit))
            && self.answers <= MOST
            && self.holders.len() <= MOST
            && self.admitted <= u64::MAX / 2;
        let past = [Some(self.changed), self.last_cut, Some(self.since_refusal.from)];
        let steady = [self.requests, self.tokens];
        past.into_iter().flatten().all(|moment| moment <= soon)
            && steady.into_iter().all(|moment| moment <= now + LATEST_STEADY)
            && buckets.into_iter().flatten().all(|bucket| bucket.is_sane(soon))
            && self.outage.is_sane(soon)
            && self.used_share.is_sane()
            && paused
            && learned
            && holders
            && counts
    }

    /// How many attempts may be in flight over all runs.
    pub(super) fn limit(&self) -> usize {
        let ceilings = self.ceilings();
        self.limit.unwrap_or(ceilings).min(ceilings)
    }

    /// What all runs together allow.
    fn ceilings(&self) -> usize {
        let each = self.holders.values().map(|holder| holder.concurrency);
        each.fold(0, usize::saturating_add)
    }

    fn in_flight(&self) -> usize {
        self.holders.values().map(|holder| holder.in_flight).sum()
    }

    /// Renews a run's lease, and ends those of runs that were not heard of.
    pub(super) fn renew(&mut self, allowed: &Allowed, now: Moment) {
        if now.since(self.changed) > STALE {
            self.forget(now);
        }
        self.changed = now;
        let is_gone = |holder: &Holder| now.since(holder.seen) >= LEASE;
        let gone = self.holders.values().filter(|holder| is_gone(holder));
        let last_seen = gone.map(|holder| holder.seen).max();
        self.holders.retain(|_, holder| !is_gone(holder));
        let own = self.holders.entry(allowed.holder).or_default();
        own.concurrency = allowed.concurrency.max(1);
        own.in_flight = allowed.in_flight;
        own.seen = now;
        if let Some(last_seen) = last_seen
            && self.in_flight() == 0
        {
            // A run that was killed did not say that it ended.
            self.since_refusal.idle_since.get_or_insert(last_seen);
        }
    }

    /// Begins anew, but for what was sent and for how long the provider asked to wait.
    fn forget(&mut self, now: Moment) {
        let Self { admitted, pause, requests, tokens, used_share, .. } = *self;
        let holders = std::mem::take(&mut self.holders);
        *self = Self { holders, admitted, pause, requests, tokens, used_share, ..Self::new(now) };
    }

    /// Takes in that a run waits no more.
    pub(super) fn gave_up(&mut self, allowed: &Allowed, now: Moment) {
        self.renew(allowed, now);
        self.own(allowed).is_waiting = false;
    }

    /// Ends a run's lease.
    pub(super) fn leave(&mut self, holder: u64) {
        self.holders.remove(&holder);
    }

    /// What an attempt waits for that may use this many tokens.
    pub(super) fn wait(&mut self, allowed: &Allowed, set_aside: u64, now: Moment) -> Wait {
        self.renew(allowed, now);
        let tokens = self.used_share.expected(set_aside);
        let wait = match self.has_place(allowed) {
            false => Wait::Place,
            true => match self.earliest(allowed, tokens, now) {
                moment if moment > now => Wait::Until(moment),
                _ => Wait::None,
            },
        };
        self.own(allowed).is_waiting = wait != Wait::None;
        wait
    }

    /// What an attempt waits for that may use this many tokens, for people: what the provider said comes
    /// first, because places are few after it.
    pub(super) fn blocked_by(
        &mut self,
        allowed: &Allowed,
        set_aside: u64,
        now: Moment,
    ) -> Option<BlockedBy> {
        self.renew(allowed, now);
        let asked = self.pause.map(|pause| pause.until().since(now));
        if let Some(left) = asked.filter(|left| !left.is_zero()) {
            return Some(BlockedBy::Asked(left));
        }
        if self.outage.is_open() {
            return Some(BlockedBy::Away(self.outage.next().since(now)));
        }
        let others = self.holders.iter().filter(|(id, _)| **id != allowed.holder);
        let others = others.filter(|(_, it)| it.in_flight > 0 || it.is_waiting).count();
        if !self.has_place(allowed) {
            return Some(if others == 0 { BlockedBy::Full } else { BlockedBy::OtherRuns(others) });
        }
        let tokens = self.used_share.expected(set_aside);
        let left = self.used_up(tokens, now).map_or(Duration::ZERO, |moment| moment.since(now));
        let paced = self.paced(allowed, tokens, now);
        let paced = paced.map_or(Duration::ZERO, |moment| moment.since(now));
        match left.max(paced) {
            Duration::ZERO => None,
            _ if self.is_turn_of_another(allowed) => Some(BlockedBy::OtherRuns(others)),
            _ if paced > left => Some(BlockedBy::Paced(paced)),
            _ => Some(BlockedBy::UsedUp(left)),
        }
    }

    fn own(&mut self, allowed: &Allowed) -> &mut Holder {
        self.holders.entry(allowed.holder).or_default()
    }

    fn has_place(&self, allowed: &Allowed) -> bool {
        let own = self.holders.get(&allowed.holder).copied().unwrap_or_default();
        let limit = if self.outage.is_open() { 1 } else { self.limit() };
        if own.in_flight >= own.concurrency || self.in_flight() >= limit {
            return false;
        }
        // A run with its share of the places leaves the next one to a run that waits with less.
        let share = limit.div_ceil(self.holders.len().max(1));
        let is_behind = |holder: &Holder| holder.is_waiting && holder.in_flight < share;
        let mut others = self.holders.iter().filter(|(id, _)| **id != allowed.holder);
        own.in_flight < share || !others.any(|(_, holder)| is_behind(holder))
    }

    /// Before this, no place helps.
    fn earliest(&self, allowed: &Allowed, tokens: u64, now: Moment) -> Moment {
        let outage = self.outage.is_open().then(|| self.outage.next());
        let paused = self.pause.map(Pause::until).max(outage);
        let paced = self.paced(allowed, tokens, now).max(self.used_up(tokens, now));
        let yielded = if self.is_turn_of_another(allowed) { TURN } else { Duration::ZERO };
        paused.max(paced.map(|moment| moment + yielded)).unwrap_or(now)
    }

    /// When the rates of the task and the pace that was learned allow this many tokens.
    fn paced(&self, allowed: &Allowed, tokens: u64, now: Moment) -> Option<Moment> {
        let latest = now + LONGEST_WAIT;
        let requests = allowed.requests.map(|rate| rate.next(self.requests.min(latest), 1));
        let used = allowed.tokens.map(|rate| rate.next(self.tokens.min(latest), tokens));
        requests.max(used).max(self.learned.map(|learned| learned.next))
    }

    /// When the provider has this many tokens left, by what it says.
    fn used_up(&self, tokens: u64, now: Moment) -> Option<Moment> {
        let of = |bucket: &Option<Bucket>, units| {
            bucket.as_ref().map(|bucket| bucket.next(units, now).min(now + MAX_PAUSE))
        };
        of(&self.requests_left, 1).max(of(&self.tokens_left, tokens))
    }

    /// The time between two attempts of a run, for as long as it is spaced: its share of what all may send.
    pub(super) fn spacing(&self, allowed: &Allowed) -> Duration {
        let tokens = self.used_share.mean_used().unwrap_or(0.0);
        let spaced = [
            allowed.requests.map(|rate| rate.spacing(1.0)),
            allowed.tokens.map(|rate| rate.spacing(tokens)),
            self.learned.map(|learned| learned.interval),
            self.requests_left.map(|bucket| bucket.spacing(1.0)),
            self.tokens_left.map(|bucket| bucket.spacing(tokens)),
        ];
        let runs = u32::try_from(self.holders.len().max(1)).unwrap_or(1);
        let longest = spaced.into_iter().flatten().max().unwrap_or_default();
        longest.saturating_mul(runs)
    }

    /// Whether another run waits that has sent nothing for longer.
    fn is_turn_of_another(&self, allowed: &Allowed) -> bool {
        let latest = self.holders.get(&allowed.holder).map_or(0, |own| own.latest);
        let mut others = self.holders.iter().filter(|(id, _)| **id != allowed.holder);
        others.any(|(_, other)| other.is_waiting && other.latest < latest)
    }

    /// Takes a place for an attempt, unless it has to wait.
    pub(super) fn admit(
        &mut self,
        allowed: &Allowed,
        set_aside: u64,
        now: Moment,
    ) -> Option<Admitted> {
        if self.wait(allowed, set_aside, now) != Wait::None {
            return None;
        }
        let tokens = self.used_share.expected(set_aside);
        if let Some(idle_since) = self.since_refusal.idle_since.take() {
            // No attempt was made meanwhile, so this time says nothing about the provider.
            let wanted = self.earliest(allowed, tokens, idle_since).max(idle_since);
            self.since_refusal.from = self.since_refusal.from + now.since(wanted);
        }
        if let Some(rate) = allowed.requests {
            self.requests = rate.take(self.requests.min(now + LONGEST_WAIT), 1, now);
        }
        if let Some(rate) = allowed.tokens {
            self.tokens = rate.take(self.tokens.min(now + LONGEST_WAIT), tokens, now);
        }
        for (bucket, units) in [(&mut self.requests_left, 1), (&mut self.tokens_left, tokens)] {
            if let Some(bucket) = bucket {
                bucket.take(units, now);
            }
        }
        if let Some(learned) = &mut self.learned {
            learned.take(now);
        }
        self.since_refusal.admitted += 1;
        self.admitted += 1;
        let latest = self.admitted;
        let own = self.own(allowed);
        own.in_flight = allowed.in_flight + 1;
        own.latest = latest;
        Some(Admitted { number: self.admitted, set_aside, expected: tokens })
    }

    /// An attempt ended, which is not among those in flight any more.
    pub(super) fn released(&mut self, allowed: &Allowed, now: Moment) {
        self.renew(allowed, now);
        if self.in_flight() == 0 {
            self.since_refusal.idle_since = Some(now);
        }
    }

    pub(super) fn throttled(&mut self, now: Moment, number: u64, retry_after: Option<Duration>) {
        // It was in flight when the pause began, so it says nothing new. Its wait may be the longer
        // one, but it counts from that beginning: late refusals must not extend the pause for
        // ever.
        if let Some(pause) = &mut self.pause
            && number <= pause.admitted
        {
            if let Some(asked) = retry_after {
                pause.length = pause.length.max(asked.min(MAX_PAUSE));
            }
            return;
        }
        self.outage = Outage::default();
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
        let recent = |cut: Moment| now.since(cut) < BETWEEN_CUTS;
        if !self.last_cut.is_some_and(recent) {
            self.last_cut = Some(now);
            self.answers = 0;
            // What was in flight was too much; a limit far above it was not tried.
            let tried = self.limit().min(self.in_flight());
            self.limit = Some(((tried as f64 * CUT) as usize).max(1));
        }
    }

    /// Takes over a spacing, unless going slower has not helped for a while: a provider that
    /// refuses one attempt in twenty at any pace would be asked ever more slowly.
    fn learn(&mut self, interval: Duration, now: Moment) {
        if self.answers_until_learning > 0 {
            return;
        }
        match &self.learned {
            Some(learned) if interval >= learned.initial => self.slowed_without_effect += 1,
            Some(_) => self.slowed_without_effect = 0,
            None => {}
        }
        self.learned = Learned::new(interval, now);
        if self.slowed_without_effect >= MAX_WITHOUT_EFFECT {
            self.learned = None;
            self.slowed_without_effect = 0;
            self.answers_until_learning = NO_LEARNING;
        }
    }

    /// Takes in that the provider was not there.
    pub(super) fn was_away(&mut self, number: u64, now: Moment) {
        self.outage.failed(number, self.admitted, now);
    }

    /// Takes in what an answered attempt used, and what the provider says is left.
    pub(super) fn counted(
        &mut self,
        allowed: &Allowed,
        admitted: Admitted,
        used: Option<u64>,
        left: RatesLeft,
        now: Moment,
    ) {
        if let Some(used) = used {
            let Admitted { set_aside, expected, .. } = admitted;
            self.used_share.learn(set_aside, used);
            if let Some(rate) = allowed.tokens {
                self.tokens = rate.correct(self.tokens, expected, used);
            }
            if let Some(bucket) = &mut self.tokens_left {
                bucket.correct(expected, used);
            }
        }
        if let Some(left) = left.requests {
            self.requests_left = Bucket::of(left, self.requests_left.as_ref(), now);
        }
        if let Some(left) = left.tokens {
            self.tokens_left = Bucket::of(left, self.tokens_left.as_ref(), now);
        }
    }

    /// Takes in an answer. Whether more attempts may be sent now.
    pub(super) fn succeeded(&mut self, number: u64) -> bool {
        let was_away = self.outage.is_open();
        self.outage = Outage::default();
        self.since_refusal.answered = true;
        self.answers_until_learning = self.answers_until_learning.saturating_sub(1);
        // An answer to an attempt from before the pause does not speak for the time after it.
        if self.pause.is_none_or(|pause| number <= pause.admitted) {
            return was_away;
        }
        self.learned = self.learned.take().and_then(Learned::faster);
        let Some(limit) = self.limit else { return was_away };
        self.answers += 1;
        if self.answers < limit {
            return was_away;
        }
        self.answers = 0;
        let more = (limit / GROWTH).max(1);
        self.limit = Some(limit + more).filter(|limit| *limit < self.ceilings());
        true
    }
}
