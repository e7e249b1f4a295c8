//! The models of a task, their providers and prices.
//!
//! No network here: `provider` makes the connections. It never holds a key, only the source of a key.

// A file uses only files declared above it.
mod usage; // The tokens of a call.
mod price; // What calls cost.
mod price_table; // The prices that this program knows.
mod timeouts; // How long an attempt may take.
mod kind; // The wire protocols, by name.
mod execution; // Whether calls are made one by one or in batches.
mod hedge; // When a late request is sent a second time.
mod schema; // The JSON Schema that answers must follow.
mod field; // The name of a field, or that it is not sent.
mod service; // What protocols call their fields, and how services want to be asked.
mod form_table; // The keys that change how a request is written.
mod form; // How a request is written.
mod refused_fields; // What servers refused.
mod key_source; // Where a key comes from.
mod provider; // One `[providers.NAME]` table.

pub use execution::Execution;
pub use field::{Cache, FieldName, SystemRole, Temperature};
pub use form::RequestForm;
pub use form_table::FormTable;
pub use hedge::Hedge;
pub use key_source::{KeyCommand, KeySource};
pub use kind::ProviderKind;
pub use price::{LongContext, Price, PriceSource, UNFILLED, simulated_price};
pub use provider::Provider;
pub use refused_fields::RefusedFields;
pub use schema::SchemaSource;
pub use timeouts::Timeouts;
pub use usage::Usage;

use crate::id::{JudgeIx, MutatorIx};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The role of a model.
///
/// It is written `task`, `mutator`, `judge`, `embed`; further mutators are `mutator-2`, `mutator-3`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub enum ModelRole {
    /// Answers rows with the prompt under test.
    #[default]
    Task,
    /// Writes new prompts; by its place among the task's mutators.
    Mutator(MutatorIx),
    /// Grades answers; by its place among the task's judges.
    Judge(JudgeIx),
    /// Says by vectors how near texts of prompts are to each other.
    Embed,
}

impl ModelRole {
    /// The mutator, or the first of several.
    pub const MUTATOR: Self = Self::Mutator(MutatorIx::FIRST);
    /// The judge, or the first of several.
    pub const JUDGE: Self = Self::Judge(JudgeIx::FIRST);

    /// The key of its models in a task file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Mutator(_) => "mutator",
            Self::Judge(_) => "judge",
            Self::Embed => "embed",
        }
    }

    /// What is said of the calls of its model, which is named first: a provider may serve several roles.
    #[must_use]
    pub fn said(self, words: &str) -> String {
        format!("{self} model: {words}")
    }

    /// Whether it writes new prompts.
    #[must_use]
    pub fn is_mutator(self) -> bool {
        matches!(self, Self::Mutator(_))
    }

    /// Which mutator it is.
    #[must_use]
    pub fn mutator(self) -> Option<MutatorIx> {
        match self {
            Self::Mutator(mutator) => Some(mutator),
            Self::Task | Self::Judge(_) | Self::Embed => None,
        }
    }

    /// Which judge it is.
    #[must_use]
    pub fn judge(self) -> Option<JudgeIx> {
        match self {
            Self::Judge(judge) => Some(judge),
            Self::Task | Self::Mutator(_) | Self::Embed => None,
        }
    }

    /// The default for the most tokens of an answer.
    #[must_use]
    pub fn default_max_output_tokens(self) -> u32 {
        match self {
            Self::Task | Self::Judge(_) => 512,
            Self::Mutator(_) => 2_000,
            // A vector has no tokens.
            Self::Embed => 0,
        }
    }

    /// The default sampling temperature.
    #[must_use]
    pub fn default_temperature(self) -> f64 {
        match self {
            Self::Task | Self::Judge(_) | Self::Embed => 0.0,
            Self::Mutator(_) => 1.0,
        }
    }
}

/// The models that say what an answer is worth. They are asked in turn: the judges, then the one for vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graders {
    /// How many judges there are.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub judges: u8,
    /// Whether a scorer asks the model `embed`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_vectors: bool,
}

impl Graders {
    /// How many they are.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::from(self.judges) + u64::from(self.asks_vectors)
    }

    /// The place of a model among them, from 0.
    #[must_use]
    pub fn place(self, role: ModelRole) -> u64 {
        role.judge().map_or(u64::from(self.judges), |judge| u64::from(judge.0))
    }

    /// The model whose turn it is, counted from 0.
    #[must_use]
    pub fn role(self, turn: u64) -> ModelRole {
        let place = turn % self.count().max(1);
        match u8::try_from(place) {
            Ok(place) if place < self.judges => ModelRole::Judge(JudgeIx(place)),
            _ => ModelRole::Embed,
        }
    }
}

