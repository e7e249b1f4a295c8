//! The keys of a provider's or a model's table that change how its requests are written.
//!
//! What comes of them is in `form`.

use super::field::{Cache, FieldName, SystemRole, Temperature, has};
use super::kind::ProviderKind;
use super::service::Protocol;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
    /// Whether a system message is sent as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_role: Option<SystemRole>,
    /// How much a model reasons, in the words of its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// Where breakpoints for a prompt cache are set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
}

impl FormTable {
    /// What of a provider's table is for requests of every kind: the rest is for those that are answered in
    /// words.
    #[must_use]
    pub fn for_vectors(&self) -> Self {
        let (headers, query) = (self.headers.clone(), self.query.clone());
        Self { headers, query, ..Self::default() }
    }

    /// Checks the names of its fields against those of a protocol.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn check_for(&self, kind: ProviderKind) -> Result<(), String> {
        let protocol = Protocol::of(kind);
        let reserved = protocol.fixed.iter().chain(&protocol.settable);
        if let Some((name, instead)) = reserved.clone().find(|(name, _)| has(&self.body, name)) {
            return Err(format!("`body` cannot set `{name}`: {instead}"));
        }
        let own = [
            (Some(protocol.max_tokens_field.as_str()), "max_output_tokens"),
            (Some(protocol.temperature_field.as_str()), "temperature"),
            (protocol.seed.named(), "seed"),
        ];
        let own = own.iter().filter_map(|(name, key)| Some(((*name)?, key)));
        if let Some((name, key)) = own.clone().find(|(name, _)| has(&self.body, name)) {
            return Err(format!("`body` cannot set `{name}`: write `{key}` beside `body`"));
        }
        let seed = self.seed.as_ref().and_then(FieldName::named);
        for name in self.max_tokens_field.as_deref().into_iter().chain(seed) {
            if protocol.fixed.contains_key(name) || has(&self.body, name) {
                return Err(format!(
                    "`{name}` is another field of the body: two cannot have one name"
                ));
            }
        }
        Ok(())
    }

    /// Checks that it holds no secret, and only headers that can be sent.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_table_may_not_hold_is_refused_with_what_to_write() {
        let table = |headers: &[(&str, &str)], body: Value| FormTable {
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: body.as_object().unwrap().clone(),
            ..FormTable::default()
        };
        let all =
            |table: &FormTable| table.check().and_then(|()| table.check_for(ProviderKind::Openai));
        let said = |table: FormTable| all(&table).unwrap_err();
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
        all(&table(&[("HTTP-Referer", "https://x.example")], json!({"top_p": 0.9}))).unwrap();
        let of = |kind, body| table(&[], body).check_for(kind).unwrap_err();
        let inside = of(ProviderKind::Gemini, json!({"generationConfig": {"seed": 1}}));
        assert!(inside.contains("`generationConfig.seed`"), "{inside}");
        let blocked = of(ProviderKind::Gemini, json!({"generationConfig": 1}));
        assert!(blocked.contains("`body` cannot set"), "{blocked}");
        let system = of(ProviderKind::Anthropic, json!({"system": "x"}));
        assert!(system.contains("it is the prompt"), "{system}");
        table(&[], json!({"system": "x"})).check_for(ProviderKind::Openai).unwrap();
    }
}
