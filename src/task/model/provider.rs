//! One `[providers.NAME]` table: where a provider is, how it is asked, and what limits and pays it.

use super::field::{Cache, FieldName, SystemRole, Temperature};
use super::form_table::{FormTable, is_header_name};
use super::key_source::KeySource;
use super::kind::ProviderKind;
use super::price::{Price, PriceSource, simulated_price};
use super::price_table::{known_models, known_price};
use super::service::Service;
use super::timeouts::Timeouts;
use crate::text;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A duration as people write it: `90s`, `30m`.
pub(super) fn duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
}

/// One `[providers.NAME]` table: an address and its protocol, and what limits and pays it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The wire protocol; may be left out for a built-in provider.
    #[schemars(example = &"openai")]
    pub kind: Option<ProviderKind>,
    /// The address before the protocol's own path.
    #[schemars(example = &"http://localhost:8000/v1")]
    pub base_url: Option<String>,
    /// The program of the kind `exec` and its arguments; it is started in the task's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["python3", "agent.py"]))]
    pub command: Vec<String>,
    /// The environment variables that the program gets, besides `PATH`, `HOME`, `LANG` and `TMPDIR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["AGENT_KEY"]))]
    pub env: Vec<String>,
    /// Where its key comes from, never the key itself: `env:NAME`, `command:…`, or `{ command = "…", ttl = "50m" }`.
    #[schemars(example = &"env:MY_KEY")]
    pub api_key: Option<KeySource>,
    /// The header that carries the key alone, in place of `Authorization: Bearer …`.
    #[schemars(example = &"api-key")]
    pub api_key_header: Option<String>,
    /// Headers of all its requests, none of them a secret.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "x-team": "support" }))]
    pub headers: BTreeMap<String, String>,
    /// What is added to the address: `?name=value`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "api-version": "2025-04-01" }))]
    pub query: BTreeMap<String, String>,
    /// Fields of the body of all its requests.
    #[serde(default)]
    #[schemars(example = serde_json::json!({ "top_p": 0.9 }))]
    pub body: Map<String, Value>,
    /// What it calls the limit on an answer.
    #[schemars(example = &"max_completion_tokens")]
    pub max_tokens_field: Option<String>,
    /// `"none"`: it takes no temperature. A number belongs to a model.
    #[schemars(with = "Option<String>", example = &"none")]
    pub temperature: Option<Temperature>,
    /// What it calls the seed, or `"none"`: it is not sent.
    #[schemars(with = "Option<String>", example = &"none")]
    pub seed: Option<FieldName>,
    /// `"none"`: it takes no system message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"none")]
    pub system_role: Option<SystemRole>,
    /// How much its models reason, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"low")]
    pub reasoning_effort: Option<String>,
    /// `"none"`: no breakpoints for its prompt cache are set; else from how many tokens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1024)]
    pub cache: Option<Cache>,
    /// The maximum number of concurrent requests.
    #[schemars(example = 8, extend("default" = Provider::DEFAULT_CONCURRENCY))]
    pub concurrency: Option<usize>,
    /// Requests per minute.
    #[schemars(example = 500)]
    pub rpm: Option<u32>,
    /// Tokens per minute, of prompts and answers together.
    #[schemars(example = 200_000)]
    pub tpm: Option<u64>,
    /// The price of all its models, in US dollars per million tokens, and for each call.
    #[schemars(with = "Option<super::price::PriceTable>", example = serde_json::json!({ "input": 0.4, "output": 1.6 }))]
    pub price: Option<Price>,
    /// Its models are free.
    #[serde(default)]
    #[schemars(example = true)]
    pub free: bool,
    /// How long one attempt may take.
    #[serde(default)]
    #[schemars(with = "Option<super::timeouts::TimeoutTable>", example = serde_json::json!({ "first_byte": "10m", "total": "15m" }))]
    pub timeout: Timeouts,
    /// How long a run waits while nothing is answered, before it stops.
    #[serde(default, deserialize_with = "duration")]
    #[schemars(with = "Option<String>", example = &"1h")]
    pub patience: Option<Duration>,
    /// How long a server that says that it is not ready (503) is waited for.
    #[serde(default, deserialize_with = "duration")]
    #[schemars(with = "Option<String>", example = &"10m")]
    pub loading: Option<Duration>,
    /// Certificates of authorities that this provider is trusted by, as a PEM file.
    #[schemars(example = &"company.pem")]
    pub ca_file: Option<PathBuf>,
    /// The prices of single models.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, super::price::PriceTable>", example = serde_json::json!({ "big": { "input": 2.0, "output": 8.0 } }))]
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
        if name == "sim" {
            return Some(bare(ProviderKind::Sim));
        }
        let service = Service::named(name)?;
        Some(Self {
            base_url: Some(service.base_url.clone()),
            api_key: service.api_key.clone().map(KeySource::Env),
            free: service.free,
            ..bare(service.kind)
        })
    }

    /// The names of all providers that need no table.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        std::iter::once("sim").chain(Service::names())
    }

    /// A provider that a program implements: it has no protocol, and costs nothing unless a price is
    /// given.
    #[must_use]
    pub fn of_program() -> Self {
        Self {
            kind: None,
            base_url: None,
            command: Vec::new(),
            env: Vec::new(),
            api_key: None,
            api_key_header: None,
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            body: Map::new(),
            max_tokens_field: None,
            temperature: None,
            seed: None,
            system_role: None,
            reasoning_effort: None,
            cache: None,
            concurrency: None,
            rpm: None,
            tpm: None,
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
                self.free |= built_in.free;
            }
            self.base_url = self.base_url.or(built_in.base_url);
        }
        self
    }

    /// The scheme, host and port of its address, in small letters; empty where it has none.
    #[must_use]
    pub fn origin(&self) -> String {
        let address = self.base_url.as_deref().unwrap_or_default();
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}").to_ascii_lowercase()
    }

    /// The host and port of its address, in small letters; empty where it has none.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.origin().split_once("://").map_or_else(String::new, |(_, host)| host.to_owned())
    }

    /// The host of its address, in small letters; empty where it has none.
    #[must_use]
    pub fn host(&self) -> String {
        let address = self.base_url.as_deref().unwrap_or_default();
        let after_scheme = address.split_once("://").map_or("", |(_, rest)| rest);
        let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        host.to_ascii_lowercase()
    }

    /// Checks that a program stands where one is asked, and nowhere else: the key that is wrong, and what to write.
    ///
    /// # Errors
    /// It does not.
    pub fn check_program(&self) -> Result<(), (&'static str, String)> {
        if self.kind != Some(ProviderKind::Exec) {
            let is_unused = [("command", self.command.is_empty()), ("env", self.env.is_empty())];
            let unused =
                is_unused.into_iter().find_map(|(key, is_empty)| (!is_empty).then_some(key));
            return unused.map_or(Ok(()), |key| {
                Err((
                    key,
                    format!("`{key}` is of a program: write `kind = \"exec\"`, or leave it out"),
                ))
            });
        }
        if self.command.first().is_none_or(|program| program.trim().is_empty()) {
            let words = "it names no program: write command = [\"python3\", \"agent.py\"]";
            return Err(("command", words.to_owned()));
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            return Err(("command", "an item of `command` contains a NUL character".to_owned()));
        }
        let is_name = |name: &&String| !name.is_empty() && !name.contains(['=', '\0']);
        if let Some(name) = self.env.iter().find(|name| !is_name(name)) {
            let name = name.replace('\0', "");
            let words = format!(
                "`{name}` is not the name of a variable: `env` lists names alone, and the values come from the \
                 environment of the run"
            );
            return Err(("env", words));
        }
        let of_server = [
            ("base_url", self.base_url.is_some()),
            ("api_key", self.api_key.is_some()),
            ("api_key_header", self.api_key_header.is_some()),
            ("headers", !self.headers.is_empty()),
            ("query", !self.query.is_empty()),
            ("ca_file", self.ca_file.is_some()),
        ];
        match of_server.into_iter().find_map(|(key, is_there)| is_there.then_some(key)) {
            Some(key) => Err((
                key,
                format!(
                    "`{key}` is of a server, and a program is asked: leave it out, or write `kind = \"http\"`; a \
                     variable with a key is listed in `env`"
                ),
            )),
            None => Ok(()),
        }
    }

    /// What is wrong with a price that says what only a target can say.
    #[must_use]
    pub fn flaw_of_price(&self, price: &Price) -> Option<&'static str> {
        (price.is_said() && !self.form_kind().is_target()).then_some(
            "`max_per_call` is for the kinds `exec` and `http`, which say themselves what a call costs: leave it out",
        )
    }

    /// How its requests are written.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn form(&self) -> Result<FormTable, String> {
        if let Some(Temperature::Of(_)) = self.temperature {
            return Err("a provider's `temperature` can only be \"none\"; a number belongs to a \
                 model: task = { model = \"…\", temperature = 0.2 }"
                .to_owned());
        }
        if let Some(name) = self.api_key_header.as_deref().filter(|name| !is_header_name(name)) {
            return Err(format!("`{name}` is not the name of a header"));
        }
        let form = FormTable {
            headers: self.headers.clone(),
            query: self.query.clone(),
            body: self.body.clone(),
            max_tokens_field: self.max_tokens_field.clone(),
            temperature: self.temperature,
            seed: self.seed.clone(),
            system_role: self.system_role,
            reasoning_effort: self.reasoning_effort.clone(),
            cache: self.cache,
        };
        form.check()?;
        form.check_for(self.form_kind())?;
        Ok(form)
    }

    /// The maximum number of concurrent requests.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(Self::DEFAULT_CONCURRENCY)
    }

    /// The same where a run has a limit over all providers: that may also be above a provider's default,
    /// but not above what is written for it.
    #[must_use]
    pub fn concurrency_within(&self, most: Option<usize>) -> usize {
        match (self.concurrency, most) {
            (None, Some(most)) => most.max(1),
            (Some(own), Some(most)) => own.min(most.max(1)),
            (_, None) => self.concurrency(),
        }
    }

    /// The protocol whose fields its requests have; a program's are like OpenAI's.
    #[must_use]
    pub fn form_kind(&self) -> ProviderKind {
        self.kind.unwrap_or(ProviderKind::Openai)
    }

    /// The price of a model and where it comes from, if it is known. A price of the task wins.
    #[must_use]
    pub fn price_of(&self, model: &str) -> Option<(Price, PriceSource)> {
        if let Some(price) = self.prices.get(model).copied().or(self.price) {
            return Some((price, PriceSource::Task));
        }
        if self.free {
            return Some((Price::FREE, PriceSource::Free));
        }
        match self.form_kind() {
            ProviderKind::Sim => Some((simulated_price(model)?, PriceSource::Simulated)),
            // Nobody else knows what they cost.
            ProviderKind::Exec | ProviderKind::Http => None,
            kind => known_price(Service::at(&self.host(), kind)?.prices(), model),
        }
    }

    /// The names of its models that have a price of their own.
    #[must_use]
    pub fn models_with_prices(&self) -> Vec<String> {
        let service = Service::at(&self.host(), self.form_kind());
        let of_service = service.iter().flat_map(|service| known_models(service.prices()));
        let mut models: Vec<String> = self.prices.keys().cloned().chain(of_service).collect();
        models.sort();
        models
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_of_an_unknown_kind_is_refused_with_the_kinds_that_exist() {
        for (typed, expected) in [
            ("opnai", "did you mean `openai`?"),
            ("bedrock", "known: openai, openai-responses, anthropic, gemini, exec, http, sim"),
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
