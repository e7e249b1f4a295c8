//! How a request is written where services differ: the names of its fields, what is left out of it, and
//! what a task adds to it.
//!
//! A service's own way comes from `service`; a provider's table changes it, and a model's table
//! changes that. What a server refuses while a run goes on is left out, too ([`RequestForm::without`]).
//! Where the prompt stands in a body is the protocol's.

use super::field::{Cache, FieldName, SystemRole, Temperature, has, merge, set};
use super::form_table::FormTable;
use super::kind::ProviderKind;
use super::service::{Protocol, Service};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The two names of the limit on an answer. A server that refuses one takes the other.
const MAX_TOKENS_FIELDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What servers call the role of a system message when they refuse it.
const SYSTEM_ROLE: &str = "system role";

/// A field that a request can be sent without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OptionalField {
    /// The sampling temperature.
    Temperature,
    /// The seed.
    Seed,
    /// The system message: its text begins the user's.
    SystemRole,
}

/// How the requests to one model are written.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestForm {
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    body: Map<String, Value>,
    max_tokens_field: String,
    temperature_field: String,
    temperature_max: f64,
    seed_field: String,
    /// What its service does not take.
    not_taken: BTreeSet<OptionalField>,
    left_out: BTreeSet<OptionalField>,
    /// Whether a server refused the usual name of the limit.
    is_renamed: bool,
    /// From how many tokens on a prompt cache keeps a prompt, where its breakpoints have to be set.
    cache_min_tokens: Option<u32>,
    /// Whether its protocol has such breakpoints.
    has_breakpoints: bool,
    schema: Option<Value>,
    /// Whether vectors are asked for, and no answer.
    asks_vectors: bool,
    /// Whether a target is asked.
    is_of_target: bool,
}

impl Default for RequestForm {
    /// As most services take it.
    fn default() -> Self {
        Self::usual(ProviderKind::Openai)
    }
}

impl RequestForm {
    fn usual(kind: ProviderKind) -> Self {
        let protocol = Protocol::of(kind);
        let mut form = Self {
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            body: Map::new(),
            max_tokens_field: protocol.max_tokens_field.clone(),
            temperature_field: protocol.temperature_field.clone(),
            temperature_max: protocol.temperature_max.unwrap_or(2.0),
            seed_field: String::new(),
            not_taken: BTreeSet::new(),
            left_out: BTreeSet::new(),
            is_renamed: false,
            cache_min_tokens: protocol.cache_min_tokens,
            has_breakpoints: protocol.cache_min_tokens.is_some(),
            schema: None,
            asks_vectors: false,
            is_of_target: kind.is_target(),
        };
        form.takes_seed(&protocol.seed);
        form
    }

    fn takes_seed(&mut self, seed: &FieldName) {
        match seed {
            FieldName::None => drop(self.not_taken.insert(OptionalField::Seed)),
            FieldName::Named(name) => {
                self.not_taken.remove(&OptionalField::Seed);
                self.seed_field.clone_from(name);
            }
        }
    }

    /// The form of a service's model, changed by tables, of which the later ones win.
    ///
    /// # Errors
    /// What the tables ask for and the service does not take.
    pub fn of(
        kind: ProviderKind,
        host: &str,
        model: &str,
        tables: &[&FormTable],
    ) -> Result<Self, String> {
        let mut form = Self::usual(kind);
        let mut effort_field = Protocol::of(kind).reasoning_effort_field.clone();
        let service = Service::at(host, kind);
        for differs in service.iter().flat_map(|service| service.differences(model)) {
            if differs.temperature == Some(Temperature::None) {
                form.not_taken.insert(OptionalField::Temperature);
            }
            if differs.system_role == Some(SystemRole::None) {
                form.not_taken.insert(OptionalField::SystemRole);
            }
            form.cache_min_tokens = differs.cache_min_tokens.or(form.cache_min_tokens);
            // Names are those of the service's usual protocol; some also speak another one.
            if service.is_none_or(|service| service.kind != kind) {
                continue;
            }
            if let Some(name) = &differs.max_tokens_field {
                form.max_tokens_field.clone_from(name);
            }
            if let Some(seed) = &differs.seed {
                form.takes_seed(seed);
            }
            if let Some(name) = &differs.reasoning_effort_field {
                effort_field.clone_from(name);
            }
        }
        for table in tables {
            form.change(table, &effort_field)?;
        }
        Ok(form)
    }

