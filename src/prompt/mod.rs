//! Prompts: named parts of text, their placeholders, and their rendering to messages.
//!
//! A searched part is literal text in which only placeholders have a meaning; a frozen part is a
//! minijinja template (strict, without escaping, with limited work). A row's values are inserted
//! and never rendered as templates. Nothing here knows what a prompt is worth.
//!
//! The part `user` is the user message. All other parts, in the order of the task file and joined
//! by a blank line, are the system message.

mod front_matter;
mod column_name;
mod fragment;
mod placeholder;
mod written;
mod comparison;
mod word_diff;
mod operators;
mod template;
mod code;
mod layout;

pub(crate) use fragment::{Fragment, fragments, has_mark};
pub use front_matter::{front_matter, with_front_matter_of, without_front_matter};
pub use layout::{Layout, RowValues, TemplateError};
pub(crate) use placeholder::strays;
pub use placeholder::{Piece, literal, pieces, placeholder, placeholders};
pub(crate) use template::render_template;
pub use word_diff::word_diff;

use crate::id::CandidateId;
use crate::text;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The name of the part that becomes the user message; every prompt has it.
pub const USER: &str = "user";

/// A named part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name, such as `system`, `user` or `demos`.
    pub name: String,
    /// The template, byte for byte.
    pub text: Arc<str>,
}

/// A prompt: its parts, in the order of the task file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prompt {
    parts: Vec<Part>,
}

impl Prompt {
    /// A prompt from its parts, in order.
    #[must_use]
    pub fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// The parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// One part's template.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|part| part.name == name).map(|part| &*part.text)
    }

    /// The prompt with the text of one part replaced; an unknown part is not added.
    #[must_use]
    pub fn with_part(&self, name: &str, text: &str) -> Self {
        let mut parts = self.parts.clone();
        if let Some(part) = parts.iter_mut().find(|part| part.name == name) {
            part.text = text.into();
        }
        Self { parts }
    }

    /// The content hash that identifies a candidate: 12 hex digits of blake3 over names and texts,
    /// each preceded by its length, so that different prompts cannot have the same encoding.
    #[must_use]
    pub fn id(&self) -> CandidateId {
        let mut hasher = blake3::Hasher::new();
        for part in &self.parts {
            for text in [part.name.as_str(), &part.text] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        CandidateId::new(&hasher.finalize().to_hex()[..12])
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.text.len()).sum()
    }
}

/// The role of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The system message: instructions.
    System,
    /// The user message: the request.
    User,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::User => "user",
        })
    }
}

/// One chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its role.
    pub role: Role,
    /// Its text.
    pub content: String,
}

/// A row's values by column, as used in templates.
pub type Columns = serde_json::Map<String, serde_json::Value>;

/// The text of a value in a prompt: strings unchanged, all else as JSON.
#[must_use]
pub fn value_text(value: &serde_json::Value) -> std::borrow::Cow<'_, str> {
    match value {
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Null => "".into(),
        other => other.to_string().into(),
    }
}

/// A prompt shortened to one line.
#[must_use]
pub fn gist(prompt: &Prompt, searched: &[String], limit: usize) -> String {
    let texts: Vec<&str> = searched.iter().filter_map(|name| prompt.part(name)).collect();
    text::shorten(&texts.join(" / "), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(system: &str, user: &str) -> Prompt {
        Prompt::new(vec![
            Part { name: "system".into(), text: system.into() },
            Part { name: "user".into(), text: user.into() },
        ])
    }

    #[test]
    fn ids_depend_on_every_byte_and_on_the_borders_of_parts() {
        assert_ne!(prompt("ab", "c").id(), prompt("a", "bc").id());
        assert_eq!(prompt("ab", "c").id(), prompt("ab", "c").id());
        assert_eq!(prompt("ab", "c").id().as_str().len(), 12);
    }
}
