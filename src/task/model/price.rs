//! What calls cost: prices in US dollars per million tokens, and the tokens of a call.

use crate::units::{Tokens, Usd};
use serde::{Deserialize, Serialize};

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Prompt tokens that the provider had cached; the default is `input`.
    pub cached_input: Option<f64>,
    /// Answer tokens, including reasoning.
    pub output: f64,
}

impl Price {
    /// The price of free models, such as local ones.
    pub const FREE: Self = Self { input: 0.0, cached_input: None, output: 0.0 };

    /// Whether no price is negative or not a number.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        [self.input, self.cached_input.unwrap_or(0.0), self.output]
            .iter()
            .all(|price| price.is_finite() && (0.0..1e6).contains(price))
    }

    /// The cost of a call, rounded up to a whole nano-dollar.
    #[must_use]
    pub fn of(&self, usage: Usage) -> Usd {
        // 1 USD per million tokens is 1,000,000 pico-dollars per token.
        let picos = |price: f64| (price * 1e6).round() as u128;
        let cached = usage.cached_input.0.min(usage.input.0);
        let total = u128::from(usage.input.0 - cached) * picos(self.input)
            + u128::from(cached) * picos(self.cached_input.unwrap_or(self.input))
            + u128::from(usage.output.0) * picos(self.output);
        Usd::from_nanos(u64::try_from(total.div_ceil(1_000)).unwrap_or(u64::MAX))
    }
}

/// Tokens of one call as counted by the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, including cached ones.
    pub input: Tokens,
    /// Prompt tokens that the provider had cached.
    pub cached_input: Tokens,
    /// Answer tokens, including reasoning.
    pub output: Tokens,
}

impl Usage {
    /// The sum of input and output.
    #[must_use]
    pub fn total(self) -> Tokens {
        self.input + self.output
    }
}

/// The simulated prices of the simulated models, in USD per million tokens.
#[must_use]
pub fn simulated_price(model: &str) -> Option<Price> {
    match model {
        "clerk" => Some(Price { input: 0.15, cached_input: Some(0.075), output: 0.60 }),
        "editor" => Some(Price { input: 2.50, cached_input: Some(1.25), output: 10.0 }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_priced_to_the_nano_dollar_and_rounded_up() {
        let price = Price { input: 0.15, cached_input: Some(0.075), output: 0.60 };
        let usage = Usage { input: Tokens(1_000), cached_input: Tokens(400), output: Tokens(10) };
        // 600 × 150 + 400 × 75 + 10 × 600 nano-dollars.
        assert_eq!(price.of(usage), Usd::from_nanos(90_000 + 30_000 + 6_000));
        let dear = Price { input: 0.000_5, cached_input: None, output: 0.0 };
        let one = Usage { input: Tokens(1), ..Usage::default() };
        assert_eq!(dear.of(one), Usd::from_nanos(1));
    }
}
