//! What calls cost: prices in US dollars per million tokens.

use super::usage::Usage;
use crate::units::{Tokens, Usd};
use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// US dollars per million tokens, and for each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PriceTable")]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Prompt tokens that the provider had cached; the default is `input`.
    pub cached_input: Option<f64>,
    /// Prompt tokens that the provider writes to its cache; the default is `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Answer tokens.
    pub output: f64,
    /// Reasoning tokens; the default is `output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<f64>,
    /// The factor of the provider's batch API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<f64>,
    /// Other prices for requests with long prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_context: Option<LongContext>,
    /// US dollars for each call, beside its tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_call: Option<f64>,
    /// The most US dollars of a call, where a target says itself what a call costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_call: Option<f64>,
}

/// The table of a price.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceTable {
    /// Prompt tokens, per million; may be left out where `per_call` or `max_per_call` is written.
    #[serde(default, deserialize_with = "dollars")]
    #[schemars(with = "f64", example = 0.4)]
    input: Option<f64>,
    /// Prompt tokens that the provider had cached; the default is `input`.
    #[schemars(example = 0.1)]
    cached_input: Option<f64>,
    /// Prompt tokens that the provider writes to its cache; the default is `input`.
    #[schemars(example = 0.5)]
    cache_write: Option<f64>,
    /// Answer tokens, per million; may be left out where `per_call` or `max_per_call` is written.
    #[serde(default, deserialize_with = "dollars")]
    #[schemars(with = "f64", example = 1.6)]
    output: Option<f64>,
    /// Reasoning tokens; the default is `output`.
    #[schemars(example = 1.6)]
    reasoning: Option<f64>,
    /// The factor of the provider's batch API.
    #[schemars(example = 0.5)]
    batch: Option<f64>,
    /// Other prices for requests with long prompts.
    #[schemars(example = serde_json::json!({ "above": 200_000, "input": 0.8, "output": 3.2 }))]
    long_context: Option<LongContext>,
    /// US dollars for each call, beside its tokens.
    #[schemars(example = 0.01)]
    per_call: Option<f64>,
    /// The most US dollars of a call, where a target (`exec`, `http`) says itself what a call costs: that much is set
    /// aside before each call, and is what a call costs that says nothing.
    #[schemars(example = 0.05)]
    max_per_call: Option<f64>,
}

impl TryFrom<PriceTable> for Price {
    type Error = String;

    fn try_from(table: PriceTable) -> Result<Self, String> {
        let PriceTable { input, output, per_call, max_per_call, .. } = table;
        let is_of_calls = per_call.is_some() || max_per_call.is_some();
        let of_tokens = |price: Option<f64>, name: &str| match price {
            Some(price) => Ok(price),
            None if is_of_calls && input.is_none() == output.is_none() => Ok(0.0),
            None => Err(format!("missing field `{name}`")),
        };
        Ok(Self {
            input: of_tokens(input, "input")?,
            cached_input: table.cached_input,
            cache_write: table.cache_write,
            output: of_tokens(output, "output")?,
            reasoning: table.reasoning,
            batch: table.batch,
            long_context: table.long_context,
            per_call,
            max_per_call,
        })
    }
}

/// What all tokens of a request cost whose prompt is long, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LongContext {
    /// A prompt with more tokens than this is long.
    pub above: u64,
    /// Prompt tokens.
    pub input: f64,
    /// Prompt tokens that the provider had cached; the default is `input`.
    pub cached_input: Option<f64>,
    /// Prompt tokens that the provider writes to its cache; the default is `input`.
    pub cache_write: Option<f64>,
    /// Answer tokens, including reasoning.
    pub output: f64,
}

/// What stands for a price in lines that are shown to be copied: no number, so that it cannot be left as it is.
pub const UNFILLED: &str = "\"?\"";

/// Reads a number; a text is a price that was not filled in.
fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    struct Number;
    impl Visitor<'_> for Number {
        type Value = f64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a price in US dollars per million tokens, such as 2.5")
        }
        fn visit_f64<E>(self, number: f64) -> Result<f64, E> {
            Ok(number)
        }
        fn visit_i64<E>(self, number: i64) -> Result<f64, E> {
            Ok(number as f64)
        }
        fn visit_u64<E>(self, number: u64) -> Result<f64, E> {
            Ok(number as f64)
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
            Err(E::custom(format!(
                "`{text}` is no price: fill in US dollars per million tokens, such as 2.5, or write \
                 `free = true` in the provider's table in place of its price"
            )))
        }
    }
    deserializer.deserialize_any(Number).map(Some)
}

