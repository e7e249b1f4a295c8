//! The clock: the system's time, or a time set by a test.
//!
//! No decision depends on the clock, except for the caps on time, and the moment at which one is
//! reached is journaled.

use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Milliseconds since 1970, set by a test.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A fixed clock at `millis` since 1970.
    #[must_use]
    pub fn fixed(millis: i64) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(millis)))
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(millis) => Timestamp::from_millisecond(millis.load(Ordering::Relaxed))
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// Advances a fixed clock; does nothing to the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(millis) = self {
            millis.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
        }
    }
}

/// Milliseconds from `start` to `end`; 0 if the clock was set back.
#[must_use]
pub fn millis_between(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.as_millisecond() - start.as_millisecond()).unwrap_or(0)
}
