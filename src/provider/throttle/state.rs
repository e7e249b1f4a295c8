//! What a throttle knows and decides, without waiting: time is handed in.

use super::pace::{Learned, Pace};
use super::since::{Epoch, Pause};
use crate::provider::backoff::MAX_PAUSE;
use std::time::Duration;
use tokio::time::Instant;

/// The share of the limit that is left after a cut.
const CUT: f64 = 0.7;

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

/// What the next attempt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    None,
    Place,
    Until(Instant),
}

/// Everything that decides, without waiting: time is handed in.
#[derive(Debug)]
pub(super) struct State {
    ceiling: usize,
    pub(super) limit: usize,
    pub(super) in_flight: usize,
    /// Attempts admitted so far: the number of the latest.
    admitted: u64,
    /// Answers since the limit last changed.
    answers: usize,
    pub(super) pause: Option<Pause>,
    last_cut: Option<Instant>,
    /// What the user allows.
    pace: Option<Pace>,
    /// What the provider was seen to allow.
    pub(super) learned: Option<Learned>,
    /// Refusals in a row at a spacing that was no shorter than the one before it.
    slowed_without_effect: u32,
    /// Answers until a refusal says something about the pace again.
    answers_until_learning: u32,
    since_refusal: Epoch,
}

impl State {
    pub(super) fn new(concurrency: usize, rpm: Option<u32>, now: Instant) -> Self {
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
            slowed_without_effect: 0,
            answers_until_learning: 0,
            since_refusal: Epoch::new(now),
        }
    }

    pub(super) fn wait(&self, now: Instant) -> Wait {
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

    pub(super) fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.wait(now) != Wait::None {
            return None;
        }
        if let Some(idle_since) = self.since_refusal.idle_since.take() {
            // No attempt was made meanwhile, so this time says nothing about the provider.
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

    pub(super) fn released(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.in_flight == 0 {
            self.since_refusal.idle_since = Some(now);
        }
    }

    pub(super) fn throttled(&mut self, now: Instant, number: u64, retry_after: Option<Duration>) {
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

    /// Whether the limit rose.
    pub(super) fn succeeded(&mut self, number: u64) -> bool {
        self.since_refusal.answered = true;
        self.answers_until_learning = self.answers_until_learning.saturating_sub(1);
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

    pub(super) fn set_ceiling(&mut self, concurrency: usize) {
        let before = self.ceiling;
        self.ceiling = concurrency.max(1);
        // A limit that no provider has lowered follows the ceiling; another climbs by itself.
        if self.limit == before || self.limit > self.ceiling {
            self.limit = self.ceiling;
        }
    }
}
