//! Chats: a list of messages as an input and an answer. Of a message that calls tools and says nothing,
//! the calls are what it says.

use crate::import::literal::structure;
use crate::prompt::{Columns, value_text};
use crate::source::json;
use serde_json::Value;
use std::collections::BTreeSet;

/// The column that a chat's instructions get.
pub(in crate::import) const SYSTEM: &str = "system";

/// One message of a chat.
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
    /// What it calls, if it says nothing.
    pub(super) calls: Vec<Call>,
}

/// A call of a tool.
pub(super) struct Call {
    name: String,
    arguments: Value,
}

impl Message {
    /// What stands for the message where it is an answer: of a call, its arguments, and the tool's name
    /// if it says something.
    pub(super) fn into_answer(mut self, with_names: bool) -> Value {
        match self.calls.len() {
            0 => self.content.into(),
            1 if !with_names => self.calls.remove(0).arguments,
            1 => self.calls.remove(0).whole(),
            _ => self.calls.into_iter().map(Call::whole).collect(),
        }
    }

    /// The tools that it calls; of a call without arguments, the name says something.
    pub(super) fn tools(&self) -> impl Iterator<Item = (&str, bool)> {
        self.calls.iter().map(|call| {
            let is_bare = call.arguments.as_object().is_none_or(serde_json::Map::is_empty);
            (call.name.as_str(), is_bare)
        })
    }
}

impl Call {
    fn whole(self) -> Value {
        serde_json::json!({"name": self.name, "arguments": self.arguments})
    }
}

/// The messages of a list such as `[{"role": "user", "content": "…"}]`, bare or under the key
/// `messages`; ShareGPT's names are understood.
pub(super) fn messages(value: &Value) -> Option<Vec<Message>> {
    let opened = structure(value)?;
    let value = opened.get("messages").unwrap_or(&opened);
    let list = value.as_array().filter(|list| !list.is_empty())?;
    // LangSmith logs a list for each prompt of a call.
    let list = match list.as_slice() {
        [Value::Array(only)] if !only.is_empty() => only,
        _ => list,
    };
    list.iter().map(message).collect()
}

/// The role that LangChain's `type` names: `human`, or, where a message was dumped whole, the last name of
/// its class.
fn typed_role(message: &Value) -> Option<&'static str> {
    let class = message.get("id").and_then(Value::as_array).and_then(|names| names.last());
    let kind = match message.get("type")?.as_str()? {
        "constructor" => class?.as_str()?,
        kind => kind,
    };
    Some(match kind.trim_end_matches("Chunk").trim_end_matches("Message") {
        "human" | "Human" => "user",
        "ai" | "AI" => "assistant",
        "system" | "System" => "system",
        "tool" | "Tool" | "function" | "Function" => "tool",
        _ => return None,
    })
}

/// What a message holds: LangChain may write it under `data` or `kwargs`.
fn body(message: &Value) -> &Value {
    let inner = ["data", "kwargs"].iter().find_map(|key| message.get(*key));
    inner.filter(|it| it.is_object() && typed_role(message).is_some()).unwrap_or(message)
}

fn message(value: &Value) -> Option<Message> {
    let named = ["role", "from"].iter().find_map(|key| value.get(*key)?.as_str());
    let role = named.or_else(|| typed_role(value))?;
    let value = body(value);
    let role = match role {
        "human" | "user" => "user",
        "gpt" | "assistant" | "model" | "bot" => "assistant",
        "system" | "developer" => "system",
        other => other,
    };
    let calls = calls_of(value);
    let content = ["content", "value", "text"].iter().find_map(|key| value.get(*key));
    let content = match content.or((!calls.is_empty()).then_some(&Value::Null))? {
        // Parts of a message: its texts.
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()))
                .collect();
            texts.join("\n")
        }
        other => value_text(other).into_owned(),
    };
    let says_nothing = content.trim().is_empty();
    let calls = if says_nothing { calls } else { Vec::new() };
    let content = match calls.is_empty() {
        true => content,
        false => calls
            .iter()
            .map(|it| format!("{} {}", it.name, it.arguments))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    Some(Message { role: role.to_owned(), content, calls })
}

/// What of messages is no text, and is lost where they become one: each as a sentence.
pub(super) fn losses(value: &Value) -> BTreeSet<&'static str> {
    let Some(opened) = structure(value) else { return BTreeSet::new() };
    let list = opened.get("messages").unwrap_or(&opened);
    let one = std::slice::from_ref(list);
    let mut found = BTreeSet::new();
    for message in list.as_array().map_or(one, Vec::as_slice).iter().map(body) {
        let content = ["content", "value", "text"].iter().find_map(|key| message.get(*key));
        if let Some(Value::Array(parts)) = content {
            found.extend(parts.iter().filter_map(loss));
        }
        let says_something = content.is_some_and(|it| match it {
            Value::Array(parts) => parts.iter().any(|part| part.get("text").is_some()),
            other => !value_text(other).trim().is_empty(),
        });
        if says_something && !calls_of(message).is_empty() {
            found.insert("calls of tools beside words are left out of messages");
        }
    }
    found
}

/// What is lost of a part of a message: all but a text.
pub(in crate::import) fn loss(part: &Value) -> Option<&'static str> {
    if part.is_string() || part.get("text").is_some_and(Value::is_string) {
        return None;
    }
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let has =
        |words: &[&str]| words.iter().any(|word| kind.contains(word) || part.get(*word).is_some());
    Some(match () {
        () if has(&["image", "image_url", "inlineData", "inline_data"]) => {
            "images and other media are left out of messages"
        }
        () if has(&[
            "audio",
            "video",
            "file",
            "document",
            "fileData",
            "file_data",
            "input_audio",
        ]) =>
        {
            "images and other media are left out of messages"
        }
        () if has(&["tool_result", "functionResponse", "function_response"]) => {
            "results of tools are left out of messages"
        }
        () if has(&["tool_use", "functionCall", "function_call"]) => {
            "calls of tools beside words are left out of messages"
        }
        () => "parts without a text are left out of messages",
    })
}

/// The calls of a message, also in the old form with a single function.
fn calls_of(message: &Value) -> Vec<Call> {
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let old = message.get("function_call").filter(|it| it.is_object());
    let call = |it: &Value| {
        let function = it.get("function").unwrap_or(it);
        let arguments = match function.get("arguments").or_else(|| function.get("args")) {
            Some(Value::String(text)) => json::parse(text).unwrap_or_else(|_| text.clone().into()),
            other => other.cloned().unwrap_or_default(),
        };
        let name = function.get("name").map(value_text).unwrap_or_default().into_owned();
        Call { name, arguments }
    };
    calls.chain(old).map(call).collect()
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
        // The row may have instructions of its own, too.
        let own = row.get(SYSTEM).map(|it| value_text(it).into_owned());
        let own = own.filter(|it| !it.trim().is_empty() && !system.contains(it));
        let all: Vec<String> = own.into_iter().chain(system).collect();
        row.insert(SYSTEM.to_owned(), all.join("\n\n").into());
    }
    row.insert(column.to_owned(), input.into());
}

/// Whether a list of messages ends with what an assistant said.
pub(super) fn ends_with_answer(value: &Value) -> bool {
    messages(value).is_some_and(|list| list.last().is_some_and(|last| last.role == "assistant"))
}

/// The message that stands for an answer: a single one, or the last one of a chat.
pub(super) fn said(value: &Value) -> Option<Message> {
    message(&*structure(value)?).or_else(|| messages(value)?.pop())
}
