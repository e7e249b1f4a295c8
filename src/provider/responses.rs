//! `POST /responses`: OpenAI's second protocol, and the only one of some of its models.

use super::answer::{Parts, broken_off, count, first_count, unreadable, value};
use super::protocol::{Protocol, written};
use super::refusal::Refusal;
use super::{Finish, Reply, Request};
use crate::task::model::Usage;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// OpenAI's second protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiResponses;

impl Protocol for OpenAiResponses {
    const PATH: &'static str = "/responses";
    const HAS_EMBEDDINGS: bool = true;

    fn body(&self, request: &Request) -> Bytes {
        let mut body = Map::new();
        body.insert("model".to_owned(), request.model.model().into());
        body.insert("input".to_owned(), json!(request.sent_messages()));
        // The run keeps the answers.
        body.insert("store".to_owned(), false.into());
        if let Some(schema) = request.form.schema() {
            let format =
                json!({"type": "json_schema", "name": "answer", "schema": schema, "strict": true});
            body.insert("text".to_owned(), json!({ "format": format }));
        }
        written(request, body)
    }

    fn reply(&self, bytes: &[u8]) -> Result<Reply, Refusal> {
        let value = value(bytes)?;
        let Some(output) = value["output"].as_array() else {
            return Err(unreadable(bytes, "a body without `output`"));
        };
        let usage = self.usage(&value);
        let status = value["status"].as_str().unwrap_or_default();
        let details = value["incomplete_details"]["reason"].as_str().unwrap_or_default();
        let (finish, reason) = match (status, details) {
            ("completed" | "", _) => (Finish::Stop, status),
            ("incomplete", "max_output_tokens") => (Finish::Length, details),
            ("incomplete", "content_filter") => (Finish::Filter, details),
            ("incomplete", _) => (Finish::Other, details),
            _ => return Err(broken_off(status)),
        };
        let mut parts = Parts { finish, reason: reason.to_owned(), usage, ..Parts::default() };
        for item in output {
            let content = item["content"].as_array().into_iter().flatten();
            match item["type"].as_str().unwrap_or_default() {
                // A refusal by the model is its answer.
                "message" => {
                    parts.text.extend(content.filter_map(|part| {
                        part["text"].as_str().or_else(|| part["refusal"].as_str())
                    }));
                }
                "reasoning" => {
                    let summary = item["summary"].as_array().into_iter().flatten();
                    parts
                        .thoughts
                        .extend(summary.chain(content).filter_map(|it| it["text"].as_str()));
                }
                _ => parts.calls.push(item.to_string()),
            }
        }
        parts.reply()
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        usage_of(&body["usage"])
    }
}

/// Tokens as the provider counted them; `None` where it did not count.
fn usage_of(usage: &Value) -> Option<Usage> {
    let prompt = count(&usage["input_tokens"]).filter(|count| *count > 0)?;
    let answer = count(&usage["output_tokens"])?;
    let (of_prompt, of_answer) = (&usage["input_tokens_details"], &usage["output_tokens_details"]);
    let cached = first_count(&[&of_prompt["cached_tokens"]]);
    let written = first_count(&[&of_prompt["cache_write_tokens"]]);
    let reasoning = first_count(&[&of_answer["reasoning_tokens"]]);
    Some(Usage::of_totals(prompt, cached, written, answer, reasoning))
}

#[cfg(test)]
mod tests;
