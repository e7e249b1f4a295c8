//! How a setting names a field of the body, or says that it is not sent.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The name of a field, or that it is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum FieldName {
    /// `"none"`: it is not sent.
    None,
    /// Its name; a dot leads into an object.
    Named(String),
}

impl FieldName {
    /// The name, where there is one.
    pub(super) fn named(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.trim() {
            "" => Err(serde::de::Error::custom("write the name of the field, or \"none\"")),
            "none" => Ok(Self::None),
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

/// Whether a system message is sent as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SystemRole {
    /// It is not: its text begins the user's message.
    None,
    /// It is.
    System,
}

/// Where breakpoints for a prompt cache are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Cache {
    /// `"none"`: nowhere.
    None,
    /// In prompts that share this many tokens with others, and more.
    From(u32),
}

impl JsonSchema for Cache {
    fn schema_name() -> Cow<'static, str> {
        "Cache".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "none" }, { "type": "integer", "minimum": 0 }] })
    }
}

impl<'de> Deserialize<'de> for Cache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_u64().and_then(|tokens| u32::try_from(tokens).ok()) {
            Some(tokens) => Ok(Self::From(tokens)),
            None if value == "none" => Ok(Self::None),
            None => Err(serde::de::Error::custom(
                "`cache` must be \"none\", or the number of tokens from which on a prompt is cached",
            )),
        }
    }
}

/// A sampling temperature, or `"none"`: it is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Temperature {
    /// It is not sent.
    None,
    /// From 0 to 2.
    Of(f64),
}

impl JsonSchema for Temperature {
    fn schema_name() -> Cow<'static, str> {
        "Temperature".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 2 }, { "const": "none" }] })
    }
}

impl<'de> Deserialize<'de> for Temperature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match value.as_f64() {
            Some(temperature) if (0.0..=2.0).contains(&temperature) => Ok(Self::Of(temperature)),
            _ if value == "none" => Ok(Self::None),
            _ => Err(serde::de::Error::custom(
                "`temperature` must be a number from 0 to 2, or \"none\"",
            )),
        }
    }
}

/// Sets the field at a path; what stands in the way of its objects is replaced.
pub(super) fn set(fields: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(fields.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = fields.entry(first).or_insert(Value::Null);
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// Whether something stands at a path.
pub(super) fn has(fields: &Map<String, Value>, path: &str) -> bool {
    match path.split_once('.') {
        None => fields.contains_key(path),
        // A value in place of the object leaves no room for what belongs into it.
        Some((first, rest)) => fields
            .get(first)
            .is_some_and(|inner| inner.as_object().is_none_or(|inner| has(inner, rest))),
    }
}

/// Puts fields over others; an object over an object adds to it.
pub(super) fn merge(fields: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (fields.get_mut(name), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => drop(fields.insert(name.clone(), value.clone())),
        }
    }
}
