//! How a call ended, or an attempt at it: facts from outside.

use super::omit::is_default;
use crate::id::{Call, RequestHash};
use crate::task::model::Usage;
use crate::units::{Tokens, Usd};
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
    /// A filter cut it off.
    Filter,
    /// Anything else that the provider names.
    Other,
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
    /// The provider or the network failed: tried again.
    Transient,
    /// A deadline passed: tried again.
    Timeout,
    /// A 200 whose body could not be read: tried again.
    Unreadable,
    /// A 200 without a text and without a reason for it: tried again.
    Empty,
    /// It was set aside and never sent, because the run was asked to stop.
    Unsent,
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
    /// Answer tokens.
    pub out: u64,
    /// What it cost, in nano-dollars.
    pub usd: Usd,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "is_default")]
    pub finish: Finish,
    /// How long the attempt took.
    pub ms: u32,
    /// Running time of the run at the arrival, in milliseconds.
    pub at: u64,
}

impl Answered {
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
            out: 1,
            usd: Usd::ZERO,
            finish: Finish::Stop,
            ms: 1,
            at: 0,
        }
    }

    /// The tokens as one value.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            input: Tokens(self.input),
            cached_input: Tokens(self.cached),
            output: Tokens(self.out),
        }
    }
}
