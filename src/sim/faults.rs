//! What the simulated server does instead of answering, and how long it takes.
//!
//! Which fault a request meets depends on its body and on how often that body was seen, so that a
//! retry may succeed and no order of arrival changes anything.

use super::draw;
use crate::seed::Seed;
use std::time::Duration;

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// 429 with `Retry-After`.
    Throttled,
    /// 500.
    Failed,
    /// 503.
    Unavailable,
    /// The request is accepted and never answered.
    Hung,
    /// Half of the answer, then the connection closes.
    Truncated,
    /// 200 with an empty text and no reason for it.
    Empty,
}

impl Fault {
    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Unavailable => "unavailable",
            Self::Hung => "hung",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
        }
    }
}

/// How often each fault happens, as probabilities that together stay below 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Of 429.
    pub throttled: f64,
    /// Of 500.
    pub failed: f64,
    /// Of 503.
    pub unavailable: f64,
    /// Of no answer at all.
    pub hung: f64,
    /// Of half an answer.
    pub truncated: f64,
    /// Of an empty answer.
    pub empty: f64,
    /// The whole seconds of `Retry-After`.
    pub retry_after: u64,
    /// Another seed meets other faults.
    pub seed: u64,
}

impl Faults {
    /// The fault of the body with this hash, which was seen `seen` times before.
    pub(super) fn draw(&self, body: u64, seen: u32) -> Option<Fault> {
        let chance = draw::unit(self.source(body, seen).child("fault", 0));
        let mut left = chance;
        for (share, fault) in [
            (self.throttled, Fault::Throttled),
            (self.failed, Fault::Failed),
            (self.unavailable, Fault::Unavailable),
            (self.hung, Fault::Hung),
            (self.truncated, Fault::Truncated),
            (self.empty, Fault::Empty),
        ] {
            if left < share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }

    fn source(&self, body: u64, seen: u32) -> Seed {
        Seed(self.seed).child("body", body).child("seen", u64::from(seen))
    }
}

/// How long answers take: log-normal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// Half of the answers take longer; zero answers at once.
    pub median: Duration,
    /// Spread of its logarithm.
    pub sigma: f64,
}

impl Latency {
    /// The time that this body takes when it was seen `seen` times before; an hour at most.
    pub(super) fn draw(&self, faults: &Faults, body: u64, seen: u32) -> Duration {
        if self.median.is_zero() {
            return Duration::ZERO;
        }
        let z = draw::normal(faults.source(body, seen).child("latency", 0));
        let seconds = self.median.as_secs_f64() * (self.sigma * z).exp();
        // A spread that is not a number delays nothing.
        Duration::try_from_secs_f64(seconds.min(3_600.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_as_often_as_asked_and_a_retry_may_pass() {
        let faults = Faults {
            throttled: 0.1,
            failed: 0.05,
            unavailable: 0.06,
            hung: 0.02,
            truncated: 0.03,
            empty: 0.04,
            retry_after: 0,
            seed: 5,
        };
        let n = 20_000;
        let count = |kind| {
            let met = (0..n).filter(|body| faults.draw(*body, 0) == Some(kind));
            met.count() as f64 / n as f64
        };
        for (kind, share) in [
            (Fault::Throttled, 0.1),
            (Fault::Failed, 0.05),
            (Fault::Unavailable, 0.06),
            (Fault::Hung, 0.02),
            (Fault::Truncated, 0.03),
            (Fault::Empty, 0.04),
        ] {
            assert!((count(kind) - share).abs() < 0.01, "{kind:?}");
        }
        let hit = (0..n).find(|body| faults.draw(*body, 0).is_some()).unwrap();
        assert!((1..20).any(|seen| faults.draw(hit, seen).is_none()));
        assert_eq!(Faults::default().draw(1, 0), None);
    }

    #[test]
    fn half_of_the_answers_take_longer_than_the_median() {
        let latency = Latency { median: Duration::from_millis(100), sigma: 0.5 };
        let faults = Faults::default();
        let longer =
            (0..4_000).filter(|body| latency.draw(&faults, *body, 0) > latency.median).count();
        assert!((1_850..2_150).contains(&longer), "{longer}");
        assert_eq!(Latency::default().draw(&faults, 1, 0), Duration::ZERO);
        let odd = Latency { sigma: f64::NAN, ..latency };
        assert!(odd.draw(&faults, 1, 0) <= Duration::from_secs(3_600));
    }
}