    fn change(&mut self, table: &FormTable, effort_field: &FieldName) -> Result<(), String> {
        self.headers.extend(table.headers.clone());
        self.query.extend(table.query.clone());
        merge(&mut self.body, &table.body);
        if let Some(name) = &table.max_tokens_field {
            self.max_tokens_field.clone_from(name);
        }
        match table.temperature {
            Some(Temperature::None) => drop(self.left_out.insert(OptionalField::Temperature)),
            // Asked for by the user, it is sent: the server decides.
            Some(Temperature::Of(_)) => {
                self.left_out.remove(&OptionalField::Temperature);
                self.not_taken.remove(&OptionalField::Temperature);
            }
            None => {}
        }
        match &table.seed {
            Some(FieldName::None) => drop(self.left_out.insert(OptionalField::Seed)),
            Some(named) => {
                self.left_out.remove(&OptionalField::Seed);
                self.takes_seed(named);
            }
            None => {}
        }
        match table.system_role {
            Some(SystemRole::None) => drop(self.left_out.insert(OptionalField::SystemRole)),
            Some(SystemRole::System) => {
                self.left_out.remove(&OptionalField::SystemRole);
                self.not_taken.remove(&OptionalField::SystemRole);
            }
            None => {}
        }
        match table.cache {
            Some(Cache::None) => self.cache_min_tokens = None,
            Some(Cache::From(_)) if !self.has_breakpoints => {
                return Err("`cache` can only be \"none\": its protocol has no breakpoints for a \
                     prompt cache, and providers keep prompts by themselves"
                    .to_owned());
            }
            Some(Cache::From(tokens)) => self.cache_min_tokens = Some(tokens),
            None => {}
        }
        if let Some(effort) = &table.reasoning_effort {
            let field = effort_field.named().ok_or("its service takes no `reasoning_effort`")?;
            set(&mut self.body, field, Value::String(effort.clone()));
        }
        Ok(())
    }

    /// The same with a JSON Schema that answers must follow.
    #[must_use]
    pub fn with_schema(self, schema: Option<Value>) -> Self {
        Self { schema, ..self }
    }

    /// Checks that a schema stands alone where a protocol has its place.
    ///
    /// # Errors
    /// `body` sets it too.
    pub fn check_schema_place(&self, kind: ProviderKind) -> Result<(), String> {
        let field = &Protocol::of(kind).schema_field;
        match self.schema.is_some() && has(&self.body, field) {
            true => Err(format!(
                "`body` cannot set `{field}` beside `schema`, which stands there: leave one out"
            )),
            false => Ok(()),
        }
    }

    /// The same for an embedding model: the messages are texts whose vectors are asked for.
    #[must_use]
    pub fn for_vectors(self) -> Self {
        Self { asks_vectors: true, ..self }
    }

    /// Whether the messages are texts whose vectors are asked for. The reply's text then holds them
    /// ([`crate::vector::to_text`]).
    #[must_use]
    pub fn asks_vectors(&self) -> bool {
        self.asks_vectors
    }

    /// The dimensions that vectors are asked for with, where the task's own `body` states them.
    #[must_use]
    pub fn dimensions(&self) -> Option<u64> {
        self.body.get("dimensions").and_then(Value::as_u64)
    }

