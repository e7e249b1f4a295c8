//! The OpenAI protocol as far as the simulated server speaks it.

use super::Answer;
use crate::event::Finish;
use crate::prompt::{Message, Role};
use serde::{Deserialize, Serialize};

/// Whose protocol a request is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    OpenAi,
    Anthropic,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's embeddings.
    Embeddings,
    /// Anthropic's messages.
    Messages,
}

impl Route {
    /// Its protocol.
    pub(super) fn wire(self) -> Wire {
        match self {
            Self::Chat | Self::Embeddings => Wire::OpenAi,
            Self::Messages => Wire::Anthropic,
        }
    }
}

impl Wire {
    /// What the requests of a batch ask for.
    pub(super) fn of_batch(self) -> Route {
        match self {
            Self::OpenAi => Route::Chat,
            Self::Anthropic => Route::Messages,
        }
    }
}

/// The body of `POST /v1/chat/completions`. Fields that are not named here are ignored, as
/// providers do with what they do not know.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    messages: Vec<WireMessage>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    seed: Option<serde_json::Number>,
    n: Option<u32>,
    stream: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireMessage {
    role: String,
    content: Content,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Deserialize)]
struct ContentPart {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

impl ChatRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| format!("the body is not a chat request: {error}"))?;
        request.checked()
    }

    /// Reads the body of `POST /v1/embeddings`: its texts become messages.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn parse_embeddings(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct EmbeddingsRequest {
            model: String,
            input: Texts,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Texts {
            One(String),
            Several(Vec<String>),
        }
        let request: EmbeddingsRequest = serde_json::from_slice(body)
            .map_err(|error| format!("the body is not a request for embeddings: {error}"))?;
        let texts = match request.input {
            Texts::One(text) => vec![text],
            Texts::Several(texts) => texts,
        };
        if texts.iter().any(String::is_empty) {
            return Err("`input` holds an empty text".to_owned());
        }
        let message = |text| WireMessage { role: "user".to_owned(), content: Content::Text(text) };
        Self::new(request.model, texts.into_iter().map(message).collect(), None, 1)
    }

    /// A request without what only OpenAI's protocol has.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn new(
        model: String,
        messages: Vec<WireMessage>,
        temperature: Option<f64>,
        max_tokens: u32,
    ) -> Result<Self, String> {
        let (max_completion_tokens, seed, n, stream) = (None, None, None, None);
        let max_tokens = Some(max_tokens);
        Self { model, messages, temperature, max_tokens, max_completion_tokens, seed, n, stream }
            .checked()
    }

    fn checked(self) -> Result<Self, String> {
        let request = self;
        if request.stream == Some(true) {
            return Err("the simulated models do not stream: leave `stream` out".to_owned());
        }
        if request.n.is_some_and(|n| n != 1) {
            return Err("the simulated models give one answer: `n` must be 1".to_owned());
        }
        if request.temperature.is_some_and(|it| !(0.0..=2.0).contains(&it)) {
            return Err("`temperature` must be between 0 and 2".to_owned());
        }
        if request.max_output_tokens() == Some(0) {
            return Err("`max_tokens` must be at least 1".to_owned());
        }
        if request.messages.is_empty() {
            return Err("`messages` must not be empty".to_owned());
        }
        Ok(request)
    }

    /// The model's name without the provider's.
    pub(super) fn model(&self) -> &str {
        self.model.strip_prefix("sim/").unwrap_or(&self.model)
    }

    /// The protocol's own default is 1.
    pub(super) fn temperature(&self) -> f64 {
        self.temperature.unwrap_or(1.0)
    }

    pub(super) fn max_output_tokens(&self) -> Option<u32> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// The draw, where the request has a seed.
    pub(super) fn draw(&self) -> Option<u64> {
        self.seed.as_ref().map(|seed| {
            seed.as_u64().or_else(|| seed.as_i64().map(|seed| seed as u64)).unwrap_or(0)
        })
    }

    /// The chat, taken out of the request.
    ///
    /// # Errors
    /// A role or a part that the simulated models do not know.
    pub(super) fn take_messages(&mut self) -> Result<Vec<Message>, String> {
        std::mem::take(&mut self.messages).into_iter().map(WireMessage::into_message).collect()
    }
}

impl WireMessage {
    fn into_message(self) -> Result<Message, String> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" | "assistant" => Role::User,
            other => return Err(format!("unknown role `{other}`")),
        };
        let content = match self.content {
            Content::Text(text) => text,
            Content::Parts(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part.text {
                        Some(more) if part.kind == "text" => text.push_str(&more),
                        _ => return Err(format!("unknown content part `{}`", part.kind)),
                    }
                }
                text
            }
        };
        Ok(Message { role, content })
    }
}

/// The body of an answer.
#[derive(Serialize)]
struct ChatResponse<'a> {
    id: String,
    object: &'static str,
    /// No clock enters an answer.
    created: u64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    usage: WireUsage,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: AnswerMessage<'a>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct AnswerMessage<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: CachedTokens,
}

#[derive(Serialize)]
struct CachedTokens {
    cached_tokens: u64,
}

/// An answer as bytes.
pub(super) fn response(model: &str, body_hash: &str, answer: &Answer<'_>) -> Vec<u8> {
    let usage = answer.usage;
    let response = ChatResponse {
        id: format!("simulated-{body_hash}"),
        object: "chat.completion",
        created: 0,
        model,
        choices: [Choice {
            index: 0,
            message: AnswerMessage { role: "assistant", content: &answer.text },
            finish_reason: match answer.finish {
                Finish::Stop => "stop",
                Finish::Length => "length",
                Finish::Filter => "content_filter",
                Finish::Other => "other",
                Finish::ToolCall => "tool_calls",
                Finish::Reasoning | Finish::Empty => "stop",
            },
        }],
        usage: WireUsage {
            prompt_tokens: usage.prompt().0,
            completion_tokens: usage.answer().0,
            total_tokens: usage.total().0,
            prompt_tokens_details: CachedTokens { cached_tokens: usage.cached_input.0 },
        },
    };
    // Strings and numbers always serialise.
    serde_json::to_vec(&response).unwrap_or_default()
}

/// Vectors as bytes.
pub(super) fn embeddings(model: &str, answer: &Answer<'_>) -> Vec<u8> {
    let vectors = super::embedder::vectors(&answer.text);
    let data: Vec<serde_json::Value> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| {
            serde_json::json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    let tokens = answer.usage.prompt().0;
    let body = serde_json::json!({
        "object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    body.to_string().into_bytes()
}

/// An error as bytes.
pub(super) fn error(kind: &str, message: &str) -> Vec<u8> {
    let body = serde_json::json!({
        "error": {"message": message, "type": kind, "code": kind}
    });
    body.to_string().into_bytes()
}

/// The list of models as bytes.
pub(super) fn models() -> Vec<u8> {
    let models = [super::CLERK, super::EDITOR, super::EMBEDDER, super::JUDGE]
        .map(|id| serde_json::json!({"id": id, "object": "model", "owned_by": "simulated"}));
    let body = serde_json::json!({"object": "list", "data": models});
    body.to_string().into_bytes()
}
