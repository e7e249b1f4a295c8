//! How fast attempts are sent: as the user allows, as the provider says, and as it was seen to accept.

use super::moment::Moment;
use crate::provider::limit::{LONGEST_RESET, RateLeft};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Learned spacings lie between these two.
const SHORTEST_SPACING: Duration = Duration::from_millis(1);
const LONGEST_SPACING: Duration = Duration::from_secs(60);

/// The most units (requests or tokens) in any minute. One moment holds all that was taken: the steady time
/// of the next unit. Several processes can share it (the generic cell rate algorithm: ITU-T I.371,
/// annex A, as a virtual schedule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(u64);

impl Rate {
    /// At most this many units in a minute; at least one.
    pub(super) fn per_minute(units: u64) -> Self {
        Self(units.max(1))
    }

    /// The time between attempts of this many units, for long.
    pub(super) fn spacing(self, units: f64) -> Duration {
        Duration::try_from_secs_f64(units * 60.0 / self.0 as f64).unwrap_or(LONGEST_RESET)
    }

    /// How many units may go at once: a few requests, or the tokens of one attempt.
    fn burst(self, units: u64) -> u64 {
        // At high rates the burst also makes up for sleeps that are a millisecond too long.
        (self.0 / 20).clamp(1, 4).max(units + self.0 / 6_000)
    }

    /// The time between two units. The burst is part of the minute's number, so what is spread over the
    /// minute is that much less.
    fn interval(self, units: u64) -> Duration {
        // An attempt of more than half of a minute's tokens cannot leave room for itself.
        let spread = (self.0 + 1).saturating_sub(self.burst(units)).max(self.0.div_ceil(2));
        // The nanosecond makes up for the division's rounding down.
        Duration::from_nanos(60_000_000_000 / spread + 1)
    }

    /// When an attempt of this many units may be sent, given the steady time.
    pub(super) fn next(self, steady: Moment, units: u64) -> Moment {
        steady - times(self.interval(units), self.burst(units) - units)
    }

    /// The steady time after an attempt of this many units that is sent now.
    pub(super) fn take(self, steady: Moment, units: u64, now: Moment) -> Moment {
        steady.max(now) + times(self.interval(units), units)
    }

    /// The steady time where an attempt of this many units used another number.
    pub(super) fn correct(self, steady: Moment, units: u64, used: u64) -> Moment {
        let interval = self.interval(units);
        let more = steady + times(interval, used.saturating_sub(units));
        more - times(interval, units.saturating_sub(used))
    }
}

fn times(interval: Duration, count: u64) -> Duration {
    let nanos = interval.as_nanos().saturating_mul(u128::from(count));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// What a provider says is left of a rate, as a bucket that fills evenly.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Bucket {
    size: f64,
    level: f64,
    at: Moment,
    per_second: f64,
}

impl Bucket {
    /// Whether it can be one, at most as late as this.
    pub(super) fn is_sane(&self, soon: Moment) -> bool {
        let is_positive = |value: f64| value.is_finite() && value > 0.0;
        let is_filled = self.level.is_finite() && self.level >= -self.size * 1e3;
        self.at <= soon && is_positive(self.size) && is_positive(self.per_second) && is_filled
    }

    /// What the provider says now, given what was known before. Attempts that are in flight may not be
    /// counted in it yet, so it never adds to what is known.
    pub(super) fn of(left: RateLeft, before: Option<&Self>, now: Moment) -> Option<Self> {
        if !left.is_plausible() {
            return None;
        }
        let (size, said) = (left.limit as f64, left.left.min(left.limit) as f64);
        let reset = left.reset.as_secs_f64();
        let per_second = match before {
            // A full bucket tells no rate.
            _ if said < size && reset > 0.0 => (size - said) / reset,
            Some(before) => before.per_second,
            None => return None,
        };
        let known = before.map_or(size, |before| before.level_at(now));
        Some(Self { size, level: said.min(known), at: now, per_second })
    }

