//! How a call ended, or an attempt at it: facts from outside.

use super::omit::is_default;
use crate::id::{Call, RequestHash};
use crate::task::model::Usage;
use crate::units::Usd;
use serde::{Deserialize, Serialize};

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    #[default]
    Stop,
    /// It ran into `max_output_tokens`.
    Length,
    /// A filter cut it off, or refused to answer.
    Filter,
    /// It calls a tool instead of answering.
    ToolCall,
    /// It reasons, and answers nothing: after several tries.
    Reasoning,
    /// It has no text: after several tries.
    Empty,
    /// Anything else that the provider names.
    Other,
}

impl Finish {
    /// Why an answer that ends like this is no good answer, if it is none.
    #[must_use]
    pub fn flaw(self) -> Option<NoAnswer> {
        match self {
            Self::Stop | Self::Other => None,
            Self::Length => Some(NoAnswer::Cut),
            Self::Filter => Some(NoAnswer::Filter),
            Self::ToolCall => Some(NoAnswer::ToolCall),
            Self::Reasoning => Some(NoAnswer::Reasoning),
            Self::Empty => Some(NoAnswer::Empty),
        }
    }
}

/// Why a call has no good answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// The provider or the network failed, again and again.
    #[default]
    Transport,
    /// Deadlines passed, again and again.
    Timeout,
    /// No body could be read.
    Unreadable,
    /// The request was refused before a model saw it.
    Refused,
    /// The budget had no room for it.
    NoBudget,
    /// The time of the run was over.
    NoTime,
    /// The answers had no text.
    Empty,
    /// The answers were reasoning only.
    Reasoning,
    /// The answer was cut off at `max_output_tokens`.
    Cut,
    /// The answer calls a tool.
    ToolCall,
    /// A content filter refused or cut off the answer.
    Filter,
}

impl NoAnswer {
    /// Whether nothing was sent: that says nothing about the provider either.
    #[must_use]
    pub fn is_unsent(self) -> bool {
        matches!(self, Self::NoBudget | Self::NoTime)
    }

    /// Whether the model was asked and its answer is useless: that counts as wrong. Everything else is
    /// trouble of the provider and says nothing about a prompt.
    #[must_use]
    pub fn is_invalid(self) -> bool {
        match self {
            Self::Transport
            | Self::Timeout
            | Self::Unreadable
            | Self::Refused
            | Self::NoBudget
            | Self::NoTime => false,
            Self::Empty | Self::Reasoning | Self::Cut | Self::ToolCall | Self::Filter => true,
        }
    }

    /// For people, after a number of calls.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Transport => "lost by the provider or the network",
            Self::Timeout => "not answered in time",
            Self::Unreadable => "answered with a body that cannot be read",
            Self::Refused => "refused",
            Self::NoBudget => "not sent, because the budget had no room",
            Self::NoTime => "not sent, because the time was over",
            Self::Empty => "answered without a text",
            Self::Reasoning => "answered with reasoning only",
            Self::Cut => "cut off at max_output_tokens",
            Self::ToolCall => "answered with a tool call",
            Self::Filter => "refused or cut off by a content filter",
        }
    }
}

/// What kind of failure an attempt met; decides whether it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Too many requests: tried again when the provider says, without counting as a try.
    Throttled,
    /// The key was refused: the run stops.
    Auth,
    /// Quota or balance is used up: the run stops.
    Quota,
    /// The request itself was refused: never tried again.
    BadRequest,
    /// A content filter refused the request: never tried again.
    Filter,
    /// Nothing takes the connection, so nothing was sent: waited for.
    Unreachable,
    /// No server has this name: waited for, but not long where none was ever reached.
    UnknownHost,
    /// The server says that it is not ready or overloaded (503): waited for.
    Unavailable,
    /// No connection can be trusted: the run stops.
    Certificate,
    /// A program cannot be started: the run stops.
    NotStarted,
    /// The provider or the network failed: tried again.
    Transient,
    /// A deadline passed: tried again.
    Timeout,
    /// A 200 whose body could not be read: tried again.
    Unreadable,
    /// A 200 without a text and without a reason for it: tried again.
    Empty,
    /// A 200 with reasoning only: tried again.
    Reasoning,
    /// It was set aside and never sent, because the run was asked to stop.
    Unsent,
}

