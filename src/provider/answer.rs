//! What answers have in common, whatever the protocol: a body that came with 200 as JSON, counts, and what
//! makes an answer of its parts.
//!
//! Read loosely, because no two servers write alike: a field of an unexpected type is as good as missing, and
//! only what is missing and needed makes the body unreadable. Where the parts stand is the protocol's.

use super::refusal::Refusal;
use super::{Failure, Finish, Reply, body};
use crate::task::model::Usage;
use crate::text;
use serde_json::Value;

/// The most characters of an answer in a message about it.
const SHOWN: usize = 160;

/// The parts of an answer.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The text that answers.
    pub(super) text: String,
    /// Reasoning beside it.
    pub(super) thoughts: String,
    /// Calls of tools, as they came.
    pub(super) calls: Vec<String>,
    /// Why it ended.
    pub(super) finish: Finish,
    /// The same in the server's words.
    pub(super) reason: String,
    /// What a filter says, where one does.
    pub(super) filter: String,
    /// What was counted.
    pub(super) usage: Option<Usage>,
}

impl Parts {
    /// The reply that they make, or why they make none.
    pub(super) fn reply(self) -> Result<Reply, Refusal> {
        let Self { text, thoughts, calls, finish, reason, filter, usage } = self;
        if !calls.is_empty() {
            let calls = text::shorten(&calls.join(", "), 200);
            let why = format!("the model called a tool: {calls}");
            let (finish, envelope) = (Finish::ToolCall, Box::default());
            return Ok(Reply { text, usage, finish, why, envelope });
        }
        if text.is_empty() && !matches!(finish, Finish::Length | Finish::Filter) {
            let ended = match reason.as_str() {
                "" => String::new(),
                reason => format!(", ended by `{reason}`"),
            };
            let (failure, words) = if thoughts.trim().is_empty() {
                (Failure::Empty, format!("sent an answer without a text{ended}"))
            } else {
                let thoughts = text::shorten(&thoughts, SHOWN);
                (Failure::Reasoning, format!("sent reasoning and no answer{ended}: “{thoughts}”"))
            };
            return Err(Refusal::billed(failure, words));
        }
        let why = match (finish, filter.as_str()) {
            (Finish::Filter, "") => {
                format!("a content filter cut off the answer: “{}”", text::shorten(&text, SHOWN))
            }
            (Finish::Filter, filter) => format!("a content filter stopped the answer: {filter}"),
            _ => String::new(),
        };
        Ok(Reply { text, usage, finish, why, envelope: Box::default() })
    }
}

/// A body as JSON, where it is no error.
pub(super) fn value(bytes: &[u8]) -> Result<Value, Refusal> {
    let Some(value) = body::json(bytes) else {
        if bytes.trim_ascii().is_empty() {
            let words = "sent an empty body".to_owned();
            return Err(Refusal::billed(Failure::Unreadable, words));
        }
        return Err(unreadable(bytes, "a body that is not JSON"));
    };
    if value["error"].is_null() {
        Ok(value)
    } else {
        Err(Refusal::inside_an_answer(&value["error"]))
    }
}

/// A body that is not what the protocol says.
pub(super) fn unreadable(bytes: &[u8], what: &str) -> Refusal {
    let shown: String = String::from_utf8_lossy(bytes).chars().take(200).collect();
    Refusal::billed(Failure::Unreadable, format!("sent {what}: {shown}"))
}

/// The server stopped, not the model: half an answer is not an answer.
pub(super) fn broken_off(reason: &str) -> Refusal {
    Refusal::billed(Failure::Transient, format!("broke off its answer: {reason}"))
}

/// A number of tokens.
pub(super) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        // Some servers write whole numbers as 12.0.
        (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
    })
}

/// The first number of tokens among several places; 0 where there is none.
pub(super) fn first_count(places: &[&Value]) -> u64 {
    places.iter().find_map(|place| count(place)).unwrap_or(0)
}
