//! The models of a task, their providers and prices.
//!
//! No network here: `provider` makes the connections. It never holds a key, only the source of a key.

use crate::text;
use crate::units::{Tokens, Usd};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The role of a model.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ModelRole {
    /// Answers rows with the prompt under test.
    #[default]
    Task,
    /// Writes new prompts.
    Mutator,
    /// Grades answers.
    Judge,
}

impl ModelRole {
    /// All roles, in display order.
    pub const ALL: [Self; 3] = [Self::Task, Self::Mutator, Self::Judge];

    /// The default for the most tokens of an answer.
    #[must_use]
    pub fn default_max_output_tokens(self) -> u32 {
        match self {
            Self::Task | Self::Judge => 512,
            Self::Mutator => 2_000,
        }
    }

    /// The default sampling temperature.
    #[must_use]
    pub fn default_temperature(self) -> f64 {
        match self {
            Self::Task | Self::Judge => 0.0,
            Self::Mutator => 1.0,
        }
    }
}

impl fmt::Display for ModelRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Task => "task",
            Self::Mutator => "mutator",
            Self::Judge => "judge",
        })
    }
}

/// `provider/model`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ModelName(String);

impl ModelName {
    /// Parses `provider/model`; the model's own name may contain further slashes.
    ///
    /// # Errors
    /// A message that shows the form.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => {
                Err(format!("`{text}` is not a model: write `provider/model`, such as `sim/clerk`"))
            }
        }
    }

    /// The text before the first slash.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.0.split_once('/').map_or("", |(provider, _)| provider)
    }

    /// The text after the first slash: the provider's name for the model.
    #[must_use]
    pub fn model(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, model)| model)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A model with its settings, as written in the task file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelSpec {
    /// `provider/model`.
    pub model: ModelName,
    /// Sampling temperature; the default depends on the role.
    pub temperature: Option<f64>,
    /// The most tokens of an answer, always sent; the default depends on the role.
    pub max_output_tokens: Option<u32>,
    /// The context window: the most tokens of request and reply together (mutator only).
    pub context_tokens: Option<u64>,
}

impl<'de> Deserialize<'de> for ModelSpec {
    /// A name, or a table with a name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            model: ModelName,
            temperature: Option<f64>,
            max_output_tokens: Option<u32>,
            context_tokens: Option<u64>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ModelSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`provider/model` or a table with `model`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ModelSpec, E> {
                let model = ModelName::parse(text).map_err(E::custom)?;
                Ok(ModelSpec {
                    model,
                    temperature: None,
                    max_output_tokens: None,
                    context_tokens: None,
                })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<ModelSpec, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                if table.temperature.is_some_and(|t| !(0.0..=2.0).contains(&t)) {
                    return Err(serde::de::Error::custom("temperature must be between 0 and 2"));
                }
                if table.max_output_tokens == Some(0) {
                    return Err(serde::de::Error::custom("max_output_tokens must be at least 1"));
                }
                Ok(ModelSpec {
                    model: table.model,
                    temperature: table.temperature,
                    max_output_tokens: table.max_output_tokens,
                    context_tokens: table.context_tokens,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What answers the requests to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// `POST /chat/completions`.
    Openai,
    /// The built-in simulated models, in this process.
    Sim,
}

/// The source of a key, never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// The output of a command.
    Command(String),
}

impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("env", name)) if !name.trim().is_empty() => Ok(Self::Env(name.trim().to_owned())),
            Some(("command", line)) if !line.trim().is_empty() => {
                Ok(Self::Command(line.trim().to_owned()))
            }
            // The text may be a key, so it is not repeated.
            _ => Err(serde::de::Error::custom(
                "a key must not be written here: use `env:NAME` or `command:…`, and remove the key \
                 from this file",
            )),
        }
    }
}

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

/// Time limits for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// From the request to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two chunks of the answer.
    pub idle: Duration,
    /// For the whole attempt.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(120),
        }
    }
}

impl<'de> Deserialize<'de> for Timeouts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            connect: Option<String>,
            first_byte: Option<String>,
            idle: Option<String>,
            total: Option<String>,
        }
        let table = Table::deserialize(deserializer)?;
        let defaults = Self::default();
        let read = |value: Option<String>, default: Duration| match value {
            None => Ok(default),
            Some(text) => text::parse_duration(&text).map_err(serde::de::Error::custom),
        };
        let total = read(table.total, defaults.total)?;
        if total.is_zero() {
            return Err(serde::de::Error::custom("a timeout must be above 0"));
        }
        Ok(Self {
            connect: read(table.connect, defaults.connect)?.min(total),
            first_byte: read(table.first_byte, defaults.first_byte)?.min(total),
            idle: read(table.idle, defaults.idle)?.min(total),
            total,
        })
    }
}

/// A duration as people write it: `90s`, `30m`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

