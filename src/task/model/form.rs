//! How a request is written where services differ: the names of its fields, what is left out of it, and
//! what a task adds to it.
//!
//! A service's own way comes from `service`; a provider's table changes it, and a model's table
//! changes that. What a server refuses while a run goes on is left out, too ([`RequestForm::without`]).

use super::service::Service;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The two names of the limit on an answer. A server that refuses one takes the other.
const MAX_TOKENS_FIELDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Fields of the body that no table may set, and what to write instead.
const RESERVED: &[(&str, &str)] = &[
    ("model", "it is `model` of the role"),
    ("messages", "they are the prompt"),
    ("stream", "answers are read whole"),
    ("n", "one answer is read"),
    ("temperature", "write `temperature` beside `body`"),
    ("seed", "write `seed` beside `body`"),
    ("random_seed", "write `seed` beside `body`"),
    ("max_tokens", "write `max_output_tokens`, and `max_tokens_field` for its name"),
    ("max_completion_tokens", "write `max_output_tokens`, and `max_tokens_field` for its name"),
];

/// Words of a name that tell that its value is a secret.
const SECRETS: [&str; 10] = [
    "authorization",
    "auth",
    "key",
    "apikey",
    "secret",
    "token",
    "password",
    "signature",
    "cookie",
    "credential",
];

/// Fields that no setting may take the place of.
const FIXED: [&str; 4] = ["model", "messages", "stream", "n"];

/// A field that a request can be sent without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OptionalField {
    /// The sampling temperature.
    Temperature,
    /// The seed.
    Seed,
}

/// The name of a field, or that it is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum FieldName {
    /// `"none"`: it is not sent.
    None,
    /// Its name.
    Named(String),
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

/// A sampling temperature, or `"none"`: it is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Temperature {
    /// It is not sent.
    None,
    /// From 0 to 2.
    Of(f64),
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

/// The keys of a provider's or a model's table that change how its requests are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FormTable {
    /// Headers, none of them a secret.
    pub headers: BTreeMap<String, String>,
    /// What is added to the address: `?name=value`.
    pub query: BTreeMap<String, String>,
    /// Fields of the body.
    pub body: Map<String, Value>,
    /// The name of the limit on an answer.
    pub max_tokens_field: Option<String>,
    /// A temperature, or that none is sent.
    pub temperature: Option<Temperature>,
    /// The name of the seed, or that none is sent.
    pub seed: Option<FieldName>,
}

impl FormTable {
    /// Checks what is in it.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        if let Some((name, instead)) =
            RESERVED.iter().find(|(name, _)| self.body.contains_key(*name))
        {
            return Err(format!("`body` cannot set `{name}`: {instead}"));
        }
        let seed = match &self.seed {
            Some(FieldName::Named(name)) => Some(name),
            _ => None,
        };
        for name in self.max_tokens_field.iter().chain(seed) {
            if FIXED.contains(&name.as_str()) || self.body.contains_key(name) {
                return Err(format!(
                    "`{name}` is another field of the body: two cannot have one name"
                ));
            }
        }
        // The values may be keys, so they are not repeated.
        if let Some(name) = self.query.keys().find(|name| is_secret(name)) {
            return Err(format!(
                "`query` holds a key, `{name}`, and addresses are shown: write \
                 `api_key = \"env:NAME\"` under [providers.…], and `api_key_header` if it needs one"
            ));
        }
        if let Some(name) = secret_in(&self.body) {
            return Err(format!(
                "`body` holds a key, `{name}`, and tasks are kept with their runs: keys belong in \
                 `api_key`"
            ));
        }
        for (name, value) in &self.headers {
            if is_secret(name) {
                return Err(format!(
                    "the header `{name}` holds a key: write `api_key = \"env:NAME\"` and \
                     `api_key_header = \"{name}\"` under [providers.…]"
                ));
            }
            if !is_header_name(name) {
                return Err(format!("`{name}` is not the name of a header"));
            }
            if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
                return Err(format!("the header `{name}` has a value that no header can hold"));
            }
        }
        Ok(())
    }
}

/// Whether a name says that its value is a secret: one of its words does.
fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| SECRETS.contains(&word))
}

/// A secret in the fields of a body, by its name.
fn secret_in(fields: &Map<String, Value>) -> Option<String> {
    fields.iter().find_map(|(name, value)| match value {
        Value::String(_) if is_secret(name) => Some(name.clone()),
        Value::Object(inner) => secret_in(inner),
        _ => None,
    })
}

/// Whether it is a header's name (RFC 9110, section 5.1).
pub(super) fn is_header_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_part)
}

