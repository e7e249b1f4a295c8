//! `POST /v1/messages`: Anthropic, and the gateways that speak this protocol.
//!
//! The text that all rows of a candidate share ends with a breakpoint for Anthropic's prompt cache, where it is
//! long enough to be kept.

pub(super) mod batches;

use super::answer::{Parts, count, first_count, unreadable, value};
use super::protocol::{Protocol, alone_in, written};
use super::refusal::Refusal;
use super::{Finish, Reply, Request};
use crate::prompt::{Message, Role};
use crate::task::model::Usage;
use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

/// Bytes per token, as assumed before anything is counted. A breakpoint below the cache's minimum has no
/// effect, and no cost.
const BYTES_PER_TOKEN: usize = 4;

/// Anthropic's protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

impl Protocol for Anthropic {
    const PATH: &'static str = "/v1/messages";
    const HEADERS: &'static [(&'static str, &'static str)] = &[("anthropic-version", "2023-06-01")];

    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        alone_in("x-api-key", key)
    }

    fn body(&self, request: &Request) -> Bytes {
        let mut body = Map::new();
        body.insert("model".to_owned(), request.model.model().into());
        let mut breakpoint = breakpoint(request);
        let (mut system, mut turns) = (Vec::new(), Vec::new());
        for Message { role, content } in request.sent_messages().iter() {
            let blocks = blocks(content, &mut breakpoint);
            match role {
                Role::System => system.extend(blocks),
                Role::User => turns.push(json!({"role": "user", "content": blocks})),
            }
        }
        if !system.is_empty() {
            body.insert("system".to_owned(), system.into());
        }
        body.insert("messages".to_owned(), turns.into());
        if let Some(schema) = request.form.schema() {
            let format = json!({"type": "json_schema", "schema": schema});
            body.insert("output_config".to_owned(), json!({ "format": format }));
        }
        written(request, body)
    }

    fn reply(&self, bytes: &[u8]) -> Result<Reply, Refusal> {
        let value = value(bytes)?;
        let Some(content) = value["content"].as_array() else {
            return Err(unreadable(bytes, "a body without `content`"));
        };
        let reason = value["stop_reason"].as_str().unwrap_or_default();
        let finish = match reason {
            "end_turn" | "stop_sequence" | "" => Finish::Stop,
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "refusal" => Finish::Filter,
            _ => Finish::Other,
        };
        let filter = match finish {
            Finish::Filter => value["stop_details"]["explanation"]
                .as_str()
                .unwrap_or("the provider ended it as a refusal")
                .to_owned(),
            _ => String::new(),
        };
        let usage = self.usage(&value);
        let reason = reason.to_owned();
        let mut parts = Parts { finish, reason, filter, usage, ..Parts::default() };
        for block in content {
            match block["type"].as_str().unwrap_or_default() {
                "text" => parts.text.push_str(block["text"].as_str().unwrap_or_default()),
                "thinking" => {
                    parts.thoughts.push_str(block["thinking"].as_str().unwrap_or_default());
                }
                "redacted_thinking" => parts.thoughts.push_str("(redacted)"),
                _ => parts.calls.push(block.to_string()),
            }
        }
        parts.reply()
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        usage_of(&body["usage"])
    }
}

/// Where the breakpoint for the cache is, in bytes of all messages; `None` where there is none.
fn breakpoint(request: &Request) -> Option<usize> {
    let least = request.form.cache_min_tokens()? as usize * BYTES_PER_TOKEN;
    (request.stable_bytes >= least).then_some(request.stable_bytes)
}

/// A message as blocks of text: two, where the breakpoint is inside it. Its bytes are taken off the way to the
/// breakpoint, which is gone once it is set.
fn blocks(content: &str, breakpoint: &mut Option<usize>) -> Vec<Value> {
    let block = |text: &str| json!({"type": "text", "text": text});
    let Some(left) = *breakpoint else { return vec![block(content)] };
    if left > content.len() {
        *breakpoint = Some(left - content.len());
        return vec![block(content)];
    }
    *breakpoint = None;
    let mut blocks = match content.split_at_checked(left) {
        Some((stable, "")) => vec![block(stable)],
        // A block without words is refused.
        Some((stable, rest)) if !stable.trim().is_empty() && !rest.trim().is_empty() => {
            vec![block(stable), block(rest)]
        }
        _ => return vec![block(content)],
    };
    blocks[0]["cache_control"] = json!({"type": "ephemeral"});
    blocks
}

/// Tokens as the provider counted them; `None` where it did not count. Its input tokens are those that were
/// neither cached nor written.
fn usage_of(usage: &Value) -> Option<Usage> {
    let uncached = count(&usage["input_tokens"])?;
    let answer = count(&usage["output_tokens"])?;
    let cached = first_count(&[&usage["cache_read_input_tokens"]]);
    let written = first_count(&[&usage["cache_creation_input_tokens"]]);
    let details = &usage["output_tokens_details"];
    let reasoning = first_count(&[&details["thinking_tokens"], &details["reasoning_tokens"]]);
    let prompt = uncached.saturating_add(cached).saturating_add(written);
    (prompt > 0).then(|| Usage::of_totals(prompt, cached, written, answer, reasoning))
}

#[cfg(test)]
mod tests;
