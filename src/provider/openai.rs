//! `POST /chat/completions`: OpenAI, and the many servers that speak this protocol.

mod answer;

use super::Reply;
use super::Request;
use super::protocol::Protocol;
use super::refusal::Refusal;
use crate::prompt::Message;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};

/// OpenAI's protocol. How one service differs from the others is in each request's form.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

impl Protocol for OpenAi {
    const PATH: &'static str = "/chat/completions";

    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        let key = key.expose_secret();
        let value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
        (!key.trim().is_empty()).then_some((AUTHORIZATION, value))
    }

    fn body(&self, request: &Request) -> Bytes {
        #[derive(Serialize)]
        struct Body<'a> {
            model: &'a str,
            messages: &'a [Message],
            #[serde(flatten)]
            fields: Map<String, Value>,
        }
        let Request { temperature, max_output_tokens, draw, .. } = *request;
        let body = Body {
            model: request.model.model(),
            messages: &request.messages,
            fields: request.form.fields(temperature, max_output_tokens, draw),
        };
        // Strings and numbers can always be written; an empty body would be refused at no cost.
        Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal> {
        answer::read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Role;
    use crate::task::model::{ModelName, RequestForm};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn a_request_is_written_in_its_form() {
        let request = Request {
            model: ModelName::parse("p/org/m").unwrap(),
            messages: vec![Message { role: Role::User, content: "Hi".to_owned() }],
            temperature: 0.5,
            max_output_tokens: 9,
            draw: 3,
            form: Arc::new(RequestForm::of("api.mistral.ai", "m", &[])),
        };
        let written: Value = serde_json::from_slice(&OpenAi.body(&request)).unwrap();
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let expected = json!({"model": "org/m", "messages": messages, "temperature": 0.5,
            "max_tokens": 9, "random_seed": 3});
        assert_eq!(written, expected);
    }
}
