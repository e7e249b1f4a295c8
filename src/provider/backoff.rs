//! How long to wait before a failed attempt is made again.
//!
//! Not whether it is made again: that depends on what failed, and on the wallet.

use crate::seed::Seed;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// The longest wait that a provider can ask for. After it a few attempts find out anew, so that one
/// wrong header cannot stop a night's run.
pub const MAX_PAUSE: Duration = Duration::from_secs(300);

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
        // The delays stop growing long before this many; a huge number must not count up to it.
        let place = attempt.clamp(1, 1_000) as usize - 1;
        let delay = Self::delays(seed).nth(place).unwrap_or(MAX_PAUSE);
        delay.max(retry_after.unwrap_or_default().min(MAX_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn delays_double_repeat_with_their_seed_and_honour_the_provider() {
        let delays: Vec<_> = Backoff::delays(Seed(7)).take(12).collect();
        for (place, delay) in delays.iter().enumerate() {
            let base = secs(0.25 * 2.0_f64.powi(i32::try_from(place).unwrap())).min(secs(10.0));
            assert!((base..=base * 2).contains(delay), "{place}: {delay:?}");
        }
        assert_eq!(Backoff::delay(3, Seed(7), None), delays[2]);
        assert_eq!(Backoff::delay(0, Seed(7), None), delays[0]);
        assert_ne!(Backoff::delay(1, Seed(8), None), delays[0]);
        assert!(Backoff::delay(u32::MAX, Seed(7), None) <= secs(20.0));
        assert_eq!(Backoff::delay(1, Seed(7), Some(secs(42.0))), secs(42.0));
        assert_eq!(Backoff::delay(1, Seed(7), Some(secs(1e6))), MAX_PAUSE);
        assert_eq!(Backoff::delay(9, Seed(7), Some(Duration::ZERO)), delays[8]);
    }
}