/// How the requests to one model are written.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestForm {
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    body: Map<String, Value>,
    max_tokens_field: String,
    seed_field: String,
    /// Whether its service takes a temperature.
    takes_temperature: bool,
    left_out: BTreeSet<OptionalField>,
    /// Whether a server refused the usual name of the limit.
    is_renamed: bool,
}

impl Default for RequestForm {
    /// As most services take it.
    fn default() -> Self {
        Self::of("", "", &[])
    }
}

impl RequestForm {
    /// The form of a service's model, changed by tables, of which the later ones win.
    #[must_use]
    pub fn of(host: &str, model: &str, tables: &[&FormTable]) -> Self {
        let usual = Service::of(host, model);
        let mut form = Self {
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            body: Map::new(),
            max_tokens_field: usual.max_tokens_field.to_owned(),
            seed_field: usual.seed_field.to_owned(),
            takes_temperature: usual.takes_temperature,
            left_out: BTreeSet::new(),
            is_renamed: false,
        };
        for table in tables {
            form.headers.extend(table.headers.clone());
            form.query.extend(table.query.clone());
            merge(&mut form.body, &table.body);
            if let Some(name) = &table.max_tokens_field {
                form.max_tokens_field.clone_from(name);
            }
            match table.temperature {
                Some(Temperature::None) => drop(form.left_out.insert(OptionalField::Temperature)),
                Some(Temperature::Of(_)) => drop(form.left_out.remove(&OptionalField::Temperature)),
                None => {}
            }
            match &table.seed {
                Some(FieldName::None) => drop(form.left_out.insert(OptionalField::Seed)),
                Some(FieldName::Named(name)) => {
                    form.left_out.remove(&OptionalField::Seed);
                    form.seed_field.clone_from(name);
                }
                None => {}
            }
        }
        form
    }

    /// Headers beside those of every request.
    #[must_use]
    pub fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// What is added to the address.
    #[must_use]
    pub fn query(&self) -> &BTreeMap<String, String> {
        &self.query
    }

    /// Whether a temperature is sent.
    #[must_use]
    pub fn sends_temperature(&self) -> bool {
        self.takes_temperature && !self.left_out.contains(&OptionalField::Temperature)
    }

    /// Whether a seed is sent.
    #[must_use]
    pub fn sends_seed(&self) -> bool {
        !self.left_out.contains(&OptionalField::Seed)
    }

    /// The fields of a body beside its model and messages.
    #[must_use]
    pub fn fields(
        &self,
        temperature: f64,
        max_output_tokens: u32,
        draw: u64,
    ) -> Map<String, Value> {
        // The task's own fields first, so that none of them can replace what the budget counts on.
        let mut fields = self.body.clone();
        if self.sends_temperature() {
            fields.insert("temperature".to_owned(), temperature.into());
        }
        fields.insert(self.max_tokens_field.clone(), max_output_tokens.into());
        if self.sends_seed() {
            fields.insert(self.seed_field.clone(), draw.into());
        }
        fields
    }

    /// The same without a field that a server refused; `None` where it does not have that field, or
    /// cannot do without it. The limit on an answer gets its other name.
    #[must_use]
    pub fn without(&self, field: &str) -> Option<Self> {
        let mut form = self.clone();
        if field == "temperature" && self.sends_temperature() {
            form.left_out.insert(OptionalField::Temperature);
        } else if field == self.seed_field && self.sends_seed() {
            form.left_out.insert(OptionalField::Seed);
        } else if field == self.max_tokens_field && !self.is_renamed {
            let other = MAX_TOKENS_FIELDS.into_iter().find(|name| *name != field)?;
            form.max_tokens_field = other.to_owned();
            form.is_renamed = true;
        } else {
            return None;
        }
        Some(form)
    }
}

/// The part of the form that decides answers: a request's identity. A limit by another name is the same
/// limit, and what a service never takes is no choice.
impl Serialize for RequestForm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut form = serializer.serialize_struct("RequestForm", 2)?;
        form.serialize_field("body", &self.body)?;
        form.serialize_field("left_out", &self.left_out)?;
        form.end()
    }
}

impl RequestForm {
    /// Whether nothing in it decides answers.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.body.is_empty() && self.left_out.is_empty()
    }
}

