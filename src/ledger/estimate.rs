//! How many tokens a request has before a provider counts them, and what it costs at worst.

use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Tokens};
use std::collections::BTreeMap;

/// What was seen of a role's tokens: the largest number per byte of a prompt, and the longest answer.
#[derive(Clone, Debug, Default)]
pub struct TokenRatios {
    ratios: BTreeMap<ModelRole, f64>,
    outputs: BTreeMap<ModelRole, Tokens>,
}

impl TokenRatios {
    /// Takes in the bill of a request of this many bytes. A bill without a prompt, as of a refusal that costs nothing,
    /// says nothing of how many tokens prompts have.
    pub fn learn_bill(&mut self, role: ModelRole, bytes: u64, usage: Usage) {
        if bytes > 0 && usage.prompt() > Tokens::ZERO {
            self.learn(role, usage.prompt().0 as f64 / bytes as f64);
        }
        self.learn_output(role, usage.answer());
    }

    /// Takes in a ratio. Only a larger one changes anything.
    fn learn(&mut self, role: ModelRole, ratio: f64) {
        let largest = self.ratios.entry(role).or_default();
        *largest = largest.max(ratio);
    }

    /// The largest ratio of a role's requests.
    #[must_use]
    pub fn largest(&self, role: ModelRole) -> Option<f64> {
        self.ratios.get(&role).copied()
    }

    /// Takes in how long an answer was billed. Only a longer one changes anything.
    fn learn_output(&mut self, role: ModelRole, output: Tokens) {
        let longest = self.outputs.entry(role).or_default();
        *longest = (*longest).max(output);
    }

    /// Takes in what was seen of a role elsewhere.
    pub fn learn_from(&mut self, role: ModelRole, seen: &Self) {
        if let Some(ratio) = seen.largest(role) {
            self.learn(role, ratio);
        }
        self.learn_output(role, seen.outputs.get(&role).copied().unwrap_or_default());
    }

    /// The longest answer to expect where this many tokens are asked for: some providers bill reasoning
    /// beyond what was asked for.
    #[must_use]
    pub fn longest_output(&self, role: ModelRole, max_output_tokens: u32) -> Tokens {
        let asked = Tokens(u64::from(max_output_tokens));
        asked.max(self.outputs.get(&role).copied().unwrap_or_default())
    }

    /// Tokens of a role's request of this many bytes.
    #[must_use]
    pub fn estimate(&self, role: ModelRole, bytes: usize) -> Tokens {
        estimate_tokens(self.largest(role), bytes)
    }
}

/// Tokens of this many bytes: bytes / 3 at first, later 1.1 × the largest ratio seen.
#[must_use]
pub fn estimate_tokens(largest_ratio: Option<f64>, bytes: usize) -> Tokens {
    let per_byte = largest_ratio.map_or(1.0 / 3.0, |ratio| 1.1 * ratio);
    // A few tokens stand for the frame that providers put around each message.
    Tokens((bytes as f64 * per_byte).ceil() as u64 + 16)
}

/// The worst case of a request: its estimated prompt, and the longest answer.
#[must_use]
pub fn worst_case(price: Option<Price>, prompt: Tokens, output: Tokens) -> Amount {
    Amount { usd: price.unwrap_or(Price::FREE).worst(prompt, output), tokens: prompt + output }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_first_estimate_is_a_third_of_the_bytes_and_a_later_one_follows_what_was_seen() {
        let mut ratios = TokenRatios::default();
        assert_eq!(ratios.estimate(ModelRole::Task, 300), Tokens(116));
        ratios.learn(ModelRole::Task, 0.5);
        assert_eq!(ratios.estimate(ModelRole::Task, 100), Tokens(55 + 16 + 1), "rounded up");
        assert_eq!(ratios.estimate(ModelRole::MUTATOR, 300), Tokens(116), "each role has its own");
    }

    #[test]
    fn a_worst_case_has_the_whole_answer_at_the_price_of_one() {
        let price = Price { cached_input: Some(0.1), ..Price::plain(1.0, 10.0) };
        let worst = worst_case(Some(price), Tokens(100), Tokens(50));
        assert_eq!(worst.tokens, Tokens(150));
        assert_eq!(worst.usd.nanos(), 100 * 1_000 + 50 * 10_000);
        assert_eq!(worst_case(None, Tokens(100), Tokens(50)).usd.nanos(), 0);
    }

    proptest! {
        /// A later estimate of a request that was seen covers what the provider counted.
        #[test]
        fn an_estimate_covers_every_request_that_was_seen(
            seen in prop::collection::vec((1usize..100_000, 0u64..100_000), 1..20),
        ) {
            let mut ratios = TokenRatios::default();
            for (bytes, tokens) in &seen {
                ratios.learn_bill(ModelRole::Task, *bytes as u64, Usage::plain(*tokens, 1));
            }
            for (bytes, tokens) in &seen {
                prop_assert!(ratios.estimate(ModelRole::Task, *bytes) >= Tokens(*tokens));
            }
            // A refusal that costs nothing teaches nothing.
            let mut unbilled = TokenRatios::default();
            unbilled.learn_bill(ModelRole::Task, 100, Usage::NONE);
            prop_assert_eq!(unbilled.estimate(ModelRole::Task, 300), Tokens(116));
        }

        /// What is seen in another order gives the same estimates.
        #[test]
        fn the_order_of_what_is_seen_does_not_matter(
            seen in prop::collection::vec(0.0f64..5.0, 1..20), bytes in 0usize..100_000,
        ) {
            let (mut forwards, mut backwards) = (TokenRatios::default(), TokenRatios::default());
            seen.iter().for_each(|ratio| forwards.learn(ModelRole::Task, *ratio));
            seen.iter().rev().for_each(|ratio| backwards.learn(ModelRole::Task, *ratio));
            prop_assert_eq!(
                forwards.estimate(ModelRole::Task, bytes),
                backwards.estimate(ModelRole::Task, bytes)
            );
        }
    }
}
