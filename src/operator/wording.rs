//! The texts that a person has put in the place of built-in meta-prompts.
//!
//! Not whether they are right: `overrides` checks them when they are read.

use std::collections::BTreeMap;

/// All replaced meta-prompts, by name, without their comments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaPrompts {
    pub(super) overrides: BTreeMap<&'static str, String>,
}

impl MetaPrompts {
    /// The built-in ones.
    #[must_use]
    pub fn builtin() -> Self {
        Self::default()
    }

    /// The text that a person wrote for a meta-prompt.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.overrides.get(name).map(String::as_str)
    }

    /// Those that a person wrote, by name, without their comments.
    pub fn overrides(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.overrides.iter().map(|(name, text)| (*name, text.as_str()))
    }
}
