//! What happened since the provider last refused an attempt, and the pause that followed.

use std::time::Duration;
use tokio::time::Instant;

/// What was admitted since the last refusal.
#[derive(Debug)]
pub(super) struct Epoch {
    /// Its beginning, moved on by the time in which no attempt was made.
    pub(super) from: Instant,
    pub(super) admitted: u32,
    /// Whether anything was answered in it: a provider that refuses everything has no rate.
    pub(super) answered: bool,
    /// Since when nothing is in flight.
    pub(super) idle_since: Option<Instant>,
}

impl Epoch {
    pub(super) fn new(from: Instant) -> Self {
        Self { from, admitted: 0, answered: false, idle_since: None }
    }

    /// The time per attempt that was not refused; `None` where it is unknown.
    pub(super) fn interval(&self, now: Instant) -> Option<Duration> {
        let fine = self.admitted.saturating_sub(1);
        let spent = now.saturating_duration_since(self.from);
        spent.checked_div(fine).filter(|_| self.answered)
    }
}

/// A time without new attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// The latest attempt that was admitted before it.
    pub(super) admitted: u64,
    pub(super) from: Instant,
    pub(super) length: Duration,
    /// Pauses before it with no attempt between them that was not refused.
    pub(super) in_a_row: u32,
}

impl Pause {
    pub(super) fn until(self) -> Instant {
        self.from + self.length
    }
}
