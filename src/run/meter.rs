//! Live figures of a running search for people: money, calls, time, requests in flight.
//!
//! Decisions never use them: decisions depend on folded events alone, these figures on arrivals.

use super::eta::Progressed;
use crate::engine::{CallRunner, Waiting};
use crate::units::{Tokens, Usd};
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
    /// Tokens used, by all sessions of the run.
    pub tokens: Tokens,
    /// Proposals requested, by all sessions of the run.
    pub proposals: u64,
    /// The running time over all sessions.
    pub running: Duration,
    /// Requests in flight.
    pub in_flight: u32,
    /// Whether nothing is sent until the run goes on.
    pub is_paused: bool,
    /// What is waited for, where something is.
    pub waiting: Option<Waiting>,
}

impl From<&Reading> for Progressed {
    fn from(reading: &Reading) -> Self {
        let Reading { spent, calls, tokens, proposals, running, .. } = *reading;
        Self { usd: spent, calls, tokens, proposals, running }
    }
}

impl Meter {
    /// The current figures.
    #[must_use]
    pub fn read(&self) -> Reading {
        let runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        let Some(runner) = runner else { return Reading::default() };
        let (spent, calls, proposals) = {
            let wallet = runner.wallet();
            (wallet.spent(), wallet.calls(), wallet.proposals())
        };
        Reading {
            spent: spent.usd,
            calls,
            tokens: spent.tokens,
            proposals,
            running: runner.running(),
            in_flight: runner.in_flight(),
            is_paused: runner.is_paused(),
            waiting: runner.waiting(),
        }
    }

    /// Shows the figures of this search from now on.
    pub(super) fn watch(&self, runner: &Arc<CallRunner>) {
        *self.runner.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(runner);
    }
}
