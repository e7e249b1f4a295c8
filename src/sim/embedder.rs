//! The simulated embedding model: hashed n-grams of a text.
//!
//! It knows words and letters and no meaning, so it is for tests and for trying a task out; what it says of two
//! texts is what a run without an embedding model finds by itself, but for the number of dimensions.

use super::{Answer, BYTES_PER_TOKEN, Call, EMBEDDER, Refused, TOKENS_PER_MESSAGE};
use crate::event::{Failure, Finish};
use crate::provider::LlmError;
use crate::task::model::Usage;
use crate::vector::features::hashed;
use crate::vector::{Embedding, EmbeddingError, to_text};

/// Dimensions of its vectors.
const DIMENSIONS: usize = 256;

/// The vectors of the texts of a call, as a list of lists in JSON.
///
/// # Errors
/// Another model is asked.
pub(super) fn say<'w>(call: &Call<'_>) -> Result<Answer<'w>, Refused> {
    if call.model != EMBEDDER {
        return Err(Refused::no_vectors(call.model));
    }
    let texts = || call.messages.iter().map(|message| message.content.as_str());
    let vectors: Vec<Vec<f64>> = texts().map(|text| hashed(text, DIMENSIONS)).collect();
    let bytes: usize = texts().map(str::len).sum();
    let input = bytes.div_ceil(BYTES_PER_TOKEN) + call.messages.len() * TOKENS_PER_MESSAGE;
    // Numbers always serialise.
    let text = serde_json::to_string(&vectors).unwrap_or_default();
    Ok(Answer { text, usage: Usage::plain(input as u64, 0), finish: Finish::Stop, row: None })
}

/// The vectors of an answer.
pub(super) fn vectors(text: &str) -> Vec<Vec<f64>> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The text of a reply in this process.
///
/// # Errors
/// A text without letters and digits has no vector.
pub(super) fn reply_text(text: &str) -> Result<String, LlmError> {
    let embedded: Result<Vec<Embedding>, EmbeddingError> =
        vectors(text).iter().map(|vector| Embedding::of(vector)).collect();
    embedded.map(|vectors| to_text(&vectors)).map_err(|error| LlmError {
        failure: Failure::Unreadable,
        may_be_billed: true,
        retry_after: None,
        usage: None,
        refused_field: None,
        envelope: Box::default(),
        message: format!("the simulated embedding model sent {error}"),
    })
}
