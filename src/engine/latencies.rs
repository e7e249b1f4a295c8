//! How long the requests of one role took that were answered in this session, and when one that is out is late.
//!
//! Every answered request counts, also one whose call was answered by another one before: else a hedge would hide
//! the slow answers that it is there for, and the percentile would sink. A search knows of it only by what hedges
//! cost.

use crate::task::model::Hedge;
use std::time::Duration;

/// Buckets for a doubling of the time: one is 9 % wide.
const PER_DOUBLING: f64 = 8.0;
/// From one millisecond to more than four hours.
const BUCKETS: usize = 192;
/// The percentile is known after this number of answers.
const KNOWN_AFTER: u64 = 20;
/// The share of answered requests that took longer than the percentile.
const LATE: f64 = 0.05;
/// By the percentile, at most one hedge for this number of answers: where all answers become slow at once, all
/// requests are late, and twice the requests would not make the provider faster.
const ANSWERS_PER_HEDGE: u64 = 10;
/// A percentile below this is not used: nothing is gained by a hedge then.
const LEAST: Duration = Duration::from_millis(10);

/// A histogram of times on a logarithmic scale.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    buckets: Box<[u64; BUCKETS]>,
    answered: u64,
    hedged: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), answered: 0, hedged: 0 }
    }
}

impl Latencies {
    /// A request was answered after this time.
    pub(super) fn add(&mut self, took: Duration) {
        let doublings = (took.as_secs_f64() * 1_000.0).max(1.0).log2();
        let place = ((doublings * PER_DOUBLING) as usize).min(BUCKETS - 1);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.answered += 1;
    }

    /// A request was sent once more.
    pub(super) fn hedged(&mut self) {
        self.hedged += 1;
    }

    /// How long after it was sent a request is late; `None`: that is not known yet, or there were as many hedges
    /// as the answers so far allow.
    pub(super) fn late_after(&self, hedge: Hedge) -> Option<Duration> {
        match hedge {
            Hedge::After(after) => Some(after),
            Hedge::P95 if self.answered < KNOWN_AFTER => None,
            Hedge::P95 if (self.hedged + 1) * ANSWERS_PER_HEDGE > self.answered => None,
            Hedge::P95 => Some(self.percentile().max(LEAST)),
        }
    }

    /// The upper end of the bucket with the 95th percentile.
    fn percentile(&self) -> Duration {
        let most = (self.answered as f64 * LATE) as u64;
        let mut longer = 0;
        let place = self.buckets.iter().rposition(|count| {
            longer += count;
            longer > most
        });
        let doublings = (place.unwrap_or(0) + 1) as f64 / PER_DOUBLING;
        Duration::from_secs_f64(doublings.exp2() / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(millis: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        millis.iter().for_each(|millis| latencies.add(Duration::from_millis(*millis)));
        latencies
    }

    #[test]
    fn nothing_is_late_before_twenty_answers_unless_the_task_says_when() {
        let after = Duration::from_secs(8);
        assert_eq!(of(&[]).late_after(Hedge::After(after)), Some(after));
        assert_eq!(of(&[100; 19]).late_after(Hedge::P95), None);
        let late = of(&[100; 20]).late_after(Hedge::P95).unwrap();
        assert!((100..=110).contains(&late.as_millis()), "{late:?}");
        assert_eq!(of(&[0; 20]).late_after(Hedge::P95), Some(LEAST));
    }

    #[test]
    fn at_most_one_request_in_ten_is_sent_once_more_by_the_percentile() {
        let mut latencies = of(&[100; 30]);
        let hedge = |latencies: &mut Latencies| {
            let is_allowed = latencies.late_after(Hedge::P95).is_some();
            if is_allowed {
                latencies.hedged();
            }
            is_allowed
        };
        let hedged = (0..100).filter(|_| hedge(&mut latencies)).count();
        assert_eq!(hedged, 3);
        assert!(latencies.late_after(Hedge::After(LEAST)).is_some());
    }

    proptest! {
        /// It is within a bucket of the true percentile.
        #[test]
        fn the_percentile_is_known_within_a_tenth(
            mut millis in prop::collection::vec(1u64..10_000_000, 20..300),
        ) {
            let known = of(&millis).percentile().as_secs_f64() * 1_000.0;
            millis.sort_unstable();
            let late = (millis.len() as f64 * LATE) as usize;
            let exact = millis[millis.len() - 1 - late] as f64;
            prop_assert!(known >= exact * 0.999 && known <= exact * 1.1, "{known} for {exact}");
        }
    }
}
