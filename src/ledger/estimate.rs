//! How many tokens a request has before a provider counts them, and what it costs at worst.

use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Tokens};
use std::collections::BTreeMap;

/// What was seen of the tokens of each role's requests and answers.
#[derive(Clone, Debug, Default)]
pub struct TokenRatios {
    prompts: BTreeMap<ModelRole, SeenPrompts>,
    outputs: BTreeMap<ModelRole, Tokens>,
}

/// What was billed of a role's prompts.
#[derive(Clone, Copy, Debug)]
struct SeenPrompts {
    /// The most tokens per byte.
    largest_ratio: f64,
    /// Bytes of the shortest request.
    shortest: u64,
    /// The most tokens of a request of that length.
    of_shortest: Tokens,
}

impl SeenPrompts {
    fn of(bytes: u64, prompt: Tokens) -> Self {
        let largest_ratio = prompt.0 as f64 / bytes as f64;
        Self { largest_ratio, shortest: bytes, of_shortest: prompt }
    }

    /// What was seen of both, in whichever order.
    fn with(self, other: Self) -> Self {
        let (shorter, longer) =
            if self.shortest <= other.shortest { (self, other) } else { (other, self) };
        let of_shortest = match shorter.shortest == longer.shortest {
            true => shorter.of_shortest.max(longer.of_shortest),
            false => shorter.of_shortest,
        };
        let largest_ratio = self.largest_ratio.max(other.largest_ratio);
        Self { largest_ratio, of_shortest, ..shorter }
    }

    /// The most tokens that a request of this many bytes has if it has no more per byte than those seen, or if a
    /// context that is added to each request explains what these have: then a shorter one has no more than the shortest.
    fn most(self, bytes: usize) -> f64 {
        let by_ratio = self.largest_ratio * bytes as f64;
        if (bytes as u64) < self.shortest {
            by_ratio.max(self.of_shortest.0 as f64)
        } else {
            by_ratio
        }
    }
}

impl TokenRatios {
    /// Takes in the bill of a request of this many bytes. A bill without a prompt, as of a refusal that costs nothing,
    /// says nothing of how many tokens prompts have.
    pub fn learn_bill(&mut self, role: ModelRole, bytes: u64, usage: Usage) {
        if bytes > 0 && usage.prompt() > Tokens::ZERO {
            self.learn_prompt(role, SeenPrompts::of(bytes, usage.prompt()));
        }
        self.learn_output(role, usage.answer());
    }

    fn learn_prompt(&mut self, role: ModelRole, seen: SeenPrompts) {
        self.prompts.entry(role).and_modify(|known| *known = known.with(seen)).or_insert(seen);
    }

    /// The largest number of tokens per byte of a role's requests.
    #[must_use]
    pub fn largest(&self, role: ModelRole) -> Option<f64> {
        self.prompts.get(&role).map(|seen| seen.largest_ratio)
    }

    /// Takes in how long an answer was billed. Only a longer one changes anything.
    fn learn_output(&mut self, role: ModelRole, output: Tokens) {
        let longest = self.outputs.entry(role).or_default();
        *longest = (*longest).max(output);
    }

    /// Takes in what was seen of a role elsewhere.
    pub fn learn_from(&mut self, role: ModelRole, seen: &Self) {
        if let Some(prompts) = seen.prompts.get(&role) {
            self.learn_prompt(role, *prompts);
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

    /// Tokens of a role's request of this many bytes: as [`estimate_tokens`] says until one was billed, and later
    /// 1.1 × the most that those billed let expect.
    #[must_use]
    pub fn estimate(&self, role: ModelRole, bytes: usize) -> Tokens {
        match self.prompts.get(&role) {
            Some(seen) => in_frame(1.1 * seen.most(bytes)),
            None => estimate_tokens(bytes),
        }
    }
}

/// Tokens of this many bytes, before any were billed: a third of them.
#[must_use]
pub fn estimate_tokens(bytes: usize) -> Tokens {
    in_frame(bytes as f64 / 3.0)
}

/// A few tokens more, for the frame that providers put around each message.
fn in_frame(tokens: f64) -> Tokens {
    Tokens(tokens.ceil() as u64 + 16)
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
        ratios.learn_bill(ModelRole::Task, 100, Usage::plain(50, 1));
        assert_eq!(ratios.estimate(ModelRole::Task, 100), Tokens(55 + 16 + 1), "rounded up");
        assert_eq!(ratios.estimate(ModelRole::Task, 200), Tokens(110 + 16 + 1));
        assert_eq!(ratios.estimate(ModelRole::Task, 10), Tokens(55 + 16 + 1), "as the shortest");
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

        /// A context that a service adds to every request is covered whatever the lengths, once one was billed.
        #[test]
        fn an_estimate_covers_a_context_that_each_request_has(
            context in 0u64..100_000, ratio in 0.0f64..1.0,
            seen in prop::collection::vec(1u64..100_000, 1..5), bytes in 1usize..100_000,
        ) {
            let tokens = |bytes: u64| context + (ratio * bytes as f64) as u64;
            let mut ratios = TokenRatios::default();
            for bytes in &seen {
                ratios.learn_bill(ModelRole::Task, *bytes, Usage::plain(tokens(*bytes), 1));
            }
            let asked = tokens(bytes as u64);
            prop_assume!(ratios.largest(ModelRole::Task).is_some());
            prop_assert!(ratios.estimate(ModelRole::Task, bytes) >= Tokens(asked));
        }

        /// What is seen in another order, or in two parts, gives the same estimates.
        #[test]
        fn the_order_of_what_is_seen_does_not_matter(
            seen in prop::collection::vec((1u64..200, 0u64..1_000), 1..20), bytes in 0usize..400,
        ) {
            let learnt = |seen: &mut dyn Iterator<Item = &(u64, u64)>| {
                let mut ratios = TokenRatios::default();
                for (bytes, tokens) in seen {
                    ratios.learn_bill(ModelRole::Task, *bytes, Usage::plain(*tokens, 1));
                }
                ratios
            };
            let forwards = learnt(&mut seen.iter());
            let mut backwards = learnt(&mut seen.iter().rev().take(seen.len() / 2));
            backwards.learn_from(ModelRole::Task, &forwards);
            prop_assert_eq!(
                forwards.estimate(ModelRole::Task, bytes),
                backwards.estimate(ModelRole::Task, bytes)
            );
        }
    }
}
