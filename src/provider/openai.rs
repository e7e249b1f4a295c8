//! `POST /chat/completions`: OpenAI, and the many servers that speak this protocol.

mod answer;

use super::Reply;
use super::Request;
use super::protocol::Protocol;
use super::refusal::Refusal;
use crate::prompt::Message;
use crate::task::Task;
use crate::task::model::ModelRole;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// OpenAI's protocol, as one service understands it.
#[derive(Clone, Copy, Debug)]
pub struct OpenAi {
    dialect: Dialect,
}

impl Protocol for OpenAi {
    const PATH: &'static str = "/chat/completions";

    fn at(host: &str) -> Self {
        Self { dialect: Dialect::of(host) }
    }

    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        let key = key.expose_secret();
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).ok()?;
        // Not shown by `Debug`, and left out of the compression tables of HTTP/2.
        value.set_sensitive(true);
        (!key.trim().is_empty()).then_some((AUTHORIZATION, value))
    }

    fn body(&self, request: &Request) -> Bytes {
        self.dialect.body(request)
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal> {
        answer::read(body)
    }
}

/// How a service has to be asked, where it differs from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    /// OpenAI itself: another name for the limit, and reasoning models without a temperature.
    OpenAi,
    /// Mistral: another name for the seed, and unknown names are refused.
    Mistral,
    /// All others.
    Common,
}

impl Dialect {
    fn of(host: &str) -> Self {
        match host {
            "api.openai.com" => Self::OpenAi,
            "api.mistral.ai" => Self::Mistral,
            _ => Self::Common,
        }
    }

    fn takes_temperature(self, model: &str) -> bool {
        !(self == Self::OpenAi && is_reasoning(model))
    }

    fn body(self, request: &Request) -> Bytes {
        #[derive(Serialize)]
        struct Body<'a> {
            model: &'a str,
            messages: &'a [Message],
            #[serde(skip_serializing_if = "Option::is_none")]
            temperature: Option<f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_tokens: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_completion_tokens: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            seed: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            random_seed: Option<u64>,
        }
        let model = request.model.model();
        let openai = self == Self::OpenAi;
        let mistral = self == Self::Mistral;
        let body = Body {
            model,
            messages: &request.messages,
            temperature: self.takes_temperature(model).then_some(request.temperature),
            max_tokens: (!openai).then_some(request.max_output_tokens),
            max_completion_tokens: openai.then_some(request.max_output_tokens),
            seed: (!mistral).then_some(request.draw),
            random_seed: mistral.then_some(request.draw),
        };
        // Strings and numbers can always be written; an empty body would be refused at no cost.
        Bytes::from(serde_json::to_vec(&body).unwrap_or_default())
    }
}

/// What a task's requests leave out because a model refuses it, in words.
#[must_use]
pub fn left_out(task: &Task) -> Vec<String> {
    let of_role = |role| {
        let model = task.model(role)?;
        let provider = task.providers().get(model.name.provider())?;
        let address = reqwest::Url::parse(provider.base_url.as_deref()?).ok()?;
        let takes_temperature =
            Dialect::of(address.host_str()?).takes_temperature(model.name.model());
        (!takes_temperature).then(|| {
            format!(
                "`{}` takes no temperature, so none is sent: its answers vary as the service decides",
                model.name
            )
        })
    };
    let mut told: Vec<String> = ModelRole::ALL.into_iter().filter_map(of_role).collect();
    told.dedup();
    told
}

/// OpenAI's models that refuse a temperature, fine-tuned ones (`ft:…`) included.
fn is_reasoning(model: &str) -> bool {
    let model = model.strip_prefix("ft:").unwrap_or(model);
    ["o1", "o3", "o4", "gpt-5"].iter().any(|family| model.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Role;
    use crate::task::model::ModelName;
    use serde_json::{Value, json};

    fn body(dialect: Dialect, model: &str) -> Value {
        let request = Request {
            model: ModelName::parse(&format!("p/{model}")).unwrap(),
            messages: vec![Message { role: Role::User, content: "Hi".to_owned() }],
            temperature: 0.5,
            max_output_tokens: 9,
            draw: 3,
        };
        serde_json::from_slice(&dialect.body(&request)).unwrap()
    }

    #[test]
    fn each_service_is_asked_in_its_own_dialect() {
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let common = json!({"model": "org/m", "messages": messages, "temperature": 0.5,
            "max_tokens": 9, "seed": 3});
        assert_eq!(body(Dialect::of("127.0.0.1"), "org/m"), common);
        assert_eq!(body(Dialect::of("api.openai.com.evil.example"), "org/m"), common);
        assert_eq!(
            body(Dialect::of("api.mistral.ai"), "mistral-small"),
            json!({"model": "mistral-small", "messages": messages, "temperature": 0.5,
                "max_tokens": 9, "random_seed": 3})
        );
        assert_eq!(
            body(Dialect::of("api.openai.com"), "gpt-4o-mini"),
            json!({"model": "gpt-4o-mini", "messages": messages, "temperature": 0.5,
                "max_completion_tokens": 9, "seed": 3})
        );
        for model in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "ft:gpt-5-x:o"]
        {
            assert_eq!(
                body(Dialect::of("api.openai.com"), model),
                json!({"model": model, "messages": messages, "max_completion_tokens": 9, "seed": 3})
            );
        }
    }
}
