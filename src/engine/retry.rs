//! What to do after a failed attempt.
//!
//! Pure: no clock, no network, no wallet. What a try costs and when it is sent is for `call`.

use crate::event::Failure;
use crate::provider::backoff::Backoff;
use crate::seed::Seed;
use std::time::Duration;

/// Tries of a call that meets errors of transport; 429s do not count.
const TRANSPORT_TRIES: u32 = 6;
/// Tries of a call whose answers cannot be read, or are empty.
const UNREADABLE_TRIES: u32 = 3;
/// Calls in a row without an answer after which the run stops instead of losing row after row: a
/// provider that is down all night must not end a search with nothing but missing rows.
pub(super) const MOST_UNANSWERED: u32 = 50;
/// Requests in a row that were refused, before any was answered, after which the run stops: a wrong
/// model name or address.
const MOST_REFUSED: u32 = 8;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after this delay.
    Retry(Duration),
    /// Take the answer for an empty one: the model says nothing, again and again.
    Empty,
    /// End the call: the tries are used up.
    GiveUp,
    /// End the call: this request will never be answered.
    Reject,
    /// Stop the run: no request will be answered.
    StopRun,
}

/// The failed tries of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tries {
    transport: u32,
    unreadable: u32,
    throttled: u32,
}

impl Tries {
    /// Takes in a failure and says what to do next. `draw` decides the random part of the delay, and
    /// `retry_after` is how long the provider asks to wait.
    pub(super) fn next(
        &mut self,
        failure: Failure,
        retry_after: Option<Duration>,
        draw: Seed,
    ) -> Next {
        match failure {
            Failure::Auth | Failure::Quota => return Next::StopRun,
            Failure::BadRequest => return Next::Reject,
            Failure::Throttled => self.throttled += 1,
            Failure::Unreadable | Failure::Empty => self.unreadable += 1,
            Failure::Transient | Failure::Timeout | Failure::Unsent => self.transport += 1,
        }
        if self.unreadable >= UNREADABLE_TRIES && failure == Failure::Empty {
            return Next::Empty;
        }
        if self.transport >= TRANSPORT_TRIES || self.unreadable >= UNREADABLE_TRIES {
            return Next::GiveUp;
        }
        let failed = self.transport + self.unreadable + self.throttled;
        Next::Retry(Backoff::delay(failed, draw, retry_after))
    }
}

/// How the calls of a run have ended lately: whether its providers answer at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streak {
    any_answer: bool,
    unanswered: u32,
    refused: u32,
}

impl Streak {
    /// A call was answered.
    pub(super) fn answered(&mut self) {
        *self = Self { any_answer: true, unanswered: 0, refused: 0 };
    }

    /// A call ended without an answer.
    pub(super) fn unanswered(&mut self) {
        self.unanswered += 1;
    }

    /// A request was refused; whether all of them are, so that the run must stop.
    #[must_use]
    pub(super) fn refused(&mut self) -> bool {
        self.refused += 1;
        self.refused >= MOST_REFUSED && !self.any_answer
    }

    /// Whether one more call without an answer is too many, so that the run must stop.
    #[must_use]
    pub(super) fn is_outage(&self) -> bool {
        self.unanswered + 1 >= MOST_UNANSWERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows each of these failures of one call.
    fn after(failures: &[Failure]) -> Vec<Next> {
        let mut tries = Tries::default();
        failures.iter().map(|failure| tries.next(*failure, None, Seed(1))).collect()
    }

    fn is_retry(next: &Next) -> bool {
        matches!(next, Next::Retry(_))
    }

    #[test]
    fn errors_of_transport_are_tried_six_times() {
        for failure in [Failure::Transient, Failure::Timeout, Failure::Unsent] {
            let next = after(&[failure; 6]);
            assert!(next[..5].iter().all(is_retry), "{failure:?}: {next:?}");
            assert_eq!(next[5], Next::GiveUp, "{failure:?}");
        }
    }

    #[test]
    fn throttling_never_uses_up_the_tries() {
        assert!(after(&[Failure::Throttled; 100]).iter().all(is_retry));
        let mut mixed = vec![Failure::Throttled; 20];
        mixed.extend([Failure::Transient; 5]);
        assert!(after(&mixed).iter().all(is_retry));
        mixed.push(Failure::Transient);
        assert_eq!(after(&mixed).last(), Some(&Next::GiveUp));
    }

    #[test]
    fn an_answer_that_stays_empty_is_an_answer_and_one_that_stays_unreadable_is_none() {
        use Failure::{Empty, Unreadable};
        assert_eq!(after(&[Empty; 3])[2], Next::Empty);
        assert_eq!(after(&[Unreadable; 3])[2], Next::GiveUp);
        assert_eq!(after(&[Unreadable, Unreadable, Empty])[2], Next::Empty);
        assert_eq!(after(&[Empty, Empty, Unreadable])[2], Next::GiveUp);
    }

    #[test]
    fn what_no_retry_can_change_is_not_tried_again() {
        assert_eq!(after(&[Failure::Auth]), [Next::StopRun]);
        assert_eq!(after(&[Failure::Quota]), [Next::StopRun]);
        assert_eq!(after(&[Failure::BadRequest]), [Next::Reject]);
    }

    #[test]
    fn the_delay_grows_follows_the_draw_and_is_as_long_as_the_provider_asks() {
        let delays = |draw| {
            let mut tries = Tries::default();
            [(); 5].map(|()| match tries.next(Failure::Transient, None, Seed(draw)) {
                Next::Retry(delay) => delay,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        assert!(delays(1)[4] > delays(1)[0]);
        let minute = Duration::from_secs(60);
        let next = Tries::default().next(Failure::Throttled, Some(minute), Seed(1));
        assert_eq!(next, Next::Retry(minute));
    }

    #[test]
    fn a_run_stops_when_every_request_is_refused_and_none_was_answered() {
        let mut streak = Streak::default();
        assert!((0..7).all(|_| !streak.refused()));
        assert!(streak.refused());
        let mut streak = Streak::default();
        streak.answered();
        assert!((0..100).all(|_| !streak.refused()), "some requests are answered");
    }

    #[test]
    fn a_run_stops_at_the_fiftieth_call_in_a_row_without_an_answer() {
        let mut streak = Streak::default();
        (0..48).for_each(|_| streak.unanswered());
        assert!(!streak.is_outage());
        streak.unanswered();
        assert!(streak.is_outage());
        streak.answered();
        assert!(!streak.is_outage());
    }
}
