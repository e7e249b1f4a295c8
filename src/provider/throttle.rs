//! How many attempts at a time, how fast, and how long to wait.
//!
//! Not retry and not the budget: this decides when an attempt may be sent, never whether. A
//! provider that says "too many" lowers the limit and stops new attempts for as long as it asks;
//! as many answers as the limit raise it again by one. Fewer attempts at a time do not help where a
//! provider counts attempts per minute and answers fast, so the spacing that it accepted between two
//! refusals is learned as well.

use super::limit::{Permit, SendLimit};
use async_trait::async_trait;
use state::{State, Wait};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

mod pace; // How far apart attempts are sent.
mod since; // What happened since the last refusal.
mod state; // Limit, pause and pace together, without waiting.

/// Admits attempts at one provider, first come, first served. Clones share one limit.
#[derive(Clone, Debug)]
pub struct Throttle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Held by the attempt that is next. The lock serves in the order of arrival and is released when a
    /// waiting attempt is dropped, so order and cancellation need no code here.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// Notified when a place may have become free; only the holder of the turn listens.
    freed: Notify,
    outer: Option<Arc<dyn SendLimit>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic halfway, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Throttle {
    /// At most `concurrency` attempts at a time, and `rpm` in any minute.
    #[must_use]
    pub fn new(concurrency: usize, rpm: Option<u32>) -> Self {
        Self::with(concurrency, rpm, None)
    }

    /// The same, within an outer limit, such as one that other providers share.
    #[must_use]
    pub fn within(outer: Arc<dyn SendLimit>, concurrency: usize, rpm: Option<u32>) -> Self {
        Self::with(concurrency, rpm, Some(outer))
    }

    fn with(concurrency: usize, rpm: Option<u32>, outer: Option<Arc<dyn SendLimit>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                turn: tokio::sync::Mutex::new(()),
                state: Mutex::new(State::new(concurrency, rpm, Instant::now())),
                freed: Notify::new(),
                outer,
            }),
        }
    }

    /// Changes the ceiling of a running throttle. Attempts in flight above it are not ended.
    pub fn set_concurrency(&self, concurrency: usize) {
        self.shared.state().set_ceiling(concurrency);
        self.shared.freed.notify_one();
    }
}

#[async_trait]
impl SendLimit for Throttle {
    async fn acquire(&self) -> Box<dyn Permit> {
        let _turn = self.shared.turn.lock().await;
        loop {
            let wait = self.shared.state().wait(Instant::now());
            match wait {
                Wait::Place => self.shared.freed.notified().await,
                Wait::Until(moment) => sleep_until(moment).await,
                Wait::None => {
                    // Last, so that a provider that pauses holds no place that another could use.
                    let outer = match &self.shared.outer {
                        Some(outer) => Some(outer.acquire().await),
                        None => None,
                    };
                    // While this waited for the outer place, a pause may have begun.
                    if let Some(number) = self.shared.state().admit(Instant::now()) {
                        let shared = Arc::clone(&self.shared);
                        return Box::new(ThrottlePermit { shared, number, outer });
                    }
                }
            }
        }
    }
}

/// A place at this provider, and one in the outer limit.
#[derive(Debug)]
struct ThrottlePermit {
    shared: Arc<Shared>,
    number: u64,
    outer: Option<Box<dyn Permit>>,
}

impl Permit for ThrottlePermit {
    fn on_success(&self) {
        let raised = self.shared.state().succeeded(self.number);
        if raised {
            self.shared.freed.notify_one();
        }
        if let Some(outer) = &self.outer {
            outer.on_success();
        }
    }

    fn on_throttled(&self, retry_after: Option<Duration>) {
        self.shared.state().throttled(Instant::now(), self.number, retry_after);
        if let Some(outer) = &self.outer {
            outer.on_throttled(retry_after);
        }
    }
}

impl Drop for ThrottlePermit {
    fn drop(&mut self) {
        self.shared.state().released(Instant::now());
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