    /// The time between attempts of this many units, for long.
    pub(super) fn spacing(&self, units: f64) -> Duration {
        Duration::try_from_secs_f64(units / self.per_second).unwrap_or(LONGEST_RESET)
    }

    fn level_at(&self, now: Moment) -> f64 {
        (self.level + self.per_second * now.since(self.at).as_secs_f64()).min(self.size)
    }

    /// When there are this many units.
    pub(super) fn next(&self, units: u64, now: Moment) -> Moment {
        let lacking = (units as f64).min(self.size) - self.level_at(now);
        match lacking > 0.0 {
            true => {
                now + Duration::try_from_secs_f64(lacking / self.per_second).unwrap_or_default()
            }
            false => now,
        }
    }

    /// Counts units that are used now.
    pub(super) fn take(&mut self, units: u64, now: Moment) {
        self.level = self.level_at(now) - units as f64;
        self.at = now;
    }

    /// Counts what was used where another number was taken.
    pub(super) fn correct(&mut self, units: u64, used: u64) {
        self.level += units as f64 - used as f64;
    }
}

/// What attempts use of what is set aside for them: all of it, until the first is answered.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct UsedShare {
    set_aside: f64,
    used: f64,
    attempts: f64,
}

impl UsedShare {
    /// Whether it can be one.
    pub(super) fn is_sane(&self) -> bool {
        [self.set_aside, self.used, self.attempts].iter().all(|sum| (0.0..1e18).contains(sum))
            && self.used <= self.set_aside * 1e3
    }

    /// Takes in an answered attempt. Attempts count less the longer ago they were answered.
    pub(super) fn learn(&mut self, set_aside: u64, used: u64) {
        self.set_aside = self.set_aside * 0.98 + set_aside as f64;
        self.used = self.used * 0.98 + used as f64;
        self.attempts = self.attempts * 0.98 + 1.0;
    }

    /// What an attempt uses on average; `None` before the first was answered.
    pub(super) fn mean_used(&self) -> Option<f64> {
        (self.attempts > 0.0).then(|| self.used / self.attempts)
    }

    /// What an attempt is expected to use.
    pub(super) fn expected(&self, set_aside: u64) -> u64 {
        match self.set_aside > 0.0 {
            true => (set_aside as f64 * self.used / self.set_aside).ceil() as u64,
            false => set_aside,
        }
    }
}

/// A spacing that the provider was seen to accept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Learned {
    pub(super) interval: Duration,
    /// When the next attempt may be sent.
    pub(super) next: Moment,
    /// The spacing when it was learned.
    pub(super) initial: Duration,
    /// Answers since it was learned.
    answers: u32,
}

impl Learned {
    /// Whether it can be one, at most as late as this.
    pub(super) fn is_sane(&self, soon: Moment) -> bool {
        self.interval <= LONGEST_SPACING && self.next <= soon + LONGEST_SPACING * 2
    }

    /// What was learned from an interval; `None` where it is too short to matter.
    pub(super) fn new(interval: Duration, now: Moment) -> Option<Self> {
        let interval = interval.mul_f64(1.05).min(LONGEST_SPACING);
        // Finer than the timer, it could only slow things down.
        (interval >= SHORTEST_SPACING).then_some(Self {
            interval,
            next: now,
            initial: interval,
            answers: 0,
        })
    }

    /// Counts an attempt that is sent now.
    pub(super) fn take(&mut self, now: Moment) {
        self.next = self.next.max(now) + self.interval;
    }

    /// A little faster after each answer, in larger steps the longer no refusal comes: near the
    /// provider's rate the next refusal comes after some fifty answers, and full speed a few hundred
    /// answers after a bad hour.
    pub(super) fn faster(mut self) -> Option<Self> {
        self.answers += 1;
        let step = (0.001 * f64::from(self.answers / 32).exp2()).min(0.25);
        self.interval = self.interval.mul_f64(1.0 - step);
        (self.interval >= SHORTEST_SPACING).then_some(self)
    }
}
