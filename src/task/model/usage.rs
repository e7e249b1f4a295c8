//! The tokens of a call, in counters that share no token.

use crate::units::Tokens;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Tokens of one call as counted by the provider. Each token is in exactly one counter; every protocol
/// maps its own counts to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that were neither read from a cache nor written to one.
    pub uncached_input: Tokens,
    /// Prompt tokens that the provider had cached.
    pub cached_input: Tokens,
    /// Prompt tokens that the provider wrote to its cache.
    pub cache_write: Tokens,
    /// Answer tokens without reasoning.
    pub output: Tokens,
    /// Reasoning tokens.
    pub reasoning: Tokens,
}

impl Usage {
    /// No tokens.
    pub const NONE: Self = Self {
        uncached_input: Tokens::ZERO,
        cached_input: Tokens::ZERO,
        cache_write: Tokens::ZERO,
        output: Tokens::ZERO,
        reasoning: Tokens::ZERO,
    };

    /// Without a cache, and without reasoning.
    #[must_use]
    pub fn plain(prompt: u64, answer: u64) -> Self {
        Self { uncached_input: Tokens(prompt), output: Tokens(answer), ..Self::default() }
    }

    /// The same call with a prompt that is this much longer.
    #[must_use]
    pub fn with_longer_prompt(self, by: Tokens) -> Self {
        Self { uncached_input: Tokens(self.uncached_input.0.saturating_add(by.0)), ..self }
    }

    /// From a provider whose prompt count includes what was cached and written, and whose answer count
    /// includes reasoning. Parts that are larger than their whole show that it leaves them out: they are beside it.
    #[must_use]
    pub fn of_totals(prompt: u64, cached: u64, written: u64, answer: u64, reasoning: u64) -> Self {
        let without = |whole: u64, parts: u64| Tokens(whole.checked_sub(parts).unwrap_or(whole));
        Self {
            uncached_input: without(prompt, cached.saturating_add(written)),
            cached_input: Tokens(cached),
            cache_write: Tokens(written),
            output: without(answer, reasoning),
            reasoning: Tokens(reasoning),
        }
    }

    /// All prompt tokens.
    #[must_use]
    pub fn prompt(self) -> Tokens {
        self.uncached_input + self.cached_input + self.cache_write
    }

    /// All tokens of the answer.
    #[must_use]
    pub fn answer(self) -> Tokens {
        self.output + self.reasoning
    }

    /// All tokens.
    #[must_use]
    pub fn total(self) -> Tokens {
        self.prompt() + self.answer()
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.uncached_input += other.uncached_input;
        self.cached_input += other.cached_input;
        self.cache_write += other.cache_write;
        self.output += other.output;
        self.reasoning += other.reasoning;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No token is lost, whatever a provider reports, and none is counted twice where its numbers agree.
        #[test]
        fn the_counters_sum_to_what_the_provider_counted(
            prompt in 0u64..1_000_000, cached in 0u64..2_000_000, written in 0u64..2_000_000,
            answer in 0u64..1_000_000, reasoning in 0u64..2_000_000,
        ) {
            let usage = Usage::of_totals(prompt, cached, written, answer, reasoning);
            let whole = |whole, parts| if parts > whole { whole + parts } else { whole };
            prop_assert_eq!(usage.prompt(), Tokens(whole(prompt, cached + written)));
            prop_assert_eq!(usage.answer(), Tokens(whole(answer, reasoning)));
            prop_assert_eq!((usage.cached_input, usage.cache_write), (Tokens(cached), Tokens(written)));
            prop_assert_eq!(usage.reasoning, Tokens(reasoning));
            // What is journaled are the wholes, which hold their parts: it is read as it was.
            let again = Usage::of_totals(usage.prompt().0, cached, written, usage.answer().0, reasoning);
            prop_assert_eq!(again, usage);
        }
    }
}
