//! What a resumed run reads afresh from its task file, and what of it needs the user's consent.
//!
//! Read afresh: how providers are reached and paced, and how calls are made (batches, hedges). Where and
//! how models are asked (address, headers, query, body) may change answers, so such a change is a
//! [`ProviderChange`], which the user must accept. Everything else decides results and is frozen.

use super::file::TaskFile;
use super::model::{FormTable, ModelRole, ModelSpec, Provider};
use crate::text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A key of a provider or a model whose value is another one than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderChange {
    /// Where it is in the task file, such as `providers.local.base_url`.
    pub key: String,
    /// Its value before, shortened; `None` where it was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its value now, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// blake3 of its whole value now.
    pub blake3: String,
}

impl fmt::Display for ProviderChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| match value {
            Some(value) => format!("`{value}`"),
            None => "left out".to_owned(),
        };
        write!(f, "`{}` was {} and is {}", self.key, shown(&self.from), shown(&self.to))
    }
}

/// The most bytes of a value that are shown.
const SHOWN: usize = 200;

/// The values that must not change unnoticed, by key; `None` where a key is left out.
pub(super) type Values = BTreeMap<String, Value>;

impl TaskFile {
    /// The frozen task with what is read afresh from the file as it is `now`.
    pub(super) fn with_current(mut self, now: &Self) -> Self {
        for name in self.provider_names() {
            let (Some(then), Some(now)) = (self.provider(&name), now.provider(&name)) else {
                continue;
            };
            let provider = Provider {
                max_tokens_field: then.max_tokens_field,
                temperature: then.temperature,
                seed: then.seed,
                system_role: then.system_role,
                reasoning_effort: then.reasoning_effort,
                cache: then.cache,
                price: then.price,
                free: then.free,
                prices: then.prices,
                ..now
            };
            self.providers.insert(name, provider);
        }
        for (role, spec) in self.models.each_mut() {
            if let Some(now) = now.same_model(role, spec) {
                spec.execution = now.execution;
                spec.batch_wait = now.batch_wait;
                spec.hedge = now.hedge;
                spec.form.headers.clone_from(&now.form.headers);
                spec.form.query.clone_from(&now.form.query);
                spec.form.body.clone_from(&now.form.body);
            }
        }
        self
    }

    /// The first provider whose address must not be compared or shown, with what is wrong with it.
    pub(super) fn unclear_address(&self) -> Option<(String, &'static str)> {
        let names = self.provider_names();
        let address = |name: &String| self.provider(name)?.base_url;
        let unclear = |name: &String| address(name).is_some_and(|it| is_unclear(&it));
        let message = "`base_url` holds `@`, `?`, `#`, a backslash, a space or a control character";
        Some((names.into_iter().find(unclear)?, message))
    }

    /// What differs from this, the frozen task, where and how models are asked. What was `accepted`
    /// before, by key, is compared in place of the frozen value.
    pub(super) fn provider_changes(
        &self,
        now: &Self,
        accepted: &BTreeMap<String, ProviderChange>,
    ) -> Vec<ProviderChange> {
        let (then, now) = (self.asked(), now.asked());
        let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let changes = keys.into_iter().filter_map(|key| {
            let (then, now) = (then.get(key), now.get(key));
            let (from, known) = match accepted.get(key) {
                Some(accepted) => (accepted.to.clone(), accepted.blake3.clone()),
                None => (then.map(shown), hash(then)),
            };
            let blake3 = hash(now);
            (known != blake3).then(|| ProviderChange {
                key: key.clone(),
                from,
                to: now.map(shown),
                blake3,
            })
        });
        changes.collect()
    }

    /// The providers of its models.
    pub(super) fn provider_names(&self) -> BTreeSet<String> {
        self.models.each().map(|(_, spec)| spec.model.provider().to_owned()).collect()
    }

    /// The model of a role, where it is still the same one.
    fn same_model(&self, role: ModelRole, then: &ModelSpec) -> Option<&ModelSpec> {
        let now = self.models.each().find(|(it, _)| *it == role).map(|(_, spec)| spec);
        now.filter(|now| now.model == then.model)
    }

    /// Where and how the models are asked.
    pub(super) fn asked(&self) -> Values {
        let mut values = Values::new();
        for name in self.provider_names() {
            let Some(provider) = self.provider(&name) else { continue };
            let place = format!("providers.{name}");
            let kind = provider.kind.and_then(|kind| serde_json::to_value(kind).ok());
            values.extend(kind.map(|kind| (format!("{place}.kind"), kind)));
            let address = provider.base_url.map(Value::from);
            values.extend(address.map(|it| (format!("{place}.base_url"), it)));
            if !provider.command.is_empty() {
                values.insert(format!("{place}.command"), provider.command.into());
            }
            add_form(&mut values, &place, &provider.headers, &provider.query, &provider.body);
        }
        for (role, spec) in self.models.each() {
            let FormTable { headers, query, body, .. } = &spec.form;
            add_form(&mut values, &format!("models.{role}"), headers, query, body);
        }
        values
    }
}

fn add_form(
    values: &mut Values,
    place: &str,
    headers: &BTreeMap<String, String>,
    query: &BTreeMap<String, String>,
    body: &Map<String, Value>,
) {
    for (table, pairs) in [("headers", headers), ("query", query)] {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (format!("{place}.{table}.{name}"), Value::from(value.as_str())));
        values.extend(pairs);
    }
    values.extend(body.iter().map(|(name, value)| (format!("{place}.body.{name}"), value.clone())));
}

/// Whether an address may be read as another host than it seems to name, or holds what may be a key: it is
/// then neither compared nor shown.
fn is_unclear(address: &str) -> bool {
    address.trim().contains(|c: char| {
        matches!(c, '\\' | '@' | '?' | '#') || c.is_whitespace() || c.is_control()
    })
}

fn shown(value: &Value) -> String {
    let words = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text::shorten(&text::one_line(&words), SHOWN)
}

fn hash(value: Option<&Value>) -> String {
    let written = value.map(Value::to_string).unwrap_or_default();
    blake3::hash(written.as_bytes()).to_hex().to_string()
}
