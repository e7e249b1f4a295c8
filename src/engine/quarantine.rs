//! Calls of the task model without a good answer, until it is known whether their provider is in
//! trouble.
//!
//! Such a call is a fact about its row once another call has a good answer, or once no other call is
//! out that could have one. Until then it waits here, so that a streak that stops the run leaves its
//! calls open. What is paid for is durable before it comes here.

use super::error::StopCause;
use super::streak::Streak;
use crate::event::{NoAnswer, RowKey, StopReason};
use crate::id::Call;
use crate::task::model::ModelRole;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a call waits for others to begin, where none is out.
const LULL: Duration = Duration::from_millis(100);

/// How a call leaves the quarantine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// Another call has a good answer.
    GoodAnswer,
    /// No other call is out.
    Alone,
    /// The run stops.
    Stopping,
    /// It is one too many in a row: the run stops, for this reason.
    Streak(String),
}

impl Release {
    /// Why the run must stop, if it must.
    pub(super) fn stop_cause(self) -> Option<StopCause> {
        match self {
            Self::Streak(why) => {
                Some(StopCause::trouble(StopReason::NoAnswers, ModelRole::Task.said(&why)))
            }
            Self::GoodAnswer | Self::Alone | Self::Stopping => None,
        }
    }
}

/// Where calls without a good answer wait.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    streak: Mutex<Streak>,
    good_answer: Notify,
    /// Calls that may still bring a good answer.
    out: AtomicU32,
    is_stopping: AtomicBool,
}

/// A call that may bring a good answer, until this is dropped.
pub(super) struct CallOut<'a>(&'a AtomicU32);

impl Drop for CallOut<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Quarantine {
    fn streak(&self) -> MutexGuard<'_, Streak> {
        self.streak.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins that may bring a good answer.
    pub(super) fn call_out(&self) -> CallOut<'_> {
        self.out.fetch_add(1, Ordering::SeqCst);
        CallOut(&self.out)
    }

    /// A call has a good answer: those that wait are released.
    pub(super) fn good_answer(&self) {
        self.streak().good();
        self.good_answer.notify_waiters();
    }

    /// Releases all calls: the run stops.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.good_answer.notify_waiters();
    }

    /// Whether a call had a good answer since this moment.
    pub(super) fn has_good_since(&self, moment: Instant) -> bool {
        self.streak().has_good_since(moment)
    }

    /// The calls of the streak that stops the run.
    pub(super) fn stopped(&self) -> Vec<(Call, RowKey)> {
        self.streak().stopped().to_vec()
    }

    /// What most of these calls met.
    pub(super) fn stopped_by(&self) -> Option<NoAnswer> {
        self.streak().stopped_by()
    }

    /// Counts a call of an earlier session that was released and is folded.
    pub(super) fn count(&self, call: Call, to: RowKey, cause: NoAnswer) {
        let _ = self.streak().bad(call, to, cause);
    }

    /// Keeps a call until the state of its provider is known. `words` are an example for people.
    pub(super) async fn keep(
        &self,
        call: Call,
        to: RowKey,
        cause: NoAnswer,
        words: &str,
    ) -> Release {
        let before = {
            let mut streak = self.streak();
            if streak.bad(call, to, cause) {
                return Release::Streak(streak.in_words(words));
            }
            streak.good_answers()
        };
        let mut was_alone = false;
        loop {
            let good_answer = self.good_answer.notified();
            if self.is_stopping.load(Ordering::SeqCst) {
                return Release::Stopping;
            }
            if self.streak().good_answers() > before {
                return Release::GoodAnswer;
            }
            let is_alone = self.out.load(Ordering::SeqCst) == 0;
            if is_alone && was_alone {
                return Release::Alone;
            }
            was_alone = is_alone;
            // Another call may have started in the meantime; so the count is looked at again.
            let _ = tokio::time::timeout(LULL, good_answer).await;
        }
    }
}
