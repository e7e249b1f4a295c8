//! The wire protocols, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What answers the requests to a provider.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum ProviderKind {
    /// `POST /chat/completions`.
    Openai,
    /// `POST /responses`.
    OpenaiResponses,
    /// `POST /v1/messages`.
    Anthropic,
    /// `POST /v1beta/models/MODEL:generateContent`.
    Gemini,
    /// A program of the user's that answers rows: a line of JSON in, and one out.
    Exec,
    /// A server of the user's that answers rows: the same as a POST.
    Http,
    /// The built-in simulated models, in this process.
    Sim,
}

impl ProviderKind {
    /// Whether its protocol has `POST /embeddings`, as far as that is built here.
    #[must_use]
    pub fn has_embeddings(self) -> bool {
        match self {
            Self::Openai | Self::OpenaiResponses | Self::Sim => true,
            Self::Anthropic | Self::Gemini | Self::Exec | Self::Http => false,
        }
    }

    /// Whether its protocol has a batch API that is built here.
    #[must_use]
    pub fn has_batches(self) -> bool {
        match self {
            Self::Openai | Self::OpenaiResponses | Self::Anthropic => true,
            Self::Gemini | Self::Exec | Self::Http | Self::Sim => false,
        }
    }

    /// Whether what answers is a target: a program or a server of the user's that is no model. It is told the parts
    /// of the prompt and the columns of the row beside the messages, and may say what a call costs.
    #[must_use]
    pub fn is_target(self) -> bool {
        matches!(self, Self::Exec | Self::Http)
    }
}
