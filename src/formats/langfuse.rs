//! The body of Langfuse's `POST /api/public/v2/prompts`, which its libraries' `create_prompt` takes, too.
//!
//! No label is set: the label `production` deploys a prompt, and that is the user's to do.

use super::chat::{add, chat, facts, text_at};
use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::escaped_lines;
use super::messages::Messages;
use super::mustache::Mustache;
use super::template::Syntax as _;
use super::{Exported, Unwritable};
use serde_json::{Value, json};

/// What a reference to another prompt begins and ends with: Langfuse puts that prompt's text in its place.
const REFERENCE: [&str; 2] = ["@@@langfusePrompt:", "@@@"];

/// The first reference to another prompt in a text.
fn reference(text: &str) -> Option<&str> {
    let [begin, end] = REFERENCE;
    let from = text.find(begin)?;
    let length = text[from + begin.len()..].find(end)?;
    Some(&text[from..from + begin.len() + length + end.len()])
}

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let messages = Messages::of(exported, &Mustache)?;
    let texts = messages.system.iter().chain(&messages.user);
    if let Some(reference) = texts.filter_map(|text| reference(text)).next() {
        return Err(Unwritable::new(
            format!("Langfuse would put another prompt in the place of `{reference}`"),
            "write it in another way, or use `--format md`",
        ));
    }
    let name = exported.fact("task").cloned().unwrap_or_default();
    let candidate = exported.fact("candidate").and_then(Value::as_str).unwrap_or_default();
    let status = exported.fact("status").and_then(Value::as_str).unwrap_or_default();
    let simulated = exported.simulated.map_or_else(String::new, |it| format!(". {it}"));
    let (kind, prompt) = match (&messages.system, &messages.user) {
        (None, Some(user)) => ("text", user.as_str().into()),
        _ => ("chat", chat(&messages)),
    };
    let body = json!({
        "type": kind,
        "name": name,
        "prompt": prompt,
        "labels": [],
        "tags": [FORMAT_KEY],
        "config": {"model": exported.fact("model"), FORMAT_KEY: messages.facts()},
        "commitMessage": format!("prompt {candidate} ({status}){simulated}"),
    });
    Ok(format!("{}\n", escaped_lines(&body)).into_bytes())
}

pub(super) fn is_payload(value: &Value) -> bool {
    let is_kind = || matches!(value["type"].as_str(), Some("chat" | "text"));
    value.get("prompt").is_some() && (is_kind() || value["config"].get(FORMAT_KEY).is_some())
}

pub(super) fn read(value: &Value) -> Result<Document, DocumentError> {
    let mut messages = Messages { facts: facts(&value["config"]), ..Messages::default() };
    let prompt = &value["prompt"];
    let contents = prompt.as_array().into_iter().flatten().map(|message| &message["content"]);
    let texts = contents.chain([prompt]).filter_map(Value::as_str);
    if let Some(reference) = texts.filter_map(reference).next() {
        return Err(DocumentError::new(
            None,
            format!("`prompt` names another prompt of Langfuse: `{reference}`"),
            "put that prompt's text in its place, as Langfuse itself does: its libraries' `get_prompt` returns the whole text",
        ));
    }
    if prompt.is_array() {
        add(&mut messages, &value["prompt"], "prompt")?;
        return messages.document(&Mustache);
    }
    let text = text_at(value, "prompt", "")?;
    if messages.facts.is_empty() {
        return Mustache.to_part(text).map(Document::plain).map_err(|why| {
            DocumentError::new(
                None,
                format!("`prompt`: {why}"),
                "a prompt here shows variables, and does nothing else with them",
            )
        });
    }
    messages.user = Some(text.to_owned());
    messages.document(&Mustache)
}