    /// Whether a target is asked, which is told the parts of the prompt and the columns of the row, too.
    #[must_use]
    pub fn is_of_target(&self) -> bool {
        self.is_of_target
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

    /// The JSON Schema that answers must follow.
    #[must_use]
    pub fn schema(&self) -> Option<&Value> {
        self.schema.as_ref()
    }

    /// From how many tokens on breakpoints for a prompt cache are set; none are set without it.
    #[must_use]
    pub fn cache_min_tokens(&self) -> Option<u32> {
        self.cache_min_tokens
    }

    fn sends(&self, field: OptionalField) -> bool {
        !self.asks_vectors && !self.not_taken.contains(&field) && !self.left_out.contains(&field)
    }

    /// The name of the limit on an answer.
    #[must_use]
    pub fn max_tokens_field(&self) -> &str {
        &self.max_tokens_field
    }

    /// Whether a temperature is sent.
    #[must_use]
    pub fn sends_temperature(&self) -> bool {
        self.sends(OptionalField::Temperature)
    }

    /// The nearest temperature that its protocol takes.
    #[must_use]
    pub fn nearest_temperature(&self, asked: f64) -> f64 {
        asked.min(self.temperature_max)
    }

    /// Whether a seed is sent.
    #[must_use]
    pub fn sends_seed(&self) -> bool {
        self.sends(OptionalField::Seed)
    }

    /// Whether a system message is sent as such.
    #[must_use]
    pub fn sends_system(&self) -> bool {
        self.asks_vectors || self.sends(OptionalField::SystemRole)
    }

    /// A body with the prompt that it begins with.
    #[must_use]
    pub fn written(
        &self,
        prompt: Map<String, Value>,
        temperature: f64,
        max_output_tokens: u32,
        draw: u64,
    ) -> Map<String, Value> {
        let mut fields = prompt;
        // The task's own fields first, so that none of them can replace what the budget counts on.
        merge(&mut fields, &self.body);
        if self.sends_temperature() {
            set(&mut fields, &self.temperature_field, temperature.into());
        }
        if !self.asks_vectors {
            set(&mut fields, &self.max_tokens_field, max_output_tokens.into());
        }
        if self.sends_seed() {
            set(&mut fields, &self.seed_field, draw.into());
        }
        fields
    }

    /// The same without a field that a server refused; `None` where it does not have that field, or
    /// cannot do without it. The limit on an answer gets its other name.
    #[must_use]
    pub fn without(&self, field: &str) -> Option<Self> {
        // It has none of them.
        if self.asks_vectors {
            return None;
        }
        let mut form = self.clone();
        // A server names the field, and not always the object that it is in.
        let is = |path: &str| path == field || path.rsplit('.').next() == Some(field);
        if is(&self.temperature_field) && self.sends_temperature() {
            form.left_out.insert(OptionalField::Temperature);
        } else if is(&self.seed_field) && self.sends_seed() {
            form.left_out.insert(OptionalField::Seed);
        } else if field == SYSTEM_ROLE && self.sends_system() {
            form.left_out.insert(OptionalField::SystemRole);
        } else if field == self.max_tokens_field && !self.is_renamed {
            let at = MAX_TOKENS_FIELDS.iter().position(|name| *name == field)?;
            form.max_tokens_field = MAX_TOKENS_FIELDS[1 - at].to_owned();
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
        let mut form = serializer.serialize_struct("RequestForm", 4)?;
        form.serialize_field("body", &self.body)?;
        form.serialize_field("left_out", &self.left_out)?;
        match &self.schema {
            Some(schema) => form.serialize_field("schema", schema)?,
            None => form.skip_field("schema")?,
        }
        match self.asks_vectors {
            true => form.serialize_field("asks_vectors", &true)?,
            false => form.skip_field("asks_vectors")?,
        }
        form.end()
    }
}

impl RequestForm {
    /// Whether nothing in it decides answers.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.body.is_empty()
            && self.left_out.is_empty()
            && self.schema.is_none()
            && !self.asks_vectors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(host: &str, model: &str, tables: &[&FormTable]) -> RequestForm {
        RequestForm::of(ProviderKind::Openai, host, model, tables).unwrap()
    }

    fn fields(form: &RequestForm) -> Value {
        Value::Object(form.written(Map::new(), 0.5, 9, 3))
    }

    #[test]
    fn each_service_is_asked_in_its_own_way() {
        let common = json!({"temperature": 0.5, "max_tokens": 9, "seed": 3});
        for host in ["127.0.0.1", "api.openai.com.evil.example", ""] {
            assert_eq!(fields(&of(host, "org/m", &[])), common);
        }
        let mistral = of("api.mistral.ai", "mistral-small", &[]);
        let written = json!({"temperature": 0.5, "max_tokens": 9, "random_seed": 3});
        assert_eq!(fields(&mistral), written);
        let openai = of("api.openai.com", "gpt-4o-mini", &[]);
        let written = json!({"temperature": 0.5, "max_completion_tokens": 9, "seed": 3});
        assert_eq!(fields(&openai), written);
        for model in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "ft:gpt-5-x:o"]
        {
            let form = of("api.openai.com", model, &[]);
            assert_eq!(fields(&form), json!({"max_completion_tokens": 9, "seed": 3}), "{model}");
        }
    }

    #[test]
    fn a_service_that_is_asked_by_another_protocol_keeps_that_ones_names() {
        let table = FormTable { reasoning_effort: Some("low".to_owned()), ..FormTable::default() };
        let of =
            |kind, host, model| fields(&RequestForm::of(kind, host, model, &[&table]).unwrap());
        let openrouter = of(ProviderKind::Openai, "openrouter.ai", "anthropic/claude-x");
        assert_eq!(openrouter["reasoning"], json!({"effort": "low"}));
        let messages = of(ProviderKind::Anthropic, "openrouter.ai", "anthropic/claude-x");
        assert_eq!(messages["output_config"], json!({"effort": "low"}));
        assert_eq!(messages.get("reasoning"), None);
        // What a model does not take it takes by no protocol.
        let chat = of(ProviderKind::Openai, "api.anthropic.com", "claude-opus-5");
        assert_eq!((chat.get("temperature"), chat["max_tokens"].as_u64()), (None, Some(9)));
    }

    #[test]
    fn a_system_message_is_sent_as_service_and_task_say() {
        let sends = |model, role| {
            let table = FormTable { system_role: role, ..FormTable::default() };
            let host = "generativelanguage.googleapis.com";
            let form = RequestForm::of(ProviderKind::Gemini, host, model, &[&table]).unwrap();
            form.sends_system()
        };
        assert!(sends("gemini-2.5-pro", None) && !sends("gemma-3-27b-it", None));
        assert!(!sends("gemini-2.5-pro", Some(SystemRole::None)));
        assert!(sends("gemma-3-27b-it", Some(SystemRole::System)));
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
        assert!(of("h", "m", &[&provider, &warm]).sends_temperature());
        let form = of("h", "m", &[&provider, &model]);
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
}
