//! JSON Schemas that answers must follow: what is wrong with a value, in words.
//!
//! A schema names nothing outside of itself: no server is asked and no file is read for a `$ref`. Patterns have the syntax
//! of the regex crate, whose time is linear in the answer.

use super::find_json::Wanted;
use super::table::{ScoreTable, ScorerError};
use crate::text;
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The most mistakes that feedback names.
const MOST_NAMED: usize = 5;

/// The longest words on one mistake, which may quote the answer.
const LONGEST: usize = 160;

#[derive(Clone)]
pub(super) struct Schema {
    validator: Arc<Validator>,
    wanted: Wanted,
}

impl Schema {
    /// The schema of a table, if it has one.
    pub(super) fn new(table: &ScoreTable) -> Result<Option<Self>, ScorerError> {
        let schema = match &table.schema {
            None => return Ok(None),
            Some(Value::String(file)) => {
                let message = format!("the schema `{file}` was not read");
                return Err(ScorerError::new("schema", message).help(
                    "outside of a task file, write the schema itself instead of a file's name",
                ));
            }
            Some(schema @ (Value::Object(_) | Value::Bool(_))) => schema,
            Some(_) => {
                let message =
                    "`schema` must be the name of a file with a JSON Schema, or the schema";
                return Err(ScorerError::new("schema", message));
            }
        };
        let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
        let validator = options.build(schema).map_err(|error| {
            let reason = text::shorten(&text::one_line(&error.to_string()), LONGEST);
            ScorerError::new(
                "schema",
                format!("`schema` is no JSON Schema that can be used: {reason}"),
            )
            .help("a `$ref` can name only what the schema itself defines")
        })?;
        let is_list = schema["type"] == "array";
        let wanted = if is_list { Wanted::List } else { Wanted::Object };
        Ok(Some(Self { validator: Arc::new(validator), wanted }))
    }

    /// What the schema describes.
    pub(super) fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// What is wrong with a value, if something is.
    pub(super) fn complaint(&self, value: &Value) -> Option<String> {
        if self.validator.is_valid(value) {
            return None;
        }
        let mut named: Vec<String> = Vec::new();
        let mut errors = self.validator.iter_errors(value);
        for error in errors.by_ref().take(MOST_NAMED) {
            let place = error.instance_path().to_string();
            let words = text::shorten(&text::one_line(&error.to_string()), LONGEST);
            named.push(match place.is_empty() {
                true => words,
                false => format!("{place}: {words}"),
            });
        }
        if errors.next().is_some() {
            named.push("…".to_owned());
        }
        Some(format!("The JSON does not follow the schema: {}.", named.join("; ")))
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}
