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
    /// The squares of these costs, in nano-dollars², added up.
    pub usd_squares: u128,
}

impl std::ops::Add for Use {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self.calls += other.calls;
        self.usage += other.usage;
        self.usd += other.usd;
        self.usd_squares = self.usd_squares.saturating_add(other.usd_squares);
        self
    }
}

impl Use {
    /// Takes in one answered call.
    pub fn add(&mut self, usage: Usage, usd: Usd) {
        self.calls += 1;
        self.usage += usage;
        self.usd += usd;
        let nanos = u128::from(usd.nanos());
        self.usd_squares = self.usd_squares.saturating_add(nanos.saturating_mul(nanos));
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

    /// The sample variance of that over calls (divisor n − 1), in (dollars for 1,000 calls)²; `None` below two calls.
    #[must_use]
    pub fn usd_per_1k_variance(&self) -> Option<f64> {
        // A nano-dollar a call is a micro-dollar for 1,000.
        let (n, sum) = (self.calls as f64, self.usd.nanos() as f64 * 1e-6);
        let squares = self.usd_squares as f64 * 1e-12;
        (self.calls > 1).then(|| ((squares - sum * sum / n) / (n - 1.0)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_up_and_missing_without_calls() {
        let mut used = Use::default();
        assert_eq!((used.mean(), used.usd_per_1k()), (None, None));
        assert_eq!(used.usd_per_1k_variance(), None);
        let usage = Usage::plain(3, 0);
        used.add(usage, Usd::from_nanos(10));
        used.add(usage, Usd::from_nanos(11));
        used.add(Usage::default(), Usd::ZERO);
        assert_eq!(used.mean(), Some(Amount { usd: Usd::from_nanos(7), tokens: Tokens(2) }));
    }

    #[test]
    fn costs_vary_by_the_call() {
        let mut used = Use::default();
        for nanos in [1_000_000, 3_000_000] {
            used.add(Usage::default(), Usd::from_nanos(nanos));
        }
        // $1 and $3 for 1,000 calls.
        assert_eq!(used.usd_per_1k(), Some(2.0));
        assert!((used.usd_per_1k_variance().unwrap() - 2.0).abs() < 1e-9);
    }
}
