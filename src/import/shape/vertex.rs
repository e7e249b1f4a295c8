//! Gemini's and Vertex AI's chats: `contents` of `parts`, and `systemInstruction`.

use crate::prompt::Columns;
use serde_json::{Value, json};

const INSTRUCTIONS: &[&str] = &["systemInstruction", "system_instruction"];

/// Whether a row is such a chat.
pub(super) fn is_chat(row: &Columns) -> bool {
    row.get("contents").and_then(Value::as_array).is_some_and(|list| {
        !list.is_empty() && list.iter().all(|turn| turn.get("parts").is_some_and(Value::is_array))
    })
}

/// The row with the chat as `messages`.
pub(super) fn chat(mut row: Columns) -> Columns {
    let Some(Value::Array(turns)) = row.shift_remove("contents") else { return row };
    let system = INSTRUCTIONS.iter().find_map(|name| row.shift_remove(*name));
    let system = system.map(|it| match it {
        Value::String(text) => json!({"role": "system", "content": text}),
        turn => message("system", &turn),
    });
    let turns = turns.iter().map(|turn| {
        // Without a role, it is the user who speaks.
        message(turn.get("role").and_then(Value::as_str).unwrap_or("user"), turn)
    });
    let messages: Vec<Value> = system.into_iter().chain(turns).collect();
    row.insert("messages".to_owned(), messages.into());
    row
}

/// A turn as a message: its parts, and the functions that it calls.
fn message(role: &str, turn: &Value) -> Value {
    let parts: Vec<&Value> =
        turn.get("parts").and_then(Value::as_array).into_iter().flatten().collect();
    let call_of =
        |part: &&Value| part.get("functionCall").or_else(|| part.get("function_call")).cloned();
    let (calls, others): (Vec<&Value>, Vec<&Value>) =
        parts.into_iter().partition(|part| call_of(part).is_some());
    let calls: Vec<Value> = calls
        .iter()
        .filter_map(call_of)
        .map(|call| json!({"function": {"name": call.get("name"), "arguments": call.get("args")}}))
        .collect();
    json!({"role": role, "content": others, "tool_calls": calls})
}
