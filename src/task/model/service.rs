//! What protocols call their fields, and how well-known services want to be asked: `services.toml`.
//!
//! Data only: a task overrides it in `form`, and the protocols' own files know nothing of it.

use super::field::{FieldName, SystemRole, Temperature};
use super::kind::ProviderKind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a protocol calls its fields. A dot in a name leads into an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Protocol {
    pub(super) max_tokens_field: String,
    pub(super) temperature_field: String,
    pub(super) seed: FieldName,
    pub(super) reasoning_effort_field: FieldName,
    pub(super) cache_min_tokens: Option<u32>,
    pub(super) temperature_max: Option<f64>,
    /// Where the JSON Schema of an answer stands.
    pub(super) schema_field: String,
    /// Fields of the body that no setting may set or take the name of, and why.
    pub(super) fixed: BTreeMap<String, String>,
    /// Fields of the body that another key sets, and which.
    pub(super) settable: BTreeMap<String, String>,
}

/// How a service, or one of its models, wants to be asked; what is missing is as usual.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Differences {
    pub(super) max_tokens_field: Option<String>,
    pub(super) temperature: Option<Temperature>,
    pub(super) seed: Option<FieldName>,
    pub(super) system_role: Option<SystemRole>,
    pub(super) reasoning_effort_field: Option<FieldName>,
    pub(super) cache_min_tokens: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Models {
    names: Vec<String>,
    #[serde(flatten)]
    differences: Differences,
}

/// A well-known service.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) kind: ProviderKind,
    pub(super) base_url: String,
    /// The environment variable of its key.
    pub(super) api_key: Option<String>,
    #[serde(default)]
    pub(super) free: bool,
    /// Whose prices hold for it, if not those of its own name.
    prices: Option<String>,
    #[serde(flatten)]
    differences: Differences,
    #[serde(default)]
    models: Vec<Models>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kinds: BTreeMap<ProviderKind, Protocol>,
    service: Vec<Service>,
}

#[expect(clippy::expect_used, reason = "a part of the program, which its tests read")]
static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("services.toml")).expect("services.toml is valid")
});

impl Protocol {
    /// That of a kind; simulated models, and those of a program, take what OpenAI's protocol has.
    pub(super) fn of(kind: ProviderKind) -> &'static Self {
        FILE.kinds.get(&kind).unwrap_or_else(|| &FILE.kinds[&ProviderKind::Openai])
    }
}

impl Service {
    /// The built-in provider of a name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FILE.service.iter().find(|service| service.name == name)
    }

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FILE.service.iter().map(|service| service.name.as_str())
    }

    /// The service at a host, asked by this protocol. Any server may be on this machine.
    pub(super) fn at(host: &str, kind: ProviderKind) -> Option<&'static Self> {
        let is_there = |service: &&Self| {
            let address = service.base_url.strip_prefix("https://").unwrap_or_default();
            !host.is_empty() && address.split('/').next() == Some(host)
        };
        let there = || FILE.service.iter().filter(is_there);
        there().find(|service| service.kind == kind).or_else(|| there().next())
    }

    /// Whose rows of the price table hold for it.
    pub(super) fn prices(&self) -> &str {
        self.prices.as_deref().unwrap_or(&self.name)
    }

    /// How it wants a model to be asked, the more special last.
    pub(super) fn differences(&self, model: &str) -> impl Iterator<Item = &Differences> {
        let fits = |it: &&Models| it.names.iter().any(|start| model.starts_with(start.as_str()));
        let of_model = self.models.iter().find(fits).map(|models| &models.differences);
        std::iter::once(&self.differences).chain(of_model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_file_is_whole() {
        let keys = |table: &toml::Table| table.keys().cloned().collect::<BTreeSet<_>>();
        let known: BTreeSet<String> = [
            "name",
            "names",
            "kind",
            "base_url",
            "api_key",
            "free",
            "prices",
            "models",
            "max_tokens_field",
            "temperature",
            "seed",
            "system_role",
            "reasoning_effort_field",
            "cache_min_tokens",
        ]
        .map(str::to_owned)
        .into();
        let file: toml::Table = toml::from_str(include_str!("services.toml")).unwrap();
        for service in file["service"].as_array().unwrap() {
            let service = service.as_table().unwrap();
            assert!(keys(service).is_subset(&known), "{service}");
            for models in service.get("models").and_then(|it| it.as_array()).into_iter().flatten() {
                assert!(keys(models.as_table().unwrap()).is_subset(&known), "{models}");
            }
        }
        let names: BTreeSet<_> = Service::names().collect();
        assert_eq!(names.len(), FILE.service.len(), "a name stands twice");
        for service in &FILE.service {
            let is_here = service.base_url.starts_with("http://127.0.0.1:");
            assert!(is_here || service.base_url.starts_with("https://"), "{}", service.name);
            assert!(!service.base_url.ends_with('/'), "{}", service.name);
            assert_eq!(is_here, service.free && service.api_key.is_none(), "{}", service.name);
        }
        for kind in [
            ProviderKind::Openai,
            ProviderKind::OpenaiResponses,
            ProviderKind::Anthropic,
            ProviderKind::Gemini,
        ] {
            assert!(FILE.kinds.contains_key(&kind), "{kind:?}");
            assert!(FILE.service.iter().any(|service| service.kind == kind), "{kind:?}");
        }
    }
}
