//! What keeps calls from being answered: the provider's last words, since when, and until when they wait.
//!
//! For people, and for the limits on waiting. No decision of a search uses it.

use crate::provider::LlmError;
use crate::text;
use std::time::Duration;
use tokio::time::Instant;

/// How long a run waits for any answer before it stops; it can be resumed.
pub(super) const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Once the time of a run is over, how long it waits for an answer at least.
const LEAST_GRACE: Duration = Duration::from_secs(2);
/// The same, as a multiple of the mean latency.
const GRACE: u32 = 5;
/// The same, where nothing is known: no attempt of this session was answered, and none failed.
const UNKNOWN_GRACE: Duration = Duration::from_secs(15);

/// The state of a run's connection to its models.
#[derive(Debug)]
pub(super) struct Trouble {
    last_answer: Instant,
    failure: Option<Failed>,
}

/// The last attempt that failed since the last answer.
#[derive(Debug)]
struct Failed {
    first: Instant,
    words: String,
    until: Option<Instant>,
}

impl Trouble {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_answer: now, failure: None }
    }

    /// An attempt was answered.
    pub(super) fn answered(&mut self, now: Instant) {
        self.last_answer = now;
        self.failure = None;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, error: &LlmError, now: Instant) {
        let first = self.failure.as_ref().map_or(now, |failure| failure.first);
        let until = error.retry_after.map(|delay| now + delay);
        self.failure = Some(Failed { first, words: error.message.clone(), until });
    }

    /// How long there has been no answer.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_answer)
    }

    /// Whether waiting on is of no use once the time of the run is over. A slow model is not stuck:
    /// `latency` is the mean of this session, zero before its first answer.
    pub(super) fn is_stuck(&self, latency: Duration, now: Instant) -> bool {
        let grace = match (&self.failure, latency) {
            (None, Duration::ZERO) => UNKNOWN_GRACE,
            _ => LEAST_GRACE.max(latency.saturating_mul(GRACE)),
        };
        self.silence(now) >= grace
    }

    /// What is waited for, in words; `None` where nothing failed since the last answer.
    pub(super) fn in_words(&self, now: Instant) -> Option<String> {
        let failure = self.failure.as_ref()?;
        let since = text::duration(now.saturating_duration_since(failure.first));
        let left = failure.until.map(|until| until.saturating_duration_since(now));
        let until = left.filter(|left| !left.is_zero()).map_or_else(String::new, |left| {
            format!(", asks to wait for {}", text::duration(left))
        });
        Some(format!("no answer for {since}{until}: {}", text::shorten(&failure.words, 160)))
    }

    /// Why a run stops that waited too long, in words.
    pub(super) fn cause(&self, now: Instant) -> String {
        let silence = text::duration(self.silence(now));
        self.in_words(now).unwrap_or_else(|| format!("no answer for {silence}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Failure;

    #[test]
    fn trouble_says_what_is_waited_for_and_ends_with_an_answer() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut trouble = Trouble::new(start);
        assert_eq!(trouble.in_words(at(3)), None);
        assert!(!trouble.is_stuck(Duration::ZERO, at(14)), "a slow model has not answered yet");
        assert!(trouble.is_stuck(Duration::ZERO, at(15)), "it hangs");
        let error = LlmError {
            failure: Failure::Throttled,
            may_be_billed: false,
            retry_after: Some(Duration::from_secs(30)),
            usage: None,
            message: "provider `p` answered 429".to_owned(),
        };
        trouble.failed(&error, at(0));
        let words = trouble.in_words(at(10)).unwrap();
        assert_eq!(words, "no answer for 10 s, asks to wait for 20 s: provider `p` answered 429");
        assert!(trouble.is_stuck(Duration::from_secs(1), at(10)));
        assert!(!trouble.is_stuck(Duration::from_secs(3), at(10)), "slow is not stuck");
        assert!(!trouble.is_stuck(Duration::ZERO, at(1)));
        trouble.failed(&LlmError { retry_after: None, ..error }, at(40));
        assert!(trouble.in_words(at(40)).unwrap().starts_with("no answer for 40 s: provider"));
        trouble.answered(at(41));
        assert_eq!((trouble.in_words(at(41)), trouble.silence(at(41))), (None, Duration::ZERO));
    }
}