/// The least that is counted, in US dollars per million tokens.
const LEAST: f64 = 1e-6;

/// What is wrong with a price, or with the factor of a batch.
fn flaw(price: f64) -> Option<&'static str> {
    if price.is_nan() {
        Some("a price must be a number")
    } else if price < 0.0 {
        Some("a price must not be negative")
    } else if price >= 1e6 {
        Some("a price is in US dollars per million tokens, and below a million")
    } else if price > 0.0 && price < LEAST {
        Some("a price is in US dollars per million tokens, and at least 0.000001")
    } else {
        None
    }
}

impl Price {
    /// The price of free models, such as local ones.
    pub const FREE: Self = Self::plain(0.0, 0.0);

    /// The same price for all prompt tokens, and the same for all answer tokens.
    #[must_use]
    pub const fn plain(input: f64, output: f64) -> Self {
        let (cached_input, cache_write, reasoning) = (None, None, None);
        Self {
            input,
            cached_input,
            cache_write,
            output,
            reasoning,
            batch: None,
            long_context: None,
            per_call: None,
            max_per_call: None,
        }
    }

    /// Whether nothing costs anything.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let own = [Some(self.input), self.cached_input, self.cache_write, Some(self.output)];
        let long = self.long_context.map(Self::from);
        own.iter()
            .chain([&self.reasoning, &self.per_call, &self.max_per_call])
            .flatten()
            .all(|price| *price == 0.0)
            && long.is_none_or(|long| long.is_free())
    }

    /// What is wrong with one of the prices.
    #[must_use]
    pub fn flaw(&self) -> Option<&'static str> {
        let own = [Some(self.input), self.cached_input, self.cache_write, Some(self.output)];
        let own = own.into_iter().chain([self.reasoning, self.batch]).flatten();
        let long = self.long_context.map(Self::from);
        let flaw_of_call = |price: f64| match price {
            price if price.is_nan() => Some("the price of a call must be a number"),
            price if !(0.0..1e6).contains(&price) => {
                Some("the price of a call is in US dollars, from 0 to below a million")
            }
            _ => None,
        };
        let calls = [self.per_call, self.max_per_call].into_iter().flatten();
        let too_little = self.max_per_call.is_some_and(|max| self.per_call.unwrap_or(0.0) > max);
        own.filter_map(flaw)
            .chain(calls.filter_map(flaw_of_call))
            .chain(too_little.then_some("`max_per_call` is below `per_call`"))
            .next()
            .or_else(|| long.and_then(|long| long.flaw()))
    }

    /// The price of a request whose prompt has this many tokens.
    fn at(&self, prompt: Tokens) -> Self {
        match self.long_context {
            Some(long) if prompt.0 > long.above => {
                Self { per_call: self.per_call, max_per_call: self.max_per_call, ..long.into() }
            }
            _ => Self { long_context: None, ..*self },
        }
    }

    /// The price in a batch; the same where the factor is not known.
    #[must_use]
    pub fn in_batch(&self) -> Self {
        let factor = self.batch.unwrap_or(1.0);
        let all = |price: Option<f64>| price.map(|price| price * factor);
        Self {
            input: self.input * factor,
            cached_input: all(self.cached_input),
            cache_write: all(self.cache_write),
            output: self.output * factor,
            reasoning: all(self.reasoning),
            batch: None,
            per_call: self.per_call,
            max_per_call: self.max_per_call,
            long_context: self.long_context.map(|long| LongContext {
                above: long.above,
                input: long.input * factor,
                cached_input: all(long.cached_input),
                cache_write: all(long.cache_write),
                output: long.output * factor,
            }),
        }
    }

    /// Whether a target says itself what its calls cost.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.max_per_call.is_some()
    }

    /// What a call costs beside its tokens, in dollars. A target that says nothing may have paid the most.
    fn of_call(&self) -> f64 {
        let of_tokens = self.input > 0.0 || self.output > 0.0;
        self.per_call.or(self.max_per_call.filter(|_| !of_tokens)).unwrap_or(0.0)
    }

    /// The cost of a call, rounded up to a whole nano-dollar. One that used nothing costs nothing.
    #[must_use]
    pub fn of(&self, usage: Usage) -> Usd {
        let price = self.at(usage.prompt());
        // 1 USD per million tokens is 1,000,000 pico-dollars per token.
        let picos =
            |tokens: Tokens, price: f64| u128::from(tokens.0) * (price * 1e6).round() as u128;
        let total = picos(usage.uncached_input, price.input)
            + picos(usage.cached_input, price.cached_input.unwrap_or(price.input))
            + picos(usage.cache_write, price.cache_write.unwrap_or(price.input))
            + picos(usage.output, price.output)
            + picos(usage.reasoning, price.reasoning.unwrap_or(price.output));
        let tokens = Usd::from_nanos(u64::try_from(total.div_ceil(1_000)).unwrap_or(u64::MAX));
        let call = if usage == Usage::NONE { 0.0 } else { price.of_call() };
        tokens + usd_of(call)
    }

    /// The most that a call of this many tokens can cost: whatever the provider caches, writes to its
    /// cache or reasons, and on whichever side of the limit of long prompts it is.
    #[must_use]
    pub fn worst(&self, prompt: Tokens, answer: Tokens) -> Usd {
        let dearest = |price: Self| {
            let input = [price.cached_input, price.cache_write].into_iter().flatten();
            let input = input.fold(price.input, f64::max);
            let output = price.output.max(price.reasoning.unwrap_or(price.output));
            Self::plain(input, output).of(Usage::plain(prompt.0, answer.0))
        };
        let short = dearest(self.at(Tokens::ZERO));
        // The tokens are an estimate, which may be above or below what is counted.
        let tokens = match self.long_context {
            Some(long) if prompt.0 > long.above / 2 => short.max(dearest(long.into())),
            _ => short,
        };
        (tokens + usd_of(self.of_call())).max(usd_of(self.max_per_call.unwrap_or(0.0)))
    }

    /// What calls would have cost without their provider's cache, less what they cost, in dollars; below
    /// zero where writing cost more than reading saved. Long prompts count at the price of short ones.
    #[must_use]
    pub fn saved_by_cache(&self, usage: Usage) -> f64 {
        let saved = |tokens: Tokens, price: Option<f64>| {
            tokens.0 as f64 * (self.input - price.unwrap_or(self.input)) / 1e6
        };
        saved(usage.cached_input, self.cached_input) + saved(usage.cache_write, self.cache_write)
    }
}