fn one() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_one(judges: &u8) -> bool {
    *judges == 1
}

impl fmt::Display for ModelRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mutator(MutatorIx(place @ 1..)) | Self::Judge(JudgeIx(place @ 1..)) => {
                f.pad(&format!("{}-{}", self.key(), u16::from(*place) + 1))
            }
            first => f.pad(first.key()),
        }
    }
}

impl From<ModelRole> for String {
    fn from(role: ModelRole) -> Self {
        role.to_string()
    }
}

impl TryFrom<String> for ModelRole {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let further = |number: &str| {
            let place = number.parse::<u16>().ok()?.checked_sub(1)?;
            u8::try_from(place).ok()
        };
        let role = match text.as_str() {
            "task" => Some(Self::Task),
            "mutator" => Some(Self::MUTATOR),
            "judge" => Some(Self::JUDGE),
            "embed" => Some(Self::Embed),
            other => match other.split_once('-') {
                Some(("mutator", number)) => {
                    further(number).map(|place| Self::Mutator(MutatorIx(place)))
                }
                Some(("judge", number)) => further(number).map(|place| Self::Judge(JudgeIx(place))),
                _ => None,
            },
        };
        // A role has one spelling: neither `mutator-1` nor `mutator-02`.
        role.filter(|role| role.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no role of a model"))
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

/// The range of a mutator's `weight`.
pub const WEIGHTS: RangeInclusive<f64> = 0.001..=1000.0;

/// Refuses a weight that is out of range, with a message that says so.
pub(super) fn check_weight(weight: f64) -> Result<(), String> {
    let (least, most) = (WEIGHTS.start(), WEIGHTS.end());
    let is_fine = WEIGHTS.contains(&weight);
    is_fine
        .then_some(())
        .ok_or_else(|| format!("`weight` is {weight}; it must be from {least} to {most}"))
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
    /// How often it is drawn beside the other mutators, in [`WEIGHTS`]; the default is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// The JSON Schema that its answers must follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaSource>,
    /// Whether it is asked in batches.
    #[serde(skip_serializing_if = "Execution::is_live")]
    pub execution: Execution,
    /// How long a batch is expected to take, before one came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_wait: Option<Duration>,
    /// When a request that is late is sent a second time; never where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hedge: Option<Hedge>,
    /// How its requests are written, where its provider's are written otherwise.
    pub form: FormTable,
}

impl ModelSpec {
    /// The first key of its table that an embedding model has no use for.
    pub(super) fn key_without_use_for_vectors(&self) -> Option<&'static str> {
        let Self { temperature, max_output_tokens, context_tokens, weight, schema, .. } = self;
        let form = &self.form;
        [
            (temperature.is_some() || form.temperature.is_some(), "temperature"),
            (max_output_tokens.is_some(), "max_output_tokens"),
            (context_tokens.is_some(), "context_tokens"),
            (weight.is_some(), "weight"),
            (schema.is_some(), "schema"),
            (!self.execution.is_live(), "execution"),
            (self.batch_wait.is_some(), "batch_wait"),
            (form.max_tokens_field.is_some(), "max_tokens_field"),
            (form.seed.is_some(), "seed"),
            (form.system_role.is_some(), "system_role"),
            (form.reasoning_effort.is_some(), "reasoning_effort"),
            (form.cache.is_some(), "cache"),
        ]
        .into_iter()
        .find_map(|(is_there, key)| is_there.then_some(key))
    }

    /// A model with the settings of its role and its provider.
    #[must_use]
    pub fn of(model: ModelName) -> Self {
        let form = FormTable::default();
        Self {
            model,
            temperature: None,
            max_output_tokens: None,
            context_tokens: None,
            weight: None,
            schema: None,
            execution: Execution::Live,
            batch_wait: None,
            hedge: None,
            form,
        }
    }
}

/// The table of a model, where it is not its name alone.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelTable {
    /// `provider/model`; the model's own name may hold further slashes.
    #[schemars(with = "String", example = &"openai/gpt-4.1-mini")]
    model: ModelName,
    /// Sampling temperature from 0 to 2, or `"none"`: it is not sent. The default is 1 for a mutator, and 0 for the
    /// other roles.
    #[schemars(example = 0.2)]
    temperature: Option<Temperature>,
    /// The most tokens of an answer; it is always sent. The default is 2,000 for a mutator, and 512 for the other
    /// roles.
    #[schemars(range(min = 1), example = 200)]
    max_output_tokens: Option<u32>,
    /// The context window: the most tokens of request and reply together (mutator only).
    #[schemars(example = 128_000)]
    context_tokens: Option<u64>,
    /// How often it is drawn beside the other mutators, from 0.001 to 1,000.
    #[schemars(range(min = 0.001, max = 1000.0), example = 2.0, extend("default" = 1.0))]
    weight: Option<f64>,
    /// The JSON Schema that its answers must follow: the name of a file, or the schema as a table.
    #[schemars(example = &"answer.schema.json")]
    schema: Option<SchemaSource>,
    /// `live`: one by one; `batch`: in the provider's batches, within a day and at a lower price; `auto`: in batches
    /// where many calls wait together and the provider takes them.
    #[serde(default)]
    #[schemars(with = "Option<Execution>", example = &"batch", extend("default" = Execution::default()))]
    execution: Execution,
    /// How long a batch is expected to take, before one came back.
    #[serde(default, deserialize_with = "provider::duration")]
    #[schemars(with = "Option<String>", example = &"2h")]
    batch_wait: Option<Duration>,
    /// When a request that is late is sent a second time: `"p95"`, or a duration. Never where it is left out.
    #[schemars(with = "Option<String>", example = &"p95")]
    hedge: Option<Hedge>,
    /// Headers of its requests, none of them a secret.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "x-team": "support" }))]
    headers: BTreeMap<String, String>,
    /// What is added to the address: `?name=value`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "api-version": "2025-04-01" }))]
    query: BTreeMap<String, String>,
    /// Fields of the body of its requests.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "top_p": 0.9 }))]
    body: Map<String, Value>,
    /// What the service calls the limit on an answer.
    #[schemars(example = &"max_completion_tokens")]
    max_tokens_field: Option<String>,
    /// What the service calls the seed, or `"none"`: it is not sent.
    #[schemars(with = "Option<String>", example = &"none")]
    seed: Option<FieldName>,
    /// `"none"`: it takes no system message, and its text begins the user's message.
    #[schemars(example = &"none")]
    system_role: Option<SystemRole>,
    /// How much it reasons, in the words of its service.
    #[schemars(example = &"low")]
    reasoning_effort: Option<String>,
    /// `"none"`: no breakpoints for a prompt cache are set; else from how many tokens on.
    #[schemars(example = 1024)]
    cache: Option<Cache>,
}

