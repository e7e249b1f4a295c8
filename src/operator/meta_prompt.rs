//! A request to the mutator as a text with slots: what it is for, what it is filled with, and what
//! the reply holds.
//!
//! Not when it is sent, nor what is put into the slots: its operator says that. The texts are in
//! `prompts/NAME.md`; `overrides` lets a person replace them.

use super::brief::Brief;
use super::fitting::{self, TooLong};
use super::framing::Frame;
use super::slot::{Reply, Slot};
use super::wording::MetaPrompts;
use crate::prompt::{Message, Role};
use crate::seed::Seed;

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// The brief lacks what the request is filled with.
    #[error("`{meta_prompt}` was given no {slot} to work from")]
    Missing {
        /// The meta-prompt.
        meta_prompt: &'static str,
        /// The slot that is empty.
        slot: Slot,
    },
    /// The request does not fit, even without evidence and past prompts.
    #[error(
        "the mutator's context window has {window} tokens, and the shortest request with its reply \
         needs about {needed}"
    )]
    TooLong {
        /// Tokens of the shortest request and its reply.
        needed: u64,
        /// Tokens of the window.
        window: u64,
    },
}

/// A request with slots.
#[derive(Debug)]
pub struct MetaPrompt {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// What it is for: the rest of a sentence.
    pub purpose: &'static str,
    /// The built-in text: literal text with slots such as `{{ current }}`.
    pub text: &'static str,
    /// What the reply holds.
    pub reply: Reply,
    /// The slots that the text must have.
    pub needs: &'static [Slot],
    /// The other slots that are filled.
    pub may_have: &'static [Slot],
    /// What each of the other parents is for, in the order of `Brief::others`.
    pub roles: &'static [&'static str],
}

impl MetaPrompt {
    /// The request for the mutator.
    ///
    /// # Errors
    /// The brief lacks something, or the request does not fit into the context window.
    pub fn write(
        &self,
        meta_prompts: &MetaPrompts,
        brief: &Brief<'_>,
        run: Seed,
    ) -> Result<Vec<Message>, OperatorError> {
        for slot in self.needs {
            let given = match slot {
                Slot::Others => brief.others.len() >= self.roles.len(),
                Slot::Note => brief.note.is_some(),
                Slot::Style => brief.style.is_some(),
                Slot::Mutator => brief.mutator.is_some(),
                // No rows and no past prompts are a state of a search, not a mistake of the caller.
                _ => true,
            };
            if !given {
                return Err(OperatorError::Missing { meta_prompt: self.name, slot: *slot });
            }
        }
        let frame = Frame {
            meta_prompt: meta_prompts.text_of(self.name).unwrap_or(self.text),
            reply: self.reply,
            roles: self.roles,
            needs_history: self.needs.contains(&Slot::History),
            brief,
        };
        let cut = fitting::fit(&frame)
            .map_err(|TooLong { needed, window }| OperatorError::TooLong { needed, window })?;
        Ok(vec![Message { role: Role::User, content: frame.filled(&cut, run) }])
    }

    /// All slots that are filled.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.needs.iter().chain(self.may_have).copied()
    }
}

/// `NAME = "name" writes|notes [needed slots] [other slots] (roles): "purpose"`. Every meta-prompt
/// needs the current text and the form.
macro_rules! meta_prompt {
    ($vis:vis $static:ident = $name:literal $reply:ident [$($need:ident),*] [$($may:ident),*] ($($role:literal),*):
       $purpose:literal) => {
        #[doc = concat!("Asks for ", $purpose, ".")]
        $vis static $static: $crate::operator::MetaPrompt = $crate::operator::MetaPrompt {
            name: $name,
            purpose: $purpose,
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/src/operator/prompts/", $name, ".md"
            )),
            reply: meta_prompt!(@reply $reply),
            needs: &[
                $crate::operator::Slot::Current,
                $crate::operator::Slot::Form
                $(, $crate::operator::Slot::$need)*
            ],
            may_have: &[$($crate::operator::Slot::$may),*],
            roles: &[$($role),*],
        };
    };
    (@reply writes) => { $crate::operator::Reply::Prompt };
    (@reply notes) => { $crate::operator::Reply::Notes };
}
