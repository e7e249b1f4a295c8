//! What a wire protocol defines: request to body, body to reply, refusal to failure.
//!
//! A protocol is one file and one line in `registry`; what it calls its fields is data
//! (`task/model/services.toml`). Connections, deadlines and keys are `http`'s.

use super::refusal::Refusal;
use super::{Reply, Request};
use crate::task::model::Usage;
use crate::units::Usd;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// Stands in a path for the model's name.
pub(super) const MODEL: &str = "{model}";

/// A wire protocol over HTTP.
pub trait Protocol: Default + Send + Sync + Sized {
    /// What is added to a provider's `base_url`, such as `/chat/completions`; `{model}` in it stands
    /// for the name of the request's model.
    const PATH: &'static str;

    /// Whether it has `POST /embeddings`.
    const HAS_EMBEDDINGS: bool = false;

    /// Headers of all requests; a task's own ones win.
    const HEADERS: &'static [(&'static str, &'static str)] = &[];

    /// The header that carries the key; `None` where no header takes it.
    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).ok()?;
        (!key.expose_secret().trim().is_empty()).then_some((AUTHORIZATION, value))
    }

    /// The body of a request.
    fn body(&self, request: &Request) -> Bytes;

    /// The reply in a body that came with a 2xx status.
    ///
    /// # Errors
    /// There is no usable answer in it.
    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal>;

    /// The tokens that a whole body counts, be it an answer or an error; `None` where it counts none.
    fn usage(&self, body: &Value) -> Option<Usage>;

    /// What a body says that the call cost, in a protocol that says so.
    fn usd(&self, _body: &Value) -> Option<Usd> {
        None
    }

    /// What any other status means for the next attempt. Most services write their refusals alike.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Refusal {
        Refusal::new(status, headers, body, now)
    }
}

/// A header that holds the key and nothing else.
pub(super) fn alone_in(header: &str, key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
    let key = key.expose_secret();
    let name = HeaderName::from_bytes(header.as_bytes()).ok()?;
    (!key.trim().is_empty()).then_some((name, HeaderValue::from_str(key).ok()?))
}

/// A body as bytes, with the fields of the request's form.
pub(super) fn written(request: &Request, prompt: Map<String, Value>) -> Bytes {
    let Request { temperature, max_output_tokens, draw, .. } = *request;
    let body = request.form.written(prompt, temperature, max_output_tokens, draw);
    // Strings and numbers can always be written; an empty body would be refused at no cost.
    Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::prompt::{Message, Role};
    use crate::task::model::{ModelName, ProviderKind, RequestForm};
    use std::sync::Arc;

    /// A request in the form of a service.
    pub(crate) fn request(
        kind: ProviderKind,
        host: &str,
        model: &str,
        schema: Option<Value>,
    ) -> Request {
        let message = |role, content: &str| Message { role, content: content.to_owned() };
        let form = RequestForm::of(kind, host, model, &[]).unwrap().with_schema(schema);
        Request {
            model: ModelName::parse(&format!("p/{model}")).unwrap(),
            messages: vec![message(Role::System, "Route it."), message(Role::User, "Hi")],
            temperature: 0.5,
            max_output_tokens: 9,
            draw: 3,
            stable_bytes: 0,
            form: Arc::new(form),
            row: None,
        }
    }

    /// Its body.
    pub(crate) fn written(protocol: &impl Protocol, request: &Request) -> Value {
        serde_json::from_slice(&protocol.body(request)).unwrap()
    }
}
