//! The contract of what limits sending.
//!
//! A limit decides when an attempt may be sent, never whether: that is the wallet's decision. Limits can
//! stand inside one another ([`Throttle`](super::throttle::Throttle) takes an outer one), so that a cap
//! over several providers needs no change where attempts are made.

use crate::units::Tokens;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

#[cfg(test)]
pub(super) mod contract;

/// Limits how many attempts are sent at a time, and how fast.
#[async_trait]
pub trait SendLimit: fmt::Debug + Send + Sync {
    /// Waits until one more attempt may be sent, first come, first served. `tokens` is what it may use at
    /// most. A future that is dropped gives back all that it holds.
    async fn acquire(&self, tokens: Tokens) -> Box<dyn Permit>;

    /// The time between two attempts that it allows for long; zero where it does not space them.
    fn spacing(&self) -> Duration;

    /// What an attempt of this many tokens would wait for now; `None` where it could be sent. For people:
    /// nothing is decided by it.
    fn blocked_by(&self, tokens: Tokens) -> Option<BlockedBy>;
}

/// The time that each of many calls takes where `lanes` may be out at a time, and sent this far apart.
#[must_use]
pub fn time_per_call(latency: Duration, lanes: usize, spacing: Duration) -> Duration {
    (latency / u32::try_from(lanes.max(1)).unwrap_or(u32::MAX)).max(spacing)
}

/// What holds an attempt back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockedBy {
    /// The provider asked to wait, and this much of it is left.
    Asked(Duration),
    /// The provider is not there, or not ready; it is asked again after this time.
    Away(Duration),
    /// The provider says that its rates are used up for this long.
    UsedUp(Duration),
    /// The rates that the task sets, or the pace that the provider was seen to take, for this long.
    Paced(Duration),
    /// All places are taken by attempts of this process.
    Full,
    /// So many other runs on this machine have the places, or are next.
    OtherRuns(usize),
}

/// A place among the attempts in flight. It is free again when the permit is dropped, whatever was
/// reported before.
#[must_use = "the place is free again when the permit is dropped"]
pub trait Permit: fmt::Debug + Send {
    /// Reports that the attempt was answered: the tokens that it used, where the provider counted them,
    /// and what the provider says is left of its rates.
    fn on_success(&self, used: Option<Tokens>, left: RatesLeft);

    /// Reports that the provider refused the attempt as one too many, and how long it asks to wait.
    fn on_throttled(&self, retry_after: Option<Duration>);

    /// Reports that the provider is not there, or not ready.
    fn on_outage(&self);
}

/// What a provider says is left of its rates; nothing where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatesLeft {
    /// Of its requests.
    pub requests: Option<RateLeft>,
    /// Of its tokens.
    pub tokens: Option<RateLeft>,
}

/// What is left of one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLeft {
    /// The most that can be left.
    pub limit: u64,
    /// What is left.
    pub left: u64,
    /// How long until all of it is there again, if nothing is used.
    pub reset: Duration,
}

/// The longest time to a whole rate that is believed; limits per day take this long.
pub(super) const LONGEST_RESET: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest rate that is believed.
const LARGEST: u64 = 1_000_000_000_000;

impl RateLeft {
    /// Whether it can be true: a rate of nothing would let nothing through, and one without an end is none.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        (1..=LARGEST).contains(&self.limit) && self.reset <= LONGEST_RESET
    }
}

impl RatesLeft {
    /// Those that the provider states.
    pub fn all(&self) -> impl Iterator<Item = RateLeft> {
        [self.requests, self.tokens].into_iter().flatten()
    }
}
