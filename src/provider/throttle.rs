//! How many attempts at a time, how fast, and how long to wait.
//!
//! Not retry and not the budget: this decides when an attempt may be sent, never whether. A
//! provider that says "too many" lowers the limit and stops new attempts for as long as it asks;
//! as many answers as the limit raise it again. Fewer attempts at a time do not help where a
//! provider counts attempts per minute and answers fast, so the spacing that it accepted between two
//! refusals is learned as well, and what its headers say is left. All runs on this machine that use one
//! key share what they know in a file.

use super::limit::{BlockedBy, Permit, RatesLeft, SendLimit};
use crate::units::Tokens;
use async_trait::async_trait;
use file::Place;
use moment::Moment;
use pace::Rate;
use state::{Admitted, Allowed, LEASE, State, Wait};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until, timeout};

mod moment; // Moments that all processes understand.
mod pace; // How far apart attempts are sent.
mod since; // What happened since the last refusal.
mod state; // Limit, pause and pace together, without waiting.
mod file; // Where the state is.

/// How long a place is waited for before another process may have left one.
const ROUND: Duration = Duration::from_millis(20);

/// What a task allows at one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Attempts at a time.
    pub concurrency: usize,
    /// Attempts in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompts and answers together.
    pub tokens_per_minute: Option<u64>,
}

impl Rates {
    /// At most this many attempts at a time, without a limit per minute.
    #[must_use]
    pub fn concurrent(concurrency: usize) -> Self {
        Self { concurrency, requests_per_minute: None, tokens_per_minute: None }
    }
}

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
    rates: Rates,
    concurrency: AtomicUsize,
    in_flight: AtomicUsize,
    /// This throttle among those of all runs.
    holder: u64,
    place: Place,
    is_on_machine: bool,
    heartbeat: Once,
    /// Notified when a place may have become free; only the holder of the turn listens.
    freed: Notify,
    outer: Option<Arc<dyn SendLimit>>,
}

impl Shared {
    fn allowed(&self) -> Allowed {
        Allowed {
            holder: self.holder,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            concurrency: self.concurrency.load(Ordering::Relaxed),
            requests: self.rates.requests_per_minute.map(|rpm| Rate::per_minute(u64::from(rpm))),
            tokens: self.rates.tokens_per_minute.map(Rate::per_minute),
        }
    }

