//! The JSON Schema that a model's answers must follow, as a task names it.
//!
//! The provider makes its model follow it; whether an answer does is a scorer's business.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::path::PathBuf;

/// Where a schema is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum SchemaSource {
    /// In a file, relative to the task's folder.
    File(PathBuf),
    /// In the task itself.
    Written(Value),
}

impl JsonSchema for SchemaSource {
    fn schema_name() -> Cow<'static, str> {
        "SchemaSource".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "object" }] })
    }
}

impl<'de> Deserialize<'de> for SchemaSource {
    /// A file's name, or the schema as a table.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(file) if !file.trim().is_empty() => Ok(Self::File(file.into())),
            value @ Value::Object(_) => Ok(Self::Written(value)),
            _ => Err(serde::de::Error::custom(
                "`schema` must be the name of a file with a JSON Schema, or the schema as a table",
            )),
        }
    }
}

impl SchemaSource {
    /// The schema in a file's text.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn read(text: &str) -> Result<Value, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON ({error})"))?;
        if value.is_object() { Ok(value) } else { Err("it is no JSON object".to_owned()) }
    }
}