impl JsonSchema for ModelSpec {
    fn schema_name() -> Cow<'static, str> {
        "ModelSpec".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = serde_json::json!({ "type": "string", "pattern": "^[^/]+/.+$" });
        json_schema!({ "anyOf": [name, generator.subschema_for::<ModelTable>()] })
    }
}

impl<'de> Deserialize<'de> for ModelSpec {
    /// A name, or a table with a name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ModelSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`provider/model` or a table with `model`")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ModelSpec, E> {
                let model = ModelName::parse(text).map_err(E::custom)?;
                Ok(ModelSpec::of(model))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<ModelSpec, A::Error> {
                let table =
                    ModelTable::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                if table.max_output_tokens == Some(0) {
                    return Err(serde::de::Error::custom("max_output_tokens must be at least 1"));
                }
                if let Some(Err(message)) = table.weight.map(check_weight) {
                    return Err(serde::de::Error::custom(message));
                }
                let form = FormTable {
                    headers: table.headers,
                    query: table.query,
                    body: table.body,
                    max_tokens_field: table.max_tokens_field,
                    temperature: table.temperature,
                    seed: table.seed,
                    system_role: table.system_role,
                    reasoning_effort: table.reasoning_effort,
                    cache: table.cache,
                };
                form.check().map_err(serde::de::Error::custom)?;
                Ok(ModelSpec {
                    model: table.model,
                    temperature: match table.temperature {
                        Some(Temperature::Of(temperature)) => Some(temperature),
                        Some(Temperature::None) | None => None,
                    },
                    max_output_tokens: table.max_output_tokens,
                    context_tokens: table.context_tokens,
                    weight: table.weight,
                    schema: table.schema,
                    execution: table.execution,
                    batch_wait: table.batch_wait,
                    hedge: table.hedge,
                    form,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_spelling() {
        let read = |text: &str| ModelRole::try_from(text.to_owned());
        for place in 0..=u8::MAX {
            let role = ModelRole::Mutator(MutatorIx(place));
            assert_eq!(read(&role.to_string()), Ok(role));
        }
        assert_eq!(ModelRole::Mutator(MutatorIx(1)).to_string(), "mutator-2");
        for text in ["mutator-1", "mutator-0", "mutator-02", "mutator-+02", "mutator-+2"] {
            assert_eq!(read(text), Err(format!("`{text}` is no role of a model")));
        }
        for text in ["mutator-257", "mutator-", "mutator--2", "mutator-2 ", "Task", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
