//! Answers from a model, at a price.
//!
//! Not the decision to ask: what is asked of which model is decided above, and what it may cost is the
//! wallet's. Only this module names reqwest.

// A file uses only files declared above it.
pub mod key; // The source of a provider's key, and how it stays out of every text.
mod credential; // A key while a run goes on.
mod waits; // Waits and moments as servers write them.
mod body; // A server's body as JSON, read loosely.
pub mod refusal; // What a server says instead of an answer.
pub mod protocol; // What a wire protocol defines.
pub mod limit; // When an attempt may be sent: the contract.
mod rates; // What an answer's headers say is left of a provider's rates.
mod envelope; // What a server says beside its answer.
pub mod batch; // Many requests at once: the contract.
mod answer; // What answers have in common, whatever the protocol.
pub mod address; // Where a provider is.
mod embeddings; // `POST /embeddings`.
mod connection; // The client of a provider, and why it has no connection.
pub mod webhook; // A message to an address of the user's.
pub mod http; // One attempt over HTTP, whatever the protocol.
mod batch_results; // What the results of batches have in common.
mod target; // What a target reads and writes.
pub mod exec; // A target that is a program.
pub mod openai; // `POST /chat/completions`.
pub mod responses; // `POST /responses`.
pub mod anthropic; // `POST /v1/messages`.
pub mod gemini; // `POST /v1beta/models/MODEL:generateContent`.
pub mod backoff; // How long to wait before an attempt is made again.
pub mod shared_limit; // A cap that several providers share.
pub mod throttle; // How many attempts at one provider at a time, and how fast.
pub mod registry; // The list of protocols, and a task's providers with their limits.

#[cfg(test)]
mod bills;
#[cfg(test)]
pub(crate) mod contract;

pub use crate::event::{Failure, Finish, Step};
pub use envelope::Envelope;

use crate::prompt::{Columns, Message, Role};
use crate::task::model::{ModelName, RefusedFields, RequestForm, Usage};
use crate::text;
use async_trait::async_trait;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// One request as every protocol understands it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// `provider/model`.
    pub model: ModelName,
    /// The chat so far.
    pub messages: Vec<Message>,
    /// Sampling temperature.
    pub temperature: f64,
    /// The longest answer; always sent.
    pub max_output_tokens: u32,
    /// The draw: the replicate of an evaluation, the number of a proposal. Sent as `seed`, so that
    /// a second draw is not the first one's cached answer.
    pub draw: u64,
    /// How many bytes of its messages, from the first one on, are the same in other requests that are
    /// sent soon: what a provider may cache.
    #[serde(skip)]
    pub stable_bytes: usize,
    /// How it is written. What of it decides answers is part of the request's identity.
    #[serde(skip_serializing_if = "is_usual")]
    pub form: Arc<RequestForm>,
    /// What a target is told beside the messages; `None` for a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<Arc<RowParts>>,
}

/// A row as a target is told it. The right answer is not part of it, and neither is a column that the prompt does not
/// show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowParts {
    /// The parts of the prompt, filled with the row, by name.
    pub parts: Columns,
    /// The columns of the row that the task's own prompt shows.
    pub row: Columns,
}

fn is_usual(form: &RequestForm) -> bool {
    form.is_usual()
}

impl Request {
    /// Bytes of all messages: what tokens are estimated from.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
    }

    /// The messages as they are sent: where no system message is taken, its text begins the user's.
    #[must_use]
    pub fn sent_messages(&self) -> Cow<'_, [Message]> {
        if self.form.sends_system() {
            return Cow::Borrowed(&self.messages);
        }
        let mut before = String::new();
        let mut sent = Vec::new();
        for message in &self.messages {
            match message.role {
                Role::System => before.push_str(&format!("{}\n\n", message.content)),
                Role::User => {
                    let content = std::mem::take(&mut before) + &message.content;
                    sent.push(Message { role: Role::User, content });
                }
            }
        }
        Cow::Owned(sent)
    }

    /// The same without the fields that its model refused before.
    #[must_use]
    pub fn without(mut self, refused: &RefusedFields) -> Self {
        if let Some(form) = refused.leave_out(&self.model, &self.form) {
            self.form = Arc::new(form);
        }
        self
    }

    /// The request's identity: its canonical form without auth, with its draw.
    #[must_use]
    pub fn hash(&self) -> crate::id::RequestHash {
        // Serialising plain strings and numbers cannot fail; an empty form would only lose caching.
        crate::id::RequestHash::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text; may be empty where a length or filter reason explains it.
    pub text: String,
    /// Tokens as the provider counted them; `None` where it did not count.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: Finish,
    /// What is wrong with it, in the provider's words; nothing where it is good, or nothing is said.
    pub why: String,
    /// What came with it.
    pub envelope: Box<Envelope>,
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LlmError {
    /// What kind of failure.
    pub failure: Failure,
    /// Whether the provider may have billed the attempt.
    pub may_be_billed: bool,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// What the provider says that the attempt used, where it says so.
    pub usage: Option<Usage>,
    /// The field that the provider refuses, where it says so.
    pub refused_field: Option<Box<str>>,
    /// What came with the refusal, where it is one.
    pub envelope: Box<Envelope>,
    /// What happened, without any key. Whose call it was is said by who prints it
    /// ([`ModelRole::said`](crate::task::model::ModelRole::said)).
    pub message: String,
}

impl LlmError {
    /// One with this message about `who`, which holds no key: the words are redacted before they are cut, so that no half of
    /// a key escapes, and give a terminal no orders.
    fn redacted(
        who: &str,
        (failure, may_be_billed): (Failure, bool),
        (words, most): (&str, usize),
        redacted: impl Fn(&str) -> String,
    ) -> Self {
        let words = text::shorten(&redacted(&text::one_line(words)), most);
        tracing::debug!(who, ?failure, may_be_billed, words, "attempt failed");
        Self {
            failure,
            may_be_billed,
            retry_after: None,
            usage: None,
            refused_field: None,
            envelope: Box::default(),
            message: format!("{who} {words}"),
        }
    }
}

/// A model provider.
#[async_trait]
pub trait Llm: Send + Sync {
    /// One attempt at one request: no retry, no cache, no accounting. Where the form of the request says so
    /// ([`RequestForm::asks_vectors`]), the messages are texts whose vectors are asked for.
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError>;
}
