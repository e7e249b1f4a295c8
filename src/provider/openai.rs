//! `POST /chat/completions`: OpenAI, and the many servers that speak this protocol.

mod answer;
pub(super) mod batches;

use super::protocol::{Protocol, written};
use super::refusal::Refusal;
use super::{Reply, Request};
use crate::task::model::Usage;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// OpenAI's first protocol. How one service differs from the others is in each request's form.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

impl Protocol for OpenAi {
    const PATH: &'static str = "/chat/completions";
    const HAS_EMBEDDINGS: bool = true;

    fn body(&self, request: &Request) -> Bytes {
        let mut body = Map::new();
        body.insert("model".to_owned(), request.model.model().into());
        body.insert("messages".to_owned(), json!(request.sent_messages()));
        if let Some(schema) = request.form.schema() {
            let schema = json!({"name": "answer", "schema": schema, "strict": true});
            let format = json!({"type": "json_schema", "json_schema": schema});
            body.insert("response_format".to_owned(), format);
        }
        written(request, body)
    }

    fn reply(&self, body: &[u8]) -> Result<Reply, Refusal> {
        answer::read(body)
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        answer::usage_of(&body["usage"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::protocol::tests::{request, written};
    use crate::task::model::ProviderKind;

    #[test]
    fn a_request_is_written_in_its_form() {
        let request = request(ProviderKind::Openai, "api.mistral.ai", "m", None);
        let messages = json!([
            {"role": "system", "content": "Route it."}, {"role": "user", "content": "Hi"},
        ]);
        let expected = json!({"model": "m", "messages": messages, "temperature": 0.5,
            "max_tokens": 9, "random_seed": 3});
        assert_eq!(written(&OpenAi, &request), expected);
    }

    #[test]
    fn a_schema_is_sent_as_the_format_of_the_response() {
        let schema = json!({"type": "object"});
        let request = request(ProviderKind::Openai, "", "m", Some(schema.clone()));
        let format = json!({"type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": true}});
        assert_eq!(written(&OpenAi, &request)["response_format"], format);
    }
}
