//! What may be changed of a search while it runs, and how it is asked for.
//!
//! Not the stop, which every wait must notice at once. The loop takes what is asked between two of its steps.

use crate::caps::Caps;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// A change of a running search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// What it may spend: caps that are given take the place of those that it has.
    Caps(Caps),
    /// How many requests may be out at a time, over all providers.
    Concurrency(usize),
    /// Nothing more is sent until it goes on; answers in flight are taken.
    Pause,
    /// It goes on after a pause.
    GoOn,
}

/// Why a search was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// It is so already.
    #[error("{0}")]
    Already(String),
    /// The search cannot do it.
    #[error("{0}")]
    Refused(String),
}

/// A change that is asked for, and where it is answered.
pub(super) type Asked = (Change, oneshot::Sender<Result<(), NotChanged>>);

/// Where changes are asked for. Clones ask for changes of the same search.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    requests: Arc<Mutex<Requests>>,
}

#[derive(Debug, Default)]
struct Requests {
    asked: VecDeque<Asked>,
    /// Whether the search has ended. No request is taken after that.
    is_over: bool,
}

impl Steering {
    /// Asks for a change; the search answers once it is made, or why it is not. Before the search begins, it is
    /// waited for.
    ///
    /// # Errors
    /// The search refuses it, or has ended.
    pub async fn change(&self, change: Change) -> Result<(), NotChanged> {
        let over = || NotChanged::Refused("the run has ended".to_owned());
        let (sender, answer) = oneshot::channel();
        {
            let mut requests = self.requests();
            if requests.is_over {
                return Err(over());
            }
            requests.asked.push_back((change, sender));
        }
        answer.await.unwrap_or_else(|_| Err(over()))
    }

    /// A search begins that takes what is asked for.
    pub fn begin(&self) {
        self.requests().is_over = false;
    }

    /// The search has ended: what is asked for is refused.
    pub fn end(&self) {
        *self.requests() = Requests { asked: VecDeque::new(), is_over: true };
    }

    /// The next change that is asked for.
    pub(super) fn next(&self) -> Option<Asked> {
        self.requests().asked.pop_front()
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests::block_on;

    #[test]
    fn nobody_waits_for_a_search_that_has_ended() {
        let steering = Steering::default();
        let other = steering.clone();
        block_on(async {
            let waiting = tokio::spawn(async move { other.change(Change::Pause).await });
            let (change, answer) = loop {
                tokio::task::yield_now().await;
                if let Some(asked) = steering.next() {
                    break asked;
                }
            };
            assert_eq!(change, Change::Pause);
            answer.send(Ok(())).unwrap();
            assert_eq!(waiting.await.unwrap(), Ok(()));
            let other = steering.clone();
            let waiting = tokio::spawn(async move { other.change(Change::GoOn).await });
            tokio::task::yield_now().await;
            steering.end();
            let ended = Err(NotChanged::Refused("the run has ended".to_owned()));
            assert_eq!(waiting.await.unwrap(), ended);
            assert_eq!(steering.change(Change::Pause).await, ended);
        });
    }
}
