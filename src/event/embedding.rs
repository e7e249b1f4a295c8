//! What an embedding model said of texts.

use crate::id::TextHash;
use crate::vector::Embedding;
use serde::{Deserialize, Serialize};

/// A text that the embedding model was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedded {
    /// Which text, and for which model.
    pub text: TextHash,
    /// Its vector; `None`: the model gave none, and the text is compared by its n-grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<Embedding>,
}
