//! What happened since the provider last refused an attempt, and the pause or the outage that followed.

use super::moment::Moment;
use crate::provider::backoff::MAX_PAUSE;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What was admitted since the last refusal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Epoch {
    /// Its beginning, moved on by the time in which no attempt was made.
    pub(super) from: Moment,
    pub(super) admitted: u32,
    /// Whether anything was answered in it: a provider that refuses everything has no rate.
    pub(super) answered: bool,
    /// Since when nothing is in flight.
    pub(super) idle_since: Option<Moment>,
}

impl Epoch {
    pub(super) fn new(from: Moment) -> Self {
        Self { from, admitted: 0, answered: false, idle_since: None }
    }

    /// The time per attempt that was not refused; `None` where it is unknown.
    pub(super) fn interval(&self, now: Moment) -> Option<Duration> {
        let fine = self.admitted.saturating_sub(1);
        now.since(self.from).checked_div(fine).filter(|_| self.answered)
    }
}

/// A time without new attempts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Pause {
    /// The latest attempt that was admitted before it.
    pub(super) admitted: u64,
    pub(super) from: Moment,
    pub(super) length: Duration,
    /// Pauses before it with no attempt between them that was not refused.
    pub(super) in_a_row: u32,
}

impl Pause {
    /// Whether it can be one, at most as late as this.
    pub(super) fn is_sane(&self, soon: Moment) -> bool {
        self.from <= soon && self.length <= MAX_PAUSE && self.in_a_row <= 1_000_000
    }

    pub(super) fn until(self) -> Moment {
        self.from + self.length
    }
}

/// So many attempts in a row that find nothing there are an outage.
const FAILURES: u32 = 5;

/// The longest time between two attempts in an outage.
const LONGEST_PROBE: Duration = Duration::from_secs(16);

/// A time in which the provider is not there: one attempt at a time finds out whether it is back, and
/// its answer lets all others through (the circuit breaker of Nygard, *Release It!*, chapter 5).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outage {
    failures: u32,
    next: Moment,
    /// The latest attempt that was admitted when the last failure counted.
    admitted: u64,
}

impl Outage {
    /// Whether it can be one, at most as late as this.
    pub(super) fn is_sane(&self, soon: Moment) -> bool {
        self.next <= soon + LONGEST_PROBE
    }

    /// Takes in attempt `number` of `admitted` so far.
    pub(super) fn failed(&mut self, number: u64, admitted: u64, now: Moment) {
        // It was in flight with others that failed: it says nothing new.
        if self.is_open() && number <= self.admitted {
            return;
        }
        self.admitted = admitted;
        self.failures = self.failures.saturating_add(1);
        if self.is_open() {
            let doubled = Duration::from_secs(1) * (1 << (self.failures - FAILURES).min(10));
            self.next = now + doubled.min(LONGEST_PROBE);
        }
    }

    /// Whether one attempt at a time is sent.
    pub(super) fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }

    /// When the next attempt may be sent.
    pub(super) fn next(&self) -> Moment {
        self.next
    }
}
