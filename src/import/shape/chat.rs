//! Chats: a list of messages as an input and an answer.

use crate::prompt::{Columns, value_text};
use serde_json::Value;

/// The column that a chat's instructions get.
pub(in crate::import) const SYSTEM: &str = "system";

/// One message of a chat.
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
}

/// The messages of a list such as `[{"role": "user", "content": "…"}]`, bare or under the key
/// `messages`; ShareGPT's names are understood.
pub(super) fn messages(value: &Value) -> Option<Vec<Message>> {
    let value = value.get("messages").unwrap_or(value);
    let list = value.as_array().filter(|list| !list.is_empty())?;
    list.iter().map(message).collect()
}

fn message(value: &Value) -> Option<Message> {
    let role = ["role", "from"].iter().find_map(|key| value.get(*key)?.as_str())?;
    let role = match role {
        "human" | "user" => "user",
        "gpt" | "assistant" | "model" | "bot" => "assistant",
        "system" | "developer" => "system",
        other => other,
    };
    let content = match ["content", "value", "text"].iter().find_map(|key| value.get(*key))? {
        // Parts of a message: its texts.
        Value::Array(parts) => {
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        other => value_text(other).into_owned(),
    };
    Some(Message { role: role.to_owned(), content })
}

/// Instructions become a column of their own, and the rest becomes the input: the text of a single
/// question, or the turns with their speakers.
pub(super) fn insert_messages(row: &mut Columns, column: &str, list: Vec<Message>) {
    let (system, turns): (Vec<Message>, Vec<Message>) =
        list.into_iter().partition(|message| message.role == "system");
    let input = match &turns[..] {
        [only] => only.content.clone(),
        turns => {
            let spoken = |turn: &Message| {
                let speaker = match turn.role.as_str() {
                    "user" => "User",
                    "assistant" => "Assistant",
                    other => other,
                };
                format!("{speaker}: {}", turn.content)
            };
            turns.iter().map(spoken).collect::<Vec<_>>().join("\n\n")
        }
    };
    let system: Vec<String> = system.into_iter().map(|message| message.content).collect();
    if !system.is_empty() {
        row.insert(SYSTEM.to_owned(), system.join("\n\n").into());
    }
    row.insert(column.to_owned(), input.into());
}

/// Whether a list of messages ends with what an assistant said.
pub(super) fn ends_with_answer(value: &Value) -> bool {
    messages(value).is_some_and(|list| list.last().is_some_and(|last| last.role == "assistant"))
}

/// What a message says, where a single message or a chat stands for an answer.
pub(super) fn said(value: &Value) -> Option<String> {
    let last = message(value).or_else(|| messages(value)?.pop())?;
    Some(last.content)
}
