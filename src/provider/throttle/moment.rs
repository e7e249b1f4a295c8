//! Moments that all processes of this machine understand.

use crate::clock::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How far the clocks may be apart.
const MOST_APART: Duration = Duration::from_secs(1);

/// The time since the Unix epoch. Within a process, it goes on as evenly as its monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Moment(Duration);

/// One moment by both clocks.
fn anchor() -> MutexGuard<'static, (Instant, Duration)> {
    static ANCHOR: OnceLock<Mutex<(Instant, Duration)>> = OnceLock::new();
    let anchor = ANCHOR.get_or_init(|| Mutex::new(both_clocks()));
    anchor.lock().unwrap_or_else(PoisonError::into_inner)
}

fn both_clocks() -> (Instant, Duration) {
    let epoch = Clock::System.now().duration_since(Timestamp::UNIX_EPOCH);
    (Instant::now(), Duration::try_from(epoch).unwrap_or_default())
}

/// Follows the clock that all processes share, where it was set, or this machine slept: a monotonic clock
/// does not count that time.
pub(super) fn follow_the_clock() {
    let clocks = both_clocks();
    let here = Moment::of(clocks.0);
    let there = Moment(clocks.1);
    if here.since(there).max(there.since(here)) > MOST_APART {
        *anchor() = clocks;
    }
}

impl Moment {
    pub(super) fn now() -> Self {
        Self::of(Instant::now())
    }

    pub(super) fn of(instant: Instant) -> Self {
        let (there, epoch) = *anchor();
        let after = instant.saturating_duration_since(there);
        Self((epoch + after).saturating_sub(there.saturating_duration_since(instant)))
    }

    pub(super) fn instant(self) -> Instant {
        let (there, epoch) = *anchor();
        let after = there.checked_add(self.0.saturating_sub(epoch)).unwrap_or(there);
        after.checked_sub(epoch.saturating_sub(self.0)).unwrap_or(there)
    }

    /// The time since an earlier moment; zero since a later one.
    pub(super) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }
}
