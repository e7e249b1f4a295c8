//! What a running search has spent and has in flight at this moment: figures for people.
//!
//! Not for decisions: those depend on folded events alone, and these figures on what has arrived.

use crate::engine::CallRunner;
use crate::units::Usd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The figures of one run. Clones show the same run.
#[derive(Clone, Default)]
pub struct Meter {
    /// Weak, since a meter must not keep the journal open.
    runner: Arc<Mutex<Weak<CallRunner>>>,
}

/// The figures of one moment; all zero while nothing is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Dollars spent, by all sessions of the run.
    pub spent: Usd,
    /// Logical calls made, by all sessions of the run.
    pub calls: u64,
    /// How long the run has been running, over all its sessions.
    pub running: Duration,
    /// Requests in flight.
    pub in_flight: u32,
}

impl Meter {
    /// The figures of this moment.
    #[must_use]
    pub fn read(&self) -> Reading {
        let runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(runner) = runner else { return Reading::default() };
        let (spent, calls) = {
            let wallet = runner.wallet();
            (wallet.spent().usd, wallet.calls())
        };
        Reading { spent, calls, running: runner.running(), in_flight: runner.in_flight() }
    }

    /// Shows the figures of a search from now on.
    pub(super) fn watch(&self, runner: &Arc<CallRunner>) {
        *self.runner.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(runner);
    }
}
