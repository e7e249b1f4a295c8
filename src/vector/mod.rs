//! Texts as vectors, and how near two of them are.
//!
//! Two spaces, which are never mixed: `features` are computed of a text's words and letters, without a
//! model; an `embedding` is what a model says of a text. No model is asked here.

// A file uses only files declared above it.
pub mod features; // Without a model: hashed n-grams under a random projection.
mod embedding; // What an embedding model says, in a form that a journal can keep.

pub(crate) use embedding::numbers_of;
pub use embedding::{Embedding, EmbeddingError, from_text, to_text};

/// Which text of a prompt is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComparedText {
    /// All its parts.
    Whole,
    /// Without its demonstrations: those are rows.
    WithoutDemos,
}
