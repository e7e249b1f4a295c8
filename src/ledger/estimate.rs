//! How many tokens a request has before a provider counts them, and what it costs at worst.

use crate::task::model::{ModelRole, Price, Usage};
use crate::units::{Amount, Tokens};
use std::cmp::{Reverse, max_by_key};
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
    /// The bytes of the shortest request, and the most tokens of one of that length.
    shortest: (u64, Tokens),
    /// The same of the longest.
    longest: (u64, Tokens),
    /// The fewest tokens of a request: a context that is added to each has no more.
    fewest: Tokens,
    /// The most tokens of a request beyond its bytes, where one has more tokens than bytes.
    beyond_bytes: Tokens,
}

impl SeenPrompts {
    fn of(bytes: u64, prompt: Tokens) -> Self {
        Self {
            largest_ratio: prompt.0 as f64 / bytes as f64,
            shortest: (bytes, prompt),
            longest: (bytes, prompt),
            fewest: prompt,
            beyond_bytes: prompt.saturating_sub(Tokens(bytes)),
        }
    }

    /// What was seen of both, in whichever order.
    fn with(self, other: Self) -> Self {
        let by_length = |(bytes, prompt): (u64, Tokens)| (Reverse(bytes), prompt);
        Self {
            largest_ratio: self.largest_ratio.max(other.largest_ratio),
            shortest: *max_by_key(&self.shortest, &other.shortest, |it| by_length(**it)),
            longest: self.longest.max(other.longest),
            fewest: self.fewest.min(other.fewest),
            beyond_bytes: self.beyond_bytes.max(other.beyond_bytes),
        }
    }

    /// The most tokens that a request of this many bytes is expected to have.
    fn most(self, bytes: usize) -> f64 {
        let by_ratio = MARGIN * self.largest_ratio * bytes as f64;
        if (bytes as u64) < self.shortest.0 {
            // A context that is added to each request may explain what the shortest has.
            return by_ratio.max(MARGIN * self.shortest.1.0 as f64);
        }
        match self.per_more_byte() {
            Some(each) => by_ratio.min(self.with_context(bytes, each)),
            None => by_ratio,
        }
    }

    /// The most tokens that one may have whose text is unlike all that were billed.
    fn most_of_new(self, bytes: usize) -> f64 {
        let each = self.per_more_byte().unwrap_or(1.0);
        self.with_context(bytes, each).max(self.most(bytes))
    }

    /// A context of as many tokens as were ever billed, and this many for each byte.
    fn with_context(self, bytes: usize, each: f64) -> f64 {
        let context = (MARGIN * self.fewest.0 as f64).max(self.beyond_bytes.0 as f64);
        context + each * bytes as f64
    }

    /// Tokens for each further byte, once requests of different lengths were billed: at least 1, which no tokenizer that
    /// reads bytes passes, and more where a service bills a prompt several times.
    fn per_more_byte(self) -> Option<f64> {
        let ((short, few), (long, many)) = (self.shortest, self.longest);
        let more = (long - short) as f64;
        (more >= UNLIKE * short as f64)
            .then(|| (MARGIN * (many.0 as f64 - few.0 as f64) / more).max(1.0))
    }
}

/// What is expected is this many times what was billed.
const MARGIN: f64 = 1.1;
/// Requests that differ by this share of the shorter one's length say what a further byte costs.
const UNLIKE: f64 = 0.2;

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

    /// Takes in the bill of the same model in another role: how many tokens a prompt has does not depend on that.
    pub fn learn_prompt_of(&mut self, role: ModelRole, bytes: u64, usage: Usage) {
        self.learn_bill(role, bytes, Usage::plain(usage.prompt().0, 0));
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

    /// Tokens of a role's request of this many bytes: as [`estimate_tokens`] says until one was billed. Later 1.1 × the
    /// largest number of tokens per byte that was billed or, where that is less, 1.1 × the fewest tokens of a request and
    /// those of its bytes.
    #[must_use]
    pub fn estimate(&self, role: ModelRole, bytes: usize) -> Tokens {
        match self.prompts.get(&role) {
            Some(seen) => in_frame(seen.most(bytes)),
            None => estimate_tokens(bytes),
        }
    }

    /// The same for a text of which nothing was billed yet, and which may be in another script: a token for each byte,
    /// and 1.1 × the fewest tokens of a request.
    #[must_use]
    pub fn estimate_new(&self, role: ModelRole, bytes: usize) -> Tokens {
        match self.prompts.get(&role) {
            Some(seen) => in_frame(seen.most_of_new(bytes)),
            None => in_frame(bytes as f64),
        }
    }

    /// The same for a known prompt with a row of which nothing was billed yet: of its bytes, those after the first
    /// `stable` ones are the row's.
    #[must_use]
    pub fn estimate_new_row(&self, role: ModelRole, stable: usize, bytes: usize) -> Tokens {
        let row = Tokens(bytes.saturating_sub(stable) as u64);
        self.estimate(role, bytes).max(self.estimate(role, stable) + row)
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
        assert_eq!(ratios.estimate_new(ModelRole::Task, 300), Tokens(55 + 300 + 16));
        assert_eq!(ratios.estimate_new(ModelRole::MUTATOR, 300), Tokens(316));
        let with_row = ratios.estimate_new_row(ModelRole::Task, 200, 300);
        assert_eq!(with_row, Tokens(110 + 100 + 16 + 1), "a token for each byte of the row alone");
        // 5,000 tokens are added to each request; what is beyond the longest is not multiplied by them.
        let mut hidden = TokenRatios::default();
        hidden.learn_bill(ModelRole::Task, 40, Usage::plain(5_010, 1));
        hidden.learn_bill(ModelRole::Task, 50, Usage::plain(5_012, 1));
        assert_eq!(hidden.estimate(ModelRole::Task, 759), Tokens(5_511 + 759 + 16));
        // A prompt that is billed three times.
        let mut thrice = TokenRatios::default();
        thrice.learn_bill(ModelRole::Task, 100, Usage::plain(300, 1));
        thrice.learn_bill(ModelRole::Task, 200, Usage::plain(600, 1));
        assert!(thrice.estimate(ModelRole::Task, 1_000) >= Tokens(3_000));
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

        /// However dense a text is in tokens, and whatever context is added to each request: once one was billed, a new
        /// text of at most a token for each byte is covered.
        #[test]
        fn an_estimate_of_a_new_text_covers_any_script(
            context in 0u64..100_000,
            seen in prop::collection::vec((1u64..10_000, 0.0f64..1.0), 1..6),
            bytes in 1usize..10_000, density in 0.0f64..1.0,
        ) {
            let tokens = |bytes: u64, density: f64| context + (density * bytes as f64) as u64;
            let mut ratios = TokenRatios::default();
            for (bytes, density) in &seen {
                ratios.learn_bill(ModelRole::Task, *bytes, Usage::plain(tokens(*bytes, *density), 1));
            }
            let asked = Tokens(tokens(bytes as u64, density));
            prop_assert!(ratios.estimate_new(ModelRole::Task, bytes) >= asked);
            let known = ratios.estimate(ModelRole::Task, bytes);
            prop_assert!(ratios.estimate_new(ModelRole::Task, bytes) >= known);
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