/// A price that was checked.
fn usd_of(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap_or(Usd::MAX)
}

impl From<LongContext> for Price {
    fn from(long: LongContext) -> Self {
        let LongContext { above: _, input, cached_input, cache_write, output } = long;
        Self { cached_input, cache_write, ..Self::plain(input, output) }
    }
}

/// Where a price comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The task.
    Task,
    /// The table of this program.
    Table {
        /// The page that states it.
        source: String,
        /// When it was read.
        date: String,
    },
    /// It belongs to a simulated model.
    Simulated,
    /// The model is free.
    Free,
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task => f.write_str("price of the task"),
            Self::Table { source, date } => write!(f, "price of {date} ({source})"),
            Self::Simulated => f.write_str("simulated price"),
            Self::Free => f.write_str("free"),
        }
    }
}

/// The simulated prices of the simulated models, in USD per million tokens.
#[must_use]
pub fn simulated_price(model: &str) -> Option<Price> {
    match model {
        "clerk" => Some(Price { cached_input: Some(0.075), ..Price::plain(0.15, 0.60) }),
        "editor" => Some(Price { cached_input: Some(1.25), ..Price::plain(2.50, 10.0) }),
        "embedder" => Some(Price::plain(0.02, 0.0)),
        judge if judge == "judge" || judge.starts_with("judge-") => Some(Price::plain(0.40, 1.60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_call_is_priced_to_the_nano_dollar_and_rounded_up() {
        let price = Price { cached_input: Some(0.075), ..Price::plain(0.15, 0.60) };
        let usage = Usage::of_totals(1_000, 400, 0, 10, 4);
        // 600 × 150 + 400 × 75 + 10 × 600 nano-dollars.
        assert_eq!(price.of(usage), Usd::from_nanos(90_000 + 30_000 + 6_000));
        assert_eq!(Price::plain(0.000_5, 0.0).of(Usage::plain(1, 0)), Usd::from_nanos(1));
    }

    fn dear() -> Price {
        Price {
            cached_input: Some(0.3),
            cache_write: Some(3.75),
            reasoning: Some(20.0),
            long_context: Some(LongContext {
                above: 200_000,
                input: 6.0,
                cached_input: Some(0.6),
                cache_write: Some(7.5),
                output: 22.5,
            }),
            ..Price::plain(3.0, 15.0)
        }
    }

    #[test]
    fn a_long_prompt_changes_the_price_of_all_tokens() {
        let at = |prompt| dear().of(Usage::of_totals(prompt, 1_000, 2_000, 10, 4)).nanos();
        let short = 197_000 * 3_000 + 1_000 * 300 + 2_000 * 3_750 + 6 * 15_000 + 4 * 20_000;
        assert_eq!(at(200_000), short);
        let long = 197_001 * 6_000 + 1_000 * 600 + 2_000 * 7_500 + 10 * 22_500;
        assert_eq!(at(200_001), long);
    }

    #[test]
    fn a_call_has_a_price_of_its_own_and_one_that_says_nothing_costs_the_most() {
        let price = |text: &str| toml::from_str::<Price>(text).unwrap();
        let (usage, cent) = (Usage::plain(1_000, 100), 10_000_000);
        let nanos = |text: &str| {
            let price = price(text);
            assert_eq!(price.flaw(), None, "{text}");
            assert_eq!(price.of(Usage::NONE), Usd::ZERO, "{text}");
            [price.of(usage), price.worst(Tokens(1_000), Tokens(100))].map(Usd::nanos)
        };
        assert_eq!(nanos("per_call = 0.01"), [cent, cent]);
        assert_eq!(nanos("max_per_call = 0.05"), [5 * cent, 5 * cent]);
        assert_eq!(nanos("per_call = 0.01\nmax_per_call = 0.05"), [cent, 5 * cent]);
        let tokens = 1_000 * 2_000 + 100 * 4_000;
        assert_eq!(nanos("input = 2\noutput = 4\nper_call = 0.01"), [tokens + cent; 2]);
        assert_eq!(nanos("input = 2\noutput = 4\nmax_per_call = 0.05"), [tokens, 5 * cent]);
        assert!(!price("per_call = 0.01").is_free() && price("per_call = 0").is_free());
        for (text, words) in [
            ("per_call = 0.02\nmax_per_call = 0.01", "below `per_call`"),
            ("per_call = -1", "from 0 to below a million"),
            ("max_per_call = nan", "must be a number"),
        ] {
            assert!(price(text).flaw().is_some_and(|flaw| flaw.contains(words)), "{text}");
        }
        for text in ["", "input = 1", "output = 1\nper_call = 0.01", "max_usd = 1"] {
            assert!(toml::from_str::<Price>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_cache_saves_or_costs_is_told() {
        let saved = |cached, written| {
            dear().saved_by_cache(Usage::of_totals(1_000_000, cached, written, 5, 0))
        };
        assert!((saved(1_000_000, 0) - 2.7).abs() < 1e-9);
        assert!((saved(0, 1_000_000) + 0.75).abs() < 1e-9, "writing costs more");
        assert!(saved(0, 0).abs() < 1e-9);
    }

    proptest! {
        /// However a provider bills this many tokens, what is set aside covers it.
        #[test]
        fn the_worst_case_covers_every_bill(
            prompt in 0u64..400_000, cached in 0u64..400_000, written in 0u64..400_000,
            answer in 0u64..10_000, reasoning in 0u64..10_000,
        ) {
            let usage = Usage::of_totals(prompt, cached, written, answer, reasoning);
            prop_assert!(dear().worst(usage.prompt(), usage.answer()) >= dear().of(usage));
        }
    }

    #[test]
    fn a_batch_costs_its_factor_of_every_part_also_of_long_prompts() {
        let long = LongContext {
            above: 100,
            input: 4.0,
            cached_input: Some(1.0),
            cache_write: None,
            output: 8.0,
        };
        let parts = (Some(0.5), Some(2.5), Some(6.0));
        let (cached_input, cache_write, reasoning) = parts;
        let price = Price {
            cached_input,
            cache_write,
            reasoning,
            batch: Some(0.5),
            long_context: Some(long),
            ..Price::plain(2.0, 4.0)
        };
        for prompt in [90, 1_000] {
            let usage = Usage::of_totals(prompt, 20, 10, 30, 8);
            assert_eq!(2 * price.in_batch().of(usage).nanos(), price.of(usage).nanos(), "{prompt}");
        }
        let unknown = Price { batch: None, ..price };
        let usage = Usage::plain(10, 10);
        assert_eq!(unknown.in_batch().of(usage), unknown.of(usage));
    }
}