impl Failure {
    /// Whether the provider is not there, or not ready for anything.
    #[must_use]
    pub fn is_outage(self) -> bool {
        matches!(self, Self::Unreachable | Self::UnknownHost | Self::Unavailable)
    }

    /// Whether no other request would be answered either, until people do something.
    #[must_use]
    pub fn stops_run(self) -> bool {
        matches!(self, Self::Auth | Self::Quota | Self::Certificate | Self::NotStarted)
    }

    /// Whether nothing was sent.
    #[must_use]
    pub fn is_before_sending(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::UnknownHost
                | Self::Certificate
                | Self::NotStarted
                | Self::Unsent
        )
    }
}

/// One step on the way of a target to its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who made it: a role, or the name of a tool; empty where the target says neither.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What was said or done.
    pub text: String,
}

/// A call's answer. The request is not part of it: it is rendered again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Which call.
    pub call: Call,
    /// The request's identity.
    pub request: RequestHash,
    /// Bytes of the request's messages.
    pub bytes: u64,
    /// The text as it came.
    pub text: String,
    /// Prompt tokens.
    #[serde(rename = "in")]
    pub input: u64,
    /// Those of them that the provider had cached.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cached: u64,
    /// Those of them that the provider wrote to its cache.
    #[serde(default, skip_serializing_if = "is_default")]
    pub written: u64,
    /// Answer tokens.
    pub out: u64,
    /// Those of them that are reasoning.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reasoning: u64,
    /// What it cost, in nano-dollars.
    pub usd: Usd,
    /// Whether its tokens are estimated, because the provider reported none, or impossible numbers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub estimated: bool,
    /// What it would have cost live, in nano-dollars, where it came in a batch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub live: Option<Usd>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finish: Finish,
    /// What is wrong with it, in the provider's words, where something is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// How a target came to it, step by step, where it says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trajectory: Vec<Step>,
    /// How long the attempt took.
    pub ms: u32,
    /// Running time of the run at the arrival, in milliseconds.
    pub at: u64,
}

impl Answered {
    /// What it costs live: prompts are compared at one price, however their rows happened to be asked.
    #[must_use]
    pub fn live_usd(&self) -> Usd {
        self.live.unwrap_or(self.usd)
    }

    /// An answer for tests, which set the fields that they are about.
    #[cfg(test)]
    pub(crate) fn sample(call: Call) -> Self {
        Self {
            call,
            request: RequestHash::of(&call.0.to_le_bytes()),
            bytes: 40,
            text: String::new(),
            input: 10,
            cached: 0,
            written: 0,
            out: 1,
            reasoning: 0,
            usd: Usd::ZERO,
            estimated: false,
            live: None,
            finish: Finish::Stop,
            why: String::new(),
            trajectory: Vec::new(),
            ms: 1,
            at: 0,
        }
    }

    /// Why it is no good answer, if it is none.
    #[must_use]
    pub fn flaw(&self) -> Option<NoAnswer> {
        self.finish.flaw()
    }

    /// The tokens as one value. Events of earlier versions tell neither what was written to a cache nor what
    /// was reasoning.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of_totals(self.input, self.cached, self.written, self.out, self.reasoning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_earlier_versions_are_read_and_zeros_are_left_out() {
        let mut event = serde_json::to_value(Answered::sample(Call(3))).unwrap();
        for field in ["cached", "written", "reasoning"] {
            assert!(event.get(field).is_none(), "{field}: {event}");
        }
        event["cached"] = 4.into();
        let read: Answered = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(read.usage(), Usage::of_totals(10, 4, 0, 1, 0));
        event["written"] = 5.into();
        event["reasoning"] = 1.into();
        let read: Answered = serde_json::from_value(event).unwrap();
        assert_eq!(read.usage(), Usage::of_totals(10, 4, 5, 1, 1));
    }
}
