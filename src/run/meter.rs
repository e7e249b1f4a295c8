//! Live figures of a running search for people: money, calls, time, requests in flight.
//!
//! Decisions never use them: decisions depend on folded events alone, these figures on arrivals.

use crate::engine::{CallRunner, Waiting};
use crate::units::Usd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The figures of one run. Clones show the same run.
#[derive(Clone, Default)]
pub struct Meter {
    /// Weak, so that a meter does not keep the journal open.
    runner: Arc<Mutex<Weak<CallRunner>>>,
}

/// The figures at one moment; all zero while no search runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Dollars spent, by all sessions of the run.
    pub spent: Usd,
    /// Logical calls made, by all sessions of the run.
    pub calls: u64,
    /// The running time over all sessions.
    pub running: Duration,
    /// Requests in flight.
    pub in_flight: u32,
    /// What is waited for, where something is.
    pub waiting: Option<Waiting>,
}

impl Meter {
    /// The current figures.
    #[must_use]
    pub fn read(&self) -> Reading {
        let runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(runner) = runner else { return Reading::default() };
        let (spent, calls) = {
            let wallet = runner.wallet();
            (wallet.spent().usd, wallet.calls())
        };
        Reading {
            spent,
            calls,
            running: runner.running(),
            in_flight: runner.in_flight(),
            waiting: runner.waiting(),
        }
    }

    /// Shows the figures of this search from now on.
    pub(super) fn watch(&self, runner: &Arc<CallRunner>) {
        *self.runner.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(runner);
    }
}
