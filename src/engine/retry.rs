//! What to do after a failed attempt.
//!
//! Pure: no clock, no network, no wallet. What a try costs and when it is sent is for `call`.

use crate::event::{Failure, Finish, NoAnswer, StopReason};
use crate::provider::backoff::Backoff;
use crate::seed::Seed;
use std::time::Duration;

/// Tries of a call that meets errors of transport.
const TRANSPORT_TRIES: u32 = 6;
/// Tries of a call whose bodies cannot be read.
const UNREADABLE_TRIES: u32 = 3;
/// Tries of a call whose answers have no text.
const EMPTY_TRIES: u32 = 3;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Try again after this delay.
    Retry(Duration),
    /// Wait for the provider, and try again after this delay. Such tries are not counted: the
    /// patience with a provider bounds them.
    Wait(Duration),
    /// The model was asked, and its answer is useless.
    Invalid(Finish),
    /// End the call without an answer.
    Missing(NoAnswer),
    /// Stop the run: no request will be answered.
    StopRun(StopReason),
}

/// The failed tries of one call, each kind with a count of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    transport: u32,
    unreadable: u32,
    empty: u32,
    waits: u32,
}

impl Tries {
    /// Takes in a failure and says what to do next. `draw` decides the random part of the delay, and
    /// `retry_after` is how long the provider asks to wait.
    pub(crate) fn next(
        &mut self,
        failure: Failure,
        retry_after: Option<Duration>,
        draw: Seed,
    ) -> RetryDecision {
        let end = match failure {
            // See `Failure::stops_run`.
            Failure::Auth | Failure::Quota | Failure::Certificate | Failure::NotStarted => {
                Some(RetryDecision::StopRun(StopReason::ProviderRefused))
            }
            Failure::BadRequest => Some(RetryDecision::Missing(NoAnswer::Refused)),
            Failure::Filter => Some(RetryDecision::Invalid(Finish::Filter)),
            // What was not sent, or is to be sent later, waits.
            Failure::Throttled
            | Failure::Unavailable
            | Failure::Unreachable
            | Failure::UnknownHost
            | Failure::Unsent => {
                self.waits += 1;
                return RetryDecision::Wait(Backoff::delay(self.failed(), draw, retry_after));
            }
            Failure::Unreadable => {
                self.unreadable += 1;
                let is_last = self.unreadable >= UNREADABLE_TRIES;
                is_last.then_some(RetryDecision::Missing(NoAnswer::Unreadable))
            }
            Failure::Empty | Failure::Reasoning => {
                self.empty += 1;
                let finish =
                    if failure == Failure::Empty { Finish::Empty } else { Finish::Reasoning };
                (self.empty >= EMPTY_TRIES).then_some(RetryDecision::Invalid(finish))
            }
            Failure::Transient | Failure::Timeout => {
                self.transport += 1;
                let cause = match failure {
                    Failure::Timeout => NoAnswer::Timeout,
                    _ => NoAnswer::Transport,
                };
                (self.transport >= TRANSPORT_TRIES).then_some(RetryDecision::Missing(cause))
            }
        };
        end.unwrap_or_else(|| {
            RetryDecision::Retry(Backoff::delay(self.failed(), draw, retry_after))
        })
    }

    fn failed(&self) -> u32 {
        self.transport + self.unreadable + self.empty + self.waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows each of these failures of one call.
    fn after(failures: &[Failure]) -> Vec<RetryDecision> {
        let mut tries = Tries::default();
        failures.iter().map(|failure| tries.next(*failure, None, Seed(1))).collect()
    }

    fn is_retry(next: &RetryDecision) -> bool {
        matches!(next, RetryDecision::Retry(_))
    }

    #[test]
    fn errors_of_transport_are_tried_six_times() {
        for (failure, cause) in
            [(Failure::Transient, NoAnswer::Transport), (Failure::Timeout, NoAnswer::Timeout)]
        {
            let next = after(&[failure; 6]);
            assert!(next[..5].iter().all(is_retry), "{failure:?}: {next:?}");
            assert_eq!(next[5], RetryDecision::Missing(cause), "{failure:?}");
        }
    }

    #[test]
    fn waiting_for_a_provider_never_uses_up_the_tries() {
        for failure in [Failure::Throttled, Failure::Unavailable, Failure::Unreachable] {
            let waits = after(&[failure; 100]);
            assert!(waits.iter().all(|next| matches!(next, RetryDecision::Wait(_))), "{failure:?}");
            let mut mixed = vec![failure; 20];
            mixed.extend([Failure::Transient; 5]);
            assert!(!after(&mixed).iter().any(|next| matches!(next, RetryDecision::Missing(_))));
            mixed.push(Failure::Transient);
            assert_eq!(after(&mixed).last(), Some(&RetryDecision::Missing(NoAnswer::Transport)));
        }
    }

    #[test]
    fn an_answer_that_stays_empty_is_invalid_and_one_that_stays_unreadable_is_missing() {
        use Failure::{Empty, Reasoning, Unreadable};
        assert_eq!(after(&[Empty; 3])[2], RetryDecision::Invalid(Finish::Empty));
        assert_eq!(after(&[Empty, Empty, Reasoning])[2], RetryDecision::Invalid(Finish::Reasoning));
        assert_eq!(after(&[Unreadable; 3])[2], RetryDecision::Missing(NoAnswer::Unreadable));
        // Each kind has a count of its own.
        let mixed = after(&[Unreadable, Unreadable, Empty, Empty, Unreadable]);
        assert!(mixed[..4].iter().all(is_retry), "{mixed:?}");
        assert_eq!(mixed[4], RetryDecision::Missing(NoAnswer::Unreadable));
    }

    #[test]
    fn what_no_retry_can_change_is_not_tried_again() {
        for failure in [Failure::Auth, Failure::Quota, Failure::Certificate] {
            assert_eq!(after(&[failure]), [RetryDecision::StopRun(StopReason::ProviderRefused)]);
        }
        assert_eq!(after(&[Failure::BadRequest]), [RetryDecision::Missing(NoAnswer::Refused)]);
        assert_eq!(after(&[Failure::Filter]), [RetryDecision::Invalid(Finish::Filter)]);
    }

    #[test]
    fn the_delay_grows_follows_the_draw_and_is_as_long_as_the_provider_asks() {
        let delays = |draw| {
            let mut tries = Tries::default();
            [(); 5].map(|()| match tries.next(Failure::Transient, None, Seed(draw)) {
                RetryDecision::Retry(delay) => delay,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        assert!(delays(1)[4] > delays(1)[0]);
        let minute = Duration::from_secs(60);
        let next = Tries::default().next(Failure::Throttled, Some(minute), Seed(1));
        assert_eq!(next, RetryDecision::Wait(minute));
    }
}
