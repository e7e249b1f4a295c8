//! Controls a running search: one handle, which may be cloned and kept anywhere.
//!
//! Signals, programs and tests all use this handle; none of them is known here.

use tokio::sync::watch;

/// Controls one search. Clones control the same search.
#[derive(Clone, Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
}

impl Control {
    /// A handle for a search that is not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false) }
    }

    /// Stops the search: nothing more is sent, what is in flight is awaited for a while, and the run
    /// can be resumed.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Becomes true when the search must stop.
    pub(super) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}
