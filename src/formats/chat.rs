//! Chat messages as OpenAI takes them, with this program's own placeholders. And what of JSON is a message.

use super::document::{Document, DocumentError, FORMAT_KEY};
use super::escaped::escaped_lines;
use super::messages::Messages;
use super::template::Own;
use super::{Exported, Unwritable};
use serde_json::{Value, json};

pub(super) fn write(exported: &Exported<'_>) -> Result<Vec<u8>, Unwritable> {
    let messages = Messages::of(exported, &Own)?;
    let list = chat(&messages);
    let file = json!({ FORMAT_KEY: messages.facts(), "messages": list });
    Ok(format!("{}\n", escaped_lines(&file)).into_bytes())
}

/// Messages as a list.
pub(super) fn chat(messages: &Messages) -> Value {
    messages.each().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

/// Whether it is a request of messages, or a list of them.
pub(super) fn is_chat(value: &Value) -> bool {
    let list = value.get("messages").unwrap_or(value);
    value.get("messages").is_some() || list[0].get("role").is_some()
}

pub(super) fn read(value: &Value) -> Result<Document, DocumentError> {
    let mut messages = Messages { facts: facts(value), ..Messages::default() };
    match value.get("messages") {
        Some(list) => add(&mut messages, list, "messages")?,
        None => add(&mut messages, value, "")?,
    }
    messages.document(&Own)
}

/// The facts in an object.
pub(super) fn facts(holder: &Value) -> Vec<(String, Value)> {
    let facts = holder.get(FORMAT_KEY).and_then(Value::as_object);
    facts.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Adds the messages of a list that stands at this place.
pub(super) fn add(messages: &mut Messages, list: &Value, at: &str) -> Result<(), DocumentError> {
    let list = list.as_array().filter(|list| !list.is_empty()).ok_or_else(|| {
        DocumentError::new(
            None,
            format!("`{at}` is not a list of messages"),
            r#"write it as `[{"role": "system", "content": "…"}, {"role": "user", "content": "{{ input }}"}]`"#,
        )
    })?;
    for (number, message) in list.iter().enumerate() {
        let place = format!("{at}[{number}]");
        let role = text_at(message, "role", &place)?;
        messages.add(role, content(message, &place)?, &place)?;
    }
    Ok(())
}

/// A text in an object.
pub(super) fn text_at<'a>(
    object: &'a Value,
    key: &str,
    place: &str,
) -> Result<&'a str, DocumentError> {
    let dot = if place.is_empty() { "" } else { "." };
    object.get(key).and_then(Value::as_str).ok_or_else(|| {
        let what = if object.get(key).is_some() { "is not a text" } else { "is missing" };
        DocumentError::new(None, format!("`{place}{dot}{key}` {what}"), "export the file again")
    })
}

/// The text of a message: a text, or a list with one.
fn content<'a>(message: &'a Value, place: &str) -> Result<&'a str, DocumentError> {
    match &message["content"] {
        Value::Array(items) => match &items[..] {
            [only] => text_at(only, "text", &format!("{place}.content[0]")),
            _ => Err(DocumentError::new(
                None,
                format!("`{place}.content` has {} items", items.len()),
                "a message here is one text",
            )),
        },
        _ => text_at(message, "content", place),
    }
}
