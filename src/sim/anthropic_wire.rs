//! Anthropic's protocol as far as the simulated server speaks it.

use super::Answer;
use super::wire::{ChatRequest, WireMessage};
use crate::event::Finish;
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of `POST /v1/messages`. Fields that are not named here are ignored.
#[derive(Deserialize)]
struct MessagesRequest {
    model: String,
    max_tokens: u32,
    temperature: Option<f64>,
    system: Option<Value>,
    messages: Vec<WireMessage>,
}

/// Reads a body.
///
/// # Errors
/// A sentence about what is wrong with it.
pub(super) fn parse(body: &[u8]) -> Result<ChatRequest, String> {
    let request: MessagesRequest = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not a request for messages: {error}"))?;
    let system = request.system.map(|content| json!({"role": "system", "content": content}));
    let system = system.map(serde_json::from_value).transpose();
    let system = system.map_err(|error| format!("`system` is no text: {error}"))?;
    let messages = system.into_iter().chain(request.messages).collect();
    ChatRequest::new(request.model, messages, request.temperature, request.max_tokens)
}

/// An answer as bytes.
pub(super) fn response(model: &str, body_hash: &str, answer: &Answer<'_>) -> Vec<u8> {
    let usage = answer.usage;
    let reason = match answer.finish {
        Finish::Length => "max_tokens",
        Finish::Filter => "refusal",
        Finish::ToolCall => "tool_use",
        Finish::Stop | Finish::Other | Finish::Reasoning | Finish::Empty => "end_turn",
    };
    let body = json!({
        "id": format!("simulated-{body_hash}"), "type": "message", "role": "assistant",
        "model": model, "content": [{"type": "text", "text": answer.text}],
        "stop_reason": reason, "stop_sequence": null,
        "usage": {
            "input_tokens": usage.uncached_input.0, "cache_read_input_tokens": usage.cached_input.0,
            "cache_creation_input_tokens": usage.cache_write.0, "output_tokens": usage.answer().0,
        },
    });
    body.to_string().into_bytes()
}

/// An error as bytes.
pub(super) fn error(kind: &str, message: &str) -> Vec<u8> {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}});
    body.to_string().into_bytes()
}
