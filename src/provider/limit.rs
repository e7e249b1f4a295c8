//! The contract of what limits sending.
//!
//! A limit decides when an attempt may be sent, never whether: that is the wallet's decision. Limits can
//! stand inside one another ([`Throttle`](super::throttle::Throttle) takes an outer one), so that a cap
//! over several providers, or over several runs, needs no change where attempts are made.

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

#[cfg(test)]
pub(super) mod contract;

/// Limits how many attempts are sent at a time, and how fast.
#[async_trait]
pub trait SendLimit: fmt::Debug + Send + Sync {
    /// Waits until one more attempt may be sent, first come, first served. A future that is dropped
    /// gives back all that it holds.
    async fn acquire(&self) -> Box<dyn Permit>;
}

/// A place among the attempts in flight. It is free again when the permit is dropped, whatever was
/// reported before.
#[must_use = "the place is free again when the permit is dropped"]
pub trait Permit: fmt::Debug + Send {
    /// Reports that the attempt was answered.
    fn on_success(&self);

    /// Reports that the provider refused the attempt as one too many, and how long it asks to wait.
    fn on_throttled(&self, retry_after: Option<Duration>);
}
