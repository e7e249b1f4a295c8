//! Chats: a list of messages as an input and an answer. Of a message that calls tools and says nothing,
//! the calls are what it says.

use crate::prompt::{Columns, value_text};
use crate::task::json;
use serde_json::Value;

/// The column that a chat's instructions get.
pub(in crate::import) const SYSTEM: &str = "system";

/// One message of a chat.
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
    /// What it calls, if it says nothing.
    pub(super) call: Option<Value>,
}

impl Message {
    /// What stands for the message where it is an answer.
    pub(super) fn into_answer(self) -> Value {
        self.call.unwrap_or_else(|| self.content.into())
    }
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
    let call = called(value);
    let content = ["content", "value", "text"].iter().find_map(|key| value.get(*key));
    let content = match content.or(call.as_ref().map(|_| &Value::Null))? {
        // Parts of a message: its texts.
        Value::Array(parts) => {
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        other => value_text(other).into_owned(),
    };
    let call = call.filter(|_| content.trim().is_empty());
    let content = call.as_ref().map_or(content, Value::to_string);
    Some(Message { role: role.to_owned(), content, call })
}

/// The arguments of the tool that a message calls; of several, the list of names and arguments.
fn called(message: &Value) -> Option<Value> {
    let list = message.get("tool_calls").and_then(Value::as_array);
    let calls: Vec<&Value> = match list.filter(|list| !list.is_empty()) {
        Some(list) => list.iter().map(|it| it.get("function").unwrap_or(it)).collect(),
        None => vec![message.get("function_call").filter(|it| it.is_object())?],
    };
    let arguments = |call: &Value| {
        let given = ["arguments", "args", "input"].iter().find_map(|key| call.get(*key));
        match given.unwrap_or(&Value::Null) {
            Value::String(text) => json::parse(text).unwrap_or_else(|_| text.clone().into()),
            other => other.clone(),
        }
    };
    match &calls[..] {
        [only] => Some(arguments(only)),
        several => {
            let each = several.iter().map(
                |call| serde_json::json!({"name": call.get("name"), "arguments": arguments(call)}),
            );
            Some(each.collect())
        }
    }
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

/// Whether a message or the last one of a chat calls tools, and says nothing.
pub(super) fn ends_with_call(value: &Value) -> bool {
    let last = message(value).or_else(|| messages(value)?.pop());
    last.is_some_and(|last| last.call.is_some())
}

/// What a message says, where a single message or a chat stands for an answer.
pub(super) fn said(value: &Value) -> Option<Value> {
    let last = message(value).or_else(|| messages(value)?.pop())?;
    Some(last.into_answer())
}
