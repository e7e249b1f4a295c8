//! What answered calls have used, and what that counts in decisions.

use crate::task::model::Usage;
use crate::units::{Amount, Tokens, Usd};

/// What a token counts at least in decisions, in dollars: 0.10 per million, as little as a small hosted model asks
/// for. A free model counts at this, so that nothing is infinitely cheap.
pub const LEAST_USD_PER_TOKEN: f64 = 1e-7;

/// What some answered calls used, folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Answered calls.
    pub calls: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost without retries: what a deployed prompt pays.
    pub usd: Usd,
}

impl std::ops::Add for Use {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self.calls += other.calls;
        self.usage += other.usage;
        self.usd += other.usd;
        self
    }
}

impl Use {
    /// Takes in one answered call.
    pub fn add(&mut self, usage: Usage, usd: Usd) {
        self.calls += 1;
        self.usage += usage;
        self.usd += usd;
    }

    /// The mean of a call, rounded up, so that what is set aside is never too little.
    #[must_use]
    pub fn mean(&self) -> Option<Amount> {
        (self.calls > 0).then(|| Amount {
            usd: Usd::from_nanos(self.usd.nanos().div_ceil(self.calls)),
            tokens: Tokens(self.usage.total().0.div_ceil(self.calls)),
        })
    }

    /// What decisions count it as, in dollars: what it cost, and at least [`LEAST_USD_PER_TOKEN`] for each token.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.usd.dollars().max(self.usage.total().0 as f64 * LEAST_USD_PER_TOKEN)
    }

    /// The same for a call; `None` without any.
    #[must_use]
    pub fn mean_weight(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.weight() / self.calls as f64)
    }

    /// Dollars for 1,000 calls.
    #[must_use]
    pub fn usd_per_1k(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.usd.dollars() / self.calls as f64 * 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_up_and_missing_without_calls() {
        let mut used = Use::default();
        assert_eq!((used.mean(), used.usd_per_1k()), (None, None));
        let usage = Usage::plain(3, 0);
        used.add(usage, Usd::from_nanos(10));
        used.add(usage, Usd::from_nanos(11));
        used.add(Usage::default(), Usd::ZERO);
        assert_eq!(used.mean(), Some(Amount { usd: Usd::from_nanos(7), tokens: Tokens(2) }));
    }
}
