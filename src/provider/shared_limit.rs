//! A cap on attempts in flight that several providers share.
//!
//! It has no rate and learns nothing: those belong to a single provider's throttle.

use super::limit::{BlockedBy, Permit, RatesLeft, SendLimit};
use crate::units::Tokens;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A cap on attempts in flight that several providers share.
#[derive(Clone, Debug)]
pub struct SharedLimit {
    shared: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    places: Arc<Semaphore>,
    size: Mutex<Size>,
}

#[derive(Debug)]
struct Size {
    cap: usize,
    /// Places in use above the cap: they end with their permits.
    surplus: usize,
}

impl SharedLimit {
    /// At most `concurrency` attempts at a time.
    #[must_use]
    pub fn new(concurrency: usize) -> Self {
        let cap = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(Places {
                places: Arc::new(Semaphore::new(cap)),
                size: Mutex::new(Size { cap, surplus: 0 }),
            }),
        }
    }

    /// Changes the cap. Attempts in flight above it are not ended.
    pub fn set_concurrency(&self, concurrency: usize) {
        let cap = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let mut size = self.shared.size();
        if cap > size.cap {
            let more = cap - size.cap;
            let kept = more.min(size.surplus);
            size.surplus -= kept;
            self.shared.places.add_permits(more - kept);
        } else {
            let less = size.cap - cap;
            size.surplus += less - self.shared.places.forget_permits(less);
        }
        size.cap = cap;
    }
}

#[async_trait]
impl SendLimit for SharedLimit {
    async fn acquire(&self, _tokens: Tokens) -> Box<dyn Permit> {
        Box::new(SharedPermit {
            shared: Arc::clone(&self.shared),
            // The semaphore is never closed, so a place is always given in the end.
            place: Arc::clone(&self.shared.places).acquire_owned().await.ok(),
        })
    }

    fn spacing(&self) -> Duration {
        Duration::ZERO
    }

    fn blocked_by(&self, _tokens: Tokens) -> Option<BlockedBy> {
        (self.shared.places.available_permits() == 0).then_some(BlockedBy::Full)
    }
}

impl Places {
    fn size(&self) -> MutexGuard<'_, Size> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct SharedPermit {
    shared: Arc<Places>,
    place: Option<OwnedSemaphorePermit>,
}

/// A cap over all providers: what one of them says does not change it.
impl Permit for SharedPermit {
    fn on_success(&self, _used: Option<Tokens>, _left: RatesLeft) {}

    fn on_throttled(&self, _retry_after: Option<Duration>) {}

    fn on_outage(&self) {}
}

impl Drop for SharedPermit {
    fn drop(&mut self) {
        // Under the lock, so that a change of the cap sees the place either in use or free.
        let mut size = self.shared.size();
        let place = self.place.take();
        if size.surplus > 0 {
            size.surplus -= 1;
            if let Some(place) = place {
                place.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::limit::contract;

    #[test]
    fn a_shared_limit_keeps_the_contract() {
        contract::check(&|places| Arc::new(SharedLimit::new(places)));
    }
}