/// Puts fields over others; an object over an object adds to it.
fn merge(fields: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (fields.get_mut(name), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            _ => drop(fields.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(form: &RequestForm) -> Value {
        Value::Object(form.fields(0.5, 9, 3))
    }

    #[test]
    fn each_service_is_asked_in_its_own_way() {
        let common = json!({"temperature": 0.5, "max_tokens": 9, "seed": 3});
        for host in ["127.0.0.1", "api.openai.com.evil.example", ""] {
            assert_eq!(fields(&RequestForm::of(host, "org/m", &[])), common);
        }
        let mistral = RequestForm::of("api.mistral.ai", "mistral-small", &[]);
        let written = json!({"temperature": 0.5, "max_tokens": 9, "random_seed": 3});
        assert_eq!(fields(&mistral), written);
        let openai = RequestForm::of("api.openai.com", "gpt-4o-mini", &[]);
        let written = json!({"temperature": 0.5, "max_completion_tokens": 9, "seed": 3});
        assert_eq!(fields(&openai), written);
        for model in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "ft:gpt-5-x:o"]
        {
            let form = RequestForm::of("api.openai.com", model, &[]);
            assert_eq!(fields(&form), json!({"max_completion_tokens": 9, "seed": 3}), "{model}");
        }
    }

    #[test]
    fn a_models_table_wins_over_its_providers() {
        let body = |value: Value| value.as_object().unwrap().clone();
        let provider = FormTable {
            body: body(json!({"provider": {"order": ["a"]}, "reasoning_effort": "low"})),
            max_tokens_field: Some("max_new_tokens".to_owned()),
            seed: Some(FieldName::None),
            temperature: Some(Temperature::None),
            ..FormTable::default()
        };
        let model = FormTable {
            body: body(json!({"provider": {"allow_fallbacks": false}, "reasoning_effort": "high"})),
            seed: Some(FieldName::Named("random_seed".to_owned())),
            ..FormTable::default()
        };
        let warm = FormTable { temperature: Some(Temperature::Of(0.7)), ..model.clone() };
        assert!(RequestForm::of("h", "m", &[&provider, &warm]).sends_temperature());
        let form = RequestForm::of("h", "m", &[&provider, &model]);
        let written = json!({
            "max_new_tokens": 9, "random_seed": 3, "reasoning_effort": "high",
            "provider": {"order": ["a"], "allow_fallbacks": false},
        });
        assert_eq!(fields(&form), written);
        assert!(!form.is_usual());
    }

    #[test]
    fn a_refused_field_is_left_out_once_and_the_limit_is_renamed_once() {
        let form = RequestForm::default();
        let bare = form.without("temperature").unwrap().without("seed").unwrap();
        assert_eq!(fields(&bare), json!({"max_tokens": 9}));
        assert_ne!(json!(bare), json!(form), "another request");
        assert_eq!((bare.without("temperature"), bare.without("top_p")), (None, None));
        let renamed = form.without("max_tokens").unwrap();
        assert_eq!(fields(&renamed)["max_completion_tokens"], 9);
        assert_eq!(json!(renamed), json!(form), "the same request");
        assert_eq!(renamed.without("max_completion_tokens"), None);
    }

    #[test]
    fn what_a_table_may_not_hold_is_refused_with_what_to_write() {
        let table = |headers: &[(&str, &str)], body: Value| FormTable {
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.as_object().unwrap().clone(),
            ..FormTable::default()
        };
        let said = |table: FormTable| table.check().unwrap_err();
        let key = |name: &str| json!({ name: "sk-1234" });
        for hidden in [json!({"auth": key("password")}), key("api_key")] {
            assert!(said(table(&[], hidden)).contains("keys belong in `api_key`"));
        }
        let query = [("api-key".to_owned(), "sk-1234".to_owned())].into();
        let shown = said(FormTable { query, ..FormTable::default() });
        assert!(shown.contains("`query` holds a key") && !shown.contains("sk-1234"), "{shown}");
        for (name, body) in [("messages", json!({})), ("limit", json!({"limit": 9}))] {
            let named = FormTable { max_tokens_field: Some(name.to_owned()), ..table(&[], body) };
            assert!(said(named).contains("two cannot have one name"));
        }
        let secret = said(table(&[("Api-Key", "sk-1234")], json!({})));
        assert!(secret.contains("api_key_header = \"Api-Key\"") && !secret.contains("sk-1234"));
        assert!(said(table(&[("a b", "c")], json!({}))).contains("not the name of a header"));
        assert!(said(table(&[("a", "b\nc")], json!({}))).contains("no header can hold"));
        let limit = said(table(&[], json!({"max_tokens": 5})));
        assert!(limit.contains("max_output_tokens"), "{limit}");
        table(&[("HTTP-Referer", "https://x.example")], json!({"top_p": 0.9})).check().unwrap();
    }
}
