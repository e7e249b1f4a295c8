//! How far apart attempts are sent: as the user allows, and as the provider was seen to accept.

use std::time::Duration;
use tokio::time::Instant;

/// Learned spacings lie between these two.
const SHORTEST_SPACING: Duration = Duration::from_millis(1);
const LONGEST_SPACING: Duration = Duration::from_secs(60);

/// Steady spacing with a burst of a few: no 60 seconds hold more attempts than `rpm`.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) interval: Duration,
    /// How far ahead of its steady time an attempt may be.
    ahead: Duration,
    /// The steady time of the next attempt.
    steady: Instant,
}

impl Pace {
    /// The pace of a number of attempts per minute.
    pub(super) fn per_minute(rpm: u32, now: Instant) -> Self {
        let rpm = rpm.max(1);
        // At high rates the burst also makes up for sleeps that are a millisecond too long.
        let burst = (rpm / 20).clamp(1, 4).max(rpm / 6_000);
        // The burst is part of the minute's number, so what is spread over it is that much less.
        // The nanosecond makes up for the division's rounding down.
        let interval = Duration::from_secs(60) / (rpm - (burst - 1)) + Duration::from_nanos(1);
        Self { interval, ahead: interval * (burst - 1), steady: now }
    }

    /// A pace without a burst.
    pub(super) fn steady(interval: Duration, now: Instant) -> Self {
        Self { interval, ahead: Duration::ZERO, steady: now }
    }

    /// When the next attempt may be sent.
    pub(super) fn next(&self) -> Instant {
        self.steady.checked_sub(self.ahead).unwrap_or(self.steady)
    }

    /// Counts an attempt that is sent now.
    pub(super) fn take(&mut self, now: Instant) {
        self.steady = self.steady.max(now) + self.interval;
    }
}

/// A spacing that the provider was seen to accept.
#[derive(Debug)]
pub(super) struct Learned {
    pub(super) pace: Pace,
    /// The spacing when it was learned.
    pub(super) initial: Duration,
    /// Answers since it was learned.
    answers: u32,
}

impl Learned {
    /// What was learned from an interval; `None` where it is too short to matter.
    pub(super) fn new(interval: Duration, now: Instant) -> Option<Self> {
        let interval = interval.mul_f64(1.05).min(LONGEST_SPACING);
        // Finer than the timer, it could only slow things down.
        (interval >= SHORTEST_SPACING).then_some(Self {
            pace: Pace::steady(interval, now),
            initial: interval,
            answers: 0,
        })
    }

    /// A little faster after each answer, in larger steps the longer no refusal comes: near the
    /// provider's rate the next refusal comes after some fifty answers, and full speed a few hundred
    /// answers after a bad hour.
    pub(super) fn faster(mut self) -> Option<Self> {
        self.answers += 1;
        let step = (0.001 * f64::from(self.answers / 32).exp2()).min(0.25);
        self.pace.interval = self.pace.interval.mul_f64(1.0 - step);
        (self.pace.interval >= SHORTEST_SPACING).then_some(self)
    }
}
