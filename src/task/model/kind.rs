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
    /// The built-in simulated models, in this process.
    Sim,
}

impl ProviderKind {
    /// Whether its protocol has `POST /embeddings`, as far as that is built here.
    #[must_use]
    pub fn has_embeddings(self) -> bool {
        match self {
            Self::Openai | Self::OpenaiResponses | Self::Sim => true,
            Self::Anthropic | Self::Gemini => false,
        }
    }

    /// Whether its protocol has a batch API that is built here.
    #[must_use]
    pub fn has_batches(self) -> bool {
        match self {
            Self::Openai | Self::OpenaiResponses | Self::Anthropic => true,
            Self::Gemini | Self::Sim => false,
        }
    }
}