/// One `[providers.NAME]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The wire protocol; may be left out for a built-in provider, and is for one of a program.
    pub kind: Option<ProviderKind>,
    /// The address before the protocol's own path.
    pub base_url: Option<String>,
    /// The source of the key.
    pub api_key: Option<KeySource>,
    /// The maximum number of concurrent requests.
    pub concurrency: Option<usize>,
    /// Requests per minute.
    pub rpm: Option<u32>,
    /// The price of every model of this provider.
    pub price: Option<Price>,
    /// `free = true`: the models are free.
    #[serde(default)]
    pub free: bool,
    /// Deadlines.
    #[serde(default)]
    pub timeout: Timeouts,
    /// How long a run waits while nothing is answered, before it stops.
    #[serde(default, deserialize_with = "duration")]
    pub patience: Option<Duration>,
    /// How long a server that says that it is not ready (503) is waited for.
    #[serde(default, deserialize_with = "duration")]
    pub loading: Option<Duration>,
    /// Certificates of authorities that this provider is trusted by, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// The prices of single models.
    #[serde(default)]
    pub prices: BTreeMap<String, Price>,
}

impl Provider {
    /// Whether the simulated models answer, in this process.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.kind == Some(ProviderKind::Sim)
    }

    /// The default maximum number of concurrent requests.
    pub const DEFAULT_CONCURRENCY: usize = 16;

    /// The providers that need no table in the task file.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let bare = |kind| Self { kind: Some(kind), free: false, ..Self::of_program() };
        match name {
            "sim" => Some(bare(ProviderKind::Sim)),
            "openai" => Some(Self {
                base_url: Some("https://api.openai.com/v1".to_owned()),
                api_key: Some(KeySource::Env("OPENAI_API_KEY".to_owned())),
                ..bare(ProviderKind::Openai)
            }),
            _ => None,
        }
    }

    /// A provider that a program implements: it has no protocol, and costs nothing unless a price is
    /// given.
    #[must_use]
    pub fn of_program() -> Self {
        Self {
            kind: None,
            base_url: None,
            api_key: None,
            concurrency: None,
            rpm: None,
            price: None,
            free: true,
            timeout: Timeouts::default(),
            patience: None,
            loading: None,
            ca_file: None,
            prices: BTreeMap::new(),
        }
    }

    /// The same with what is missing taken from the built-in provider of that name.
    #[must_use]
    pub fn completed(mut self, name: &str) -> Self {
        if let Some(built_in) = Self::built_in(name) {
            self.kind = self.kind.or(built_in.kind);
            // A table with its own address is another service, which must not get the built-in key.
            if self.base_url.is_none() {
                self.api_key = self.api_key.or(built_in.api_key);
            }
            self.base_url = self.base_url.or(built_in.base_url);
        }
        self
    }

    /// The maximum number of concurrent requests.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(Self::DEFAULT_CONCURRENCY)
    }

    /// The price of a model, if known. The simulated models have fixed, simulated prices.
    #[must_use]
    pub fn price_of(&self, model: &str) -> Option<Price> {
        if self.free {
            return Some(Price::FREE);
        }
        self.prices.get(model).copied().or(self.price).or_else(|| match self.kind {
            Some(ProviderKind::Sim) => simulated_price(model),
            _ => None,
        })
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

    #[test]
    fn a_key_in_clear_is_refused_and_not_repeated() {
        let error = toml::from_str::<Provider>("api_key = \"sk-secret-123\"").unwrap_err();
        assert!(error.message().contains("env:NAME"));
        assert!(!error.message().contains("sk-secret"));
    }

    #[test]
    fn a_provider_of_an_unknown_kind_is_refused_with_the_kinds_that_exist() {
        for (typed, expected) in [
            ("opnai", "did you mean `openai`?"),
            // Known to the field, but no protocol here implements it.
            ("anthropic", "known: openai, sim"),
        ] {
            let error = toml::from_str::<Provider>(&format!("kind = \"{typed}\"")).unwrap_err();
            let (message, help) = crate::source::explain_unknown_name(error.message());
            assert_eq!(message, format!("unknown value `{typed}`"));
            assert_eq!(help.as_deref(), Some(expected));
        }
    }

    #[test]
    fn timeouts_are_clipped_to_the_total() {
        let provider: Provider = toml::from_str("timeout = { total = \"10s\" }").unwrap();
        assert_eq!(provider.timeout.first_byte, Duration::from_secs(10));
        assert_eq!(provider.timeout.connect, Duration::from_secs(5));
    }

    #[test]
    fn a_providers_own_address_does_not_inherit_the_built_in_key() {
        let table: Provider = toml::from_str("base_url = \"http://127.0.0.1:1/v1\"").unwrap();
        let provider = table.completed("openai");
        assert_eq!(provider.kind, Some(ProviderKind::Openai));
        assert_eq!(provider.api_key, None);
    }
}
