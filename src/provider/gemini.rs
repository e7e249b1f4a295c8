//! `POST /v1beta/models/MODEL:generateContent`: Google's Gemini API.

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

/// Gemini's protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl Protocol for Gemini {
    const PATH: &'static str = "/v1beta/models/{model}:generateContent";

    fn authorization(key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        alone_in("x-goog-api-key", key)
    }

    fn body(&self, request: &Request) -> Bytes {
        let mut body = Map::new();
        let (mut system, mut turns) = (Vec::new(), Vec::new());
        for Message { role, content } in request.sent_messages().iter() {
            let part = json!({ "text": content });
            match role {
                Role::System => system.push(part),
                Role::User => turns.push(json!({"role": "user", "parts": [part]})),
            }
        }
        if !system.is_empty() {
            body.insert("systemInstruction".to_owned(), json!({ "parts": system }));
        }
        body.insert("contents".to_owned(), turns.into());
        if let Some(schema) = request.form.schema() {
            let format =
                json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
            body.insert("generationConfig".to_owned(), format);
        }
        written(request, body)
    }

    fn reply(&self, bytes: &[u8]) -> Result<Reply, Refusal> {
        let value = value(bytes)?;
        let usage = self.usage(&value);
        let (candidate, feedback) = (&value["candidates"][0], &value["promptFeedback"]);
        let words = |of: &Value, code: &str, message: &str| {
            let texts = [&of[code], &of[message]].into_iter().filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join(": ")
        };
        if !candidate.is_object() {
            if !feedback["blockReason"].is_string() {
                return Err(unreadable(bytes, "a body without `candidates`"));
            }
            let filter = words(feedback, "blockReason", "blockReasonMessage");
            return Parts { finish: Finish::Filter, filter, usage, ..Parts::default() }.reply();
        }
        let reason = candidate["finishReason"].as_str().unwrap_or_default();
        let finish = match reason {
            "STOP" | "" => Finish::Stop,
            "MAX_TOKENS" => Finish::Length,
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE" => {
                Finish::Filter
            }
            _ => Finish::Other,
        };
        let filter = match finish {
            Finish::Filter => words(candidate, "finishReason", "finishMessage"),
            _ => String::new(),
        };
        let mut parts =
            Parts { finish, reason: reason.to_owned(), filter, usage, ..Parts::default() };
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            match part["text"].as_str() {
                Some(text) if part["thought"] == true => parts.thoughts.push_str(text),
                Some(text) => parts.text.push_str(text),
                // A signature alone says nothing.
                None if part["functionCall"].is_null() && part["executableCode"].is_null() => {}
                None => parts.calls.push(part.to_string()),
            }
        }
        if parts.calls.is_empty() && reason.ends_with("_CALL") {
            parts.calls.push(words(candidate, "finishReason", "finishMessage"));
        }
        parts.reply()
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        usage_of(&body["usageMetadata"])
    }
}

/// Tokens as the provider counted them; `None` where it did not count.
fn usage_of(usage: &Value) -> Option<Usage> {
    let tools = first_count(&[&usage["toolUsePromptTokenCount"]]);
    let prompt = count(&usage["promptTokenCount"]).filter(|count| *count > 0)?;
    let prompt = prompt.saturating_add(tools);
    // Nothing was answered where it is missing.
    let answer = first_count(&[&usage["candidatesTokenCount"]]);
    let thoughts = first_count(&[&usage["thoughtsTokenCount"]]);
    let cached = first_count(&[&usage["cachedContentTokenCount"]]);
    // Its answer leaves the thoughts out, unless the total says that they are in it.
    let is_within = count(&usage["totalTokenCount"]) == Some(prompt.saturating_add(answer));
    let answer = if is_within { answer } else { answer.saturating_add(thoughts) };
    Some(Usage::of_totals(prompt, cached, 0, answer, thoughts))
}

#[cfg(test)]
mod tests;
