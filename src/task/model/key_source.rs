//! Where a provider's key comes from, never the key itself.

use crate::text;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The source of a key, never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// An environment variable.
    Env(String),
    /// The output of a command.
    Command(KeyCommand),
}

/// A command that prints a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyCommand {
    /// What the shell runs.
    pub line: String,
    /// How long what it prints is used; `None`: until a server refuses it.
    pub ttl: Option<Duration>,
}

/// The text may be a key, so it is not repeated.
const IN_CLEAR: &str = "a key must not be written here: use `env:NAME` or `command:…`, and remove the key \
     from this file";

impl JsonSchema for KeySource {
    fn schema_name() -> Cow<'static, str> {
        "KeySource".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": "^(env|command):" },
            {
                "type": "object",
                "properties": { "command": { "type": "string" }, "ttl": { "type": "string" } },
                "required": ["command"],
                "additionalProperties": false,
            },
        ] })
    }
}

impl<'de> Deserialize<'de> for KeySource {
    /// `env:NAME`, `command:LINE`, or a table of a command and its time to live.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            command: String,
            ttl: Option<String>,
        }
        struct SourceVisitor;
        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = KeySource;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`env:NAME`, `command:…` or { command = \"…\", ttl = \"50m\" }")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<KeySource, E> {
                let (kind, rest) = text.split_once(':').unwrap_or_default();
                match (kind, rest.trim()) {
                    ("env", name) if !name.is_empty() => Ok(KeySource::Env(name.to_owned())),
                    ("command", line) if !line.is_empty() => {
                        Ok(KeySource::Command(KeyCommand { line: line.to_owned(), ttl: None }))
                    }
                    _ => Err(E::custom(IN_CLEAR)),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeySource, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let line = table.command.trim().to_owned();
                if line.is_empty() {
                    return Err(A::Error::custom("`command` is empty: write what prints the key"));
                }
                let ttl = table.ttl.as_deref().map(text::parse_duration).transpose();
                let ttl = ttl.map_err(A::Error::custom)?;
                if ttl.is_some_and(|ttl| ttl.is_zero()) {
                    return Err(A::Error::custom("`ttl` must be above 0"));
                }
                Ok(KeySource::Command(KeyCommand { line, ttl }))
            }
        }
        deserializer.deserialize_any(SourceVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Row {
        api_key: KeySource,
    }

    fn read(text: &str) -> Result<KeySource, String> {
        let row = toml::from_str::<Row>(&format!("api_key = {text}"));
        row.map(|row| row.api_key).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_source_is_a_variable_or_a_command() {
        let command = |ttl: Option<u64>| {
            let ttl = ttl.map(Duration::from_secs);
            KeySource::Command(KeyCommand { line: "pass show x".to_owned(), ttl })
        };
        assert_eq!(read("\"env: SOME_KEY\""), Ok(KeySource::Env("SOME_KEY".to_owned())));
        assert_eq!(read("\"command:pass show x\""), Ok(command(None)));
        assert_eq!(read("{ command = \"pass show x\", ttl = \"50m\" }"), Ok(command(Some(3_000))));
    }

    #[test]
    fn a_key_in_clear_is_refused_and_not_repeated() {
        for text in ["\"sk-secret-123\"", "\"env:\"", "\"token:sk-secret-123\""] {
            let message = read(text).unwrap_err();
            assert!(message.contains("env:NAME") && !message.contains("sk-secret"), "{message}");
        }
        for (text, says) in [
            ("{ command = \" \" }", "is empty"),
            ("{ command = \"x\", ttl = \"soon\" }", "not a duration"),
            ("{ command = \"x\", ttl = \"0s\" }", "above 0"),
            ("{ command = \"x\", tl = \"1h\" }", "unknown field"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(says), "{text}: {message}");
        }
    }
}
