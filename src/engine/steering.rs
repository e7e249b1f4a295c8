//! What may be changed of a search while it runs, and how it is asked for.
//!
//! Not the stop, which every wait must notice at once. The loop takes what is asked between two of its steps.

use crate::caps::Caps;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
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
#[error("{0}")]
pub struct NotChanged(pub String);

/// A change that is asked for, and where it is answered.
pub(super) type Asked = (Change, oneshot::Sender<Result<(), NotChanged>>);

/// Where changes are asked for. Clones ask for changes of the same search.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    asked: Arc<Mutex<VecDeque<Asked>>>,
}

impl Steering {
    /// Asks for a change; the search answers once it is made, or why it is not.
    ///
    /// # Errors
    /// The search refuses it, or has ended.
    pub async fn change(&self, change: Change) -> Result<(), NotChanged> {
        let (sender, answer) = oneshot::channel();
        self.queue().push_back((change, sender));
        answer.await.unwrap_or_else(|_| Err(NotChanged("the run has ended".to_owned())))
    }

    /// The next change that is asked for.
    pub(super) fn next(&self) -> Option<Asked> {
        self.queue().pop_front()
    }

    /// Refuses all that is asked for: the search has ended.
    pub(super) fn refuse(&self) {
        self.queue().clear();
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
