//! A text that replaces a built-in meta-prompt, and where a person wrote it.
//!
//! Not what is wrong with it: which slots a meta-prompt has is for `operator` to say.

use serde::{Serialize, Serializer};
use std::path::PathBuf;

/// One replaced meta-prompt. A run freezes the text; the place is only for pointing at mistakes.
#[derive(Clone, Debug)]
pub struct Wording {
    /// The text as it was written, with its leading comment.
    pub text: String,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The line of its key, where it stands within a recipe and not in a file of its own.
    pub key_line: Option<usize>,
}

impl PartialEq for Wording {
    /// The same words are the same meta-prompt, wherever they were read.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for Wording {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
