//! How a running search is told what to do: one handle, which may be cloned and kept anywhere.
//!
//! Not who tells it: signals, programs and tests all use the same handle.

use tokio::sync::watch;

/// Controls one search. Clones control the same search.
#[derive(Clone, Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
}

impl Control {
    /// For a search that nothing has stopped yet.
    #[must_use]
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false) }
    }

    /// Stops the search: nothing more is sent, what is in flight is awaited for a while, and the run
    /// can be resumed.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Turns true when the search is to stop.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}