    /// Changes the state. What this run counts itself changes under the same lock.
    fn with<R>(&self, change: impl FnOnce(&mut State, &Allowed, Moment) -> R) -> R {
        self.place.with(|state| change(state, &self.allowed(), Moment::now()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.place.with(|state| state.leave(self.holder));
    }
}

impl Throttle {
    /// Limits the attempts of this process.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self::with(rates, None, None)
    }

    /// Limits the attempts of all processes that name the same file, and within an outer limit, such as
    /// one that other providers share. Where the file cannot be used, those of this process.
    #[must_use]
    pub fn with(rates: Rates, outer: Option<Arc<dyn SendLimit>>, file: Option<&Path>) -> Self {
        let shared = file.and_then(|path| {
            let opened = Place::shared(path);
            let shown = path.display();
            opened
                .inspect_err(|error| {
                    tracing::warn!(%error, file = %shown, "limits are not shared with other runs");
                })
                .ok()
        });
        let is_on_machine = shared.is_some();
        Self {
            shared: Arc::new(Shared {
                turn: tokio::sync::Mutex::new(()),
                rates,
                concurrency: AtomicUsize::new(rates.concurrency),
                in_flight: AtomicUsize::new(0),
                holder: RandomState::new().hash_one(std::process::id()),
                place: shared.unwrap_or_else(Place::own),
                is_on_machine,
                heartbeat: Once::new(),
                freed: Notify::new(),
                outer,
            }),
        }
    }

    /// Changes the ceiling of a running throttle. Attempts in flight above it are not ended.
    pub fn set_concurrency(&self, concurrency: usize) {
        self.shared.concurrency.store(concurrency.max(1), Ordering::Relaxed);
        self.shared.with(State::renew);
        self.shared.freed.notify_one();
    }
}

/// Renews the lease of a throttle for as long as it is used: an attempt may take longer than a lease.
async fn keep_alive(shared: Weak<Shared>) {
    loop {
        sleep(LEASE / 3).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.with(State::renew);
    }
}

#[async_trait]
impl SendLimit for Throttle {
    async fn acquire(&self, tokens: Tokens) -> Box<dyn Permit> {
        let Shared { freed, outer, heartbeat, is_on_machine, .. } = &*self.shared;
        if *is_on_machine {
            heartbeat.call_once(|| drop(tokio::spawn(keep_alive(Arc::downgrade(&self.shared)))));
        }
        let _turn = self.shared.turn.lock().await;
        let mut waiter = Waiter { shared: &self.shared, is_over: false };
        loop {
            let wait = self.shared.with(|state, allowed, now| state.wait(allowed, tokens.0, now));
            match wait {
                Wait::Place if *is_on_machine => drop(timeout(ROUND, freed.notified()).await),
                Wait::Place => freed.notified().await,
                Wait::Until(moment) => sleep_until(moment.instant()).await,
                Wait::None => {
                    // Last, so that a provider that pauses holds no place that another could use.
                    let outer = match outer {
                        Some(outer) => Some(outer.acquire(tokens).await),
                        None => None,
                    };
                    // While this waited for the outer place, a pause may have begun.
                    let admitted = self.shared.with(|state, allowed, now| {
                        let admitted = state.admit(allowed, tokens.0, now)?;
                        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
                        Some(admitted)
                    });
                    if let Some(admitted) = admitted {
                        waiter.is_over = true;
                        let shared = Arc::clone(&self.shared);
                        return Box::new(ThrottlePermit { shared, admitted, outer });
                    }
                }
            }
        }
    }

    fn spacing(&self) -> Duration {
        self.shared.with(|state, allowed, now| {
            state.renew(allowed, now);
            state.spacing(allowed)
        })
    }

    fn blocked_by(&self, tokens: Tokens) -> Option<BlockedBy> {
        let own = self.shared.with(|state, allowed, now| state.blocked_by(allowed, tokens.0, now));
        own.or_else(|| self.shared.outer.as_ref()?.blocked_by(tokens))
    }
}

/// An attempt that waits. If it is dropped before it has a place, no other run leaves one to it.
struct Waiter<'a> {
    shared: &'a Shared,
    is_over: bool,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.with(State::gave_up);
        }
    }
}

/// A place at this provider, and one in the outer limit.
#[derive(Debug)]
struct ThrottlePermit {
    shared: Arc<Shared>,
    admitted: Admitted,
    outer: Option<Box<dyn Permit>>,
}

impl Permit for ThrottlePermit {
    fn on_success(&self, used: Option<Tokens>, left: RatesLeft) {
        let raised = self.shared.with(|state, allowed, now| {
            state.counted(allowed, self.admitted, used.map(|used| used.0), left, now);
            state.succeeded(self.admitted.number)
        });
        if raised {
            self.shared.freed.notify_one();
        }
        if let Some(outer) = &self.outer {
            outer.on_success(used, left);
        }
    }

    fn on_throttled(&self, retry_after: Option<Duration>) {
        self.shared.with(|state, _, now| state.throttled(now, self.admitted.number, retry_after));
        if let Some(outer) = &self.outer {
            outer.on_throttled(retry_after);
        }
    }

    fn on_outage(&self) {
        self.shared.with(|state, _, now| state.was_away(self.admitted.number, now));
        if let Some(outer) = &self.outer {
            outer.on_outage();
        }
    }
}

impl Drop for ThrottlePermit {
    fn drop(&mut self) {
        self.shared.with(|state, _, now| {
            self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
            state.released(&self.shared.allowed(), now);
        });
        self.shared.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
