//! Controls a running search: one handle, which may be cloned and kept anywhere.
//!
//! Signals, requests of other processes, programs and tests all use this handle; none of them is known here.

use crate::engine::{Change, NotChanged, Steering};
use tokio::sync::watch;

/// Controls one search. Clones control the same search.
#[derive(Clone, Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
    steering: Steering,
}

impl Control {
    /// A handle for a search that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false), steering: Steering::default() }
    }

    /// Stops the search: nothing more is sent, what is in flight is awaited for a while, and the run
    /// can be resumed.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Changes the search: what it may spend, how much of it is out at a time, a pause. Returns once it is
    /// changed, which takes at most about half a second while it runs.
    ///
    /// # Errors
    /// The search refuses it, and says why, or it has ended.
    pub async fn change(&self, change: Change) -> Result<(), NotChanged> {
        self.steering.change(change).await
    }

    /// Becomes true when the search must stop.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Where changes are asked for.
    pub(super) fn steering(&self) -> Steering {
        self.steering.clone()
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}
