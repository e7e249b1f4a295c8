//! Writes a new prompt, nearly always with the mutator model.
//!
//! Not the choice of parents, rows or operator: that is `strategy`. An operator turns a brief into a
//! request, and a reply into parts or notes; what is then refused, and why, is in `screen`.

mod brief;
mod fitting;
mod framing;
mod local_edit;
mod merge;
mod meta_prompts;
mod reply;
mod screen;
mod slot;
pub mod styles;
mod table;

pub use brief::{Brief, Evidence, Told};
pub use framing::Nonce;
pub use local_edit::edit as local_edit;
pub use merge::compose;
pub use meta_prompts::{MetaPrompt, MetaPromptError, MetaPrompts};
pub use reply::{notes, read};
pub use screen::{Refusal, Screens};
pub use slot::Slot;
pub use table::{ALL, named};

use crate::prompt::{Message, Role};
use crate::seed::Seed;
use framing::Frame;

/// What a reply holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// New parts, each between the prompt tags of the request; [`read`] reads them.
    Prompt,
    /// Texts for a later step, each between note tags; [`notes`] reads them.
    Notes,
}

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// The brief lacks what the operator works from.
    #[error("`{operator}` was given no {slot} to work from")]
    Missing {
        /// The operator.
        operator: &'static str,
        /// What is not there.
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

/// Turns a brief into a request. Every implementation is run through the same contract tests.
pub trait Operator: Send + Sync {
    /// The name in recipes, and of its meta-prompt's file.
    fn name(&self) -> &'static str;

    /// What it is for: the rest of a sentence.
    fn purpose(&self) -> &'static str;

    /// The built-in meta-prompt: literal text with slots such as `{{ current }}`.
    fn meta_prompt(&self) -> &'static str;

    /// What the reply holds.
    fn reply(&self) -> Reply;

    /// The slots without which its meta-prompt makes no sense.
    fn needs(&self) -> &'static [Slot];

    /// The other slots that its caller fills.
    fn may_have(&self) -> &'static [Slot];

    /// What each of the other parents is to it, in the order of `Brief::others`.
    fn roles(&self) -> &'static [&'static str];

    /// The request for the mutator.
    ///
    /// # Errors
    /// The brief lacks something, or the request does not fit into the context window.
    fn write(
        &self,
        meta_prompts: &MetaPrompts,
        brief: &Brief<'_>,
        run: Seed,
    ) -> Result<Vec<Message>, OperatorError> {
        for slot in self.needs() {
            let given = match slot {
                Slot::Others => brief.others.len() >= self.roles().len(),
                Slot::Note => brief.note.is_some(),
                Slot::Style => brief.style.is_some(),
                Slot::Mutator => brief.mutator.is_some(),
                // No rows and no past are a state of a search, not a mistake of the caller.
                _ => true,
            };
            if !given {
                return Err(OperatorError::Missing { operator: self.name(), slot: *slot });
            }
        }
        let frame = Frame {
            meta_prompt: meta_prompts.text(self.name()).unwrap_or(self.meta_prompt()),
            reply: self.reply(),
            roles: self.roles(),
            needs_history: self.needs().contains(&Slot::History),
            brief,
        };
        let cut = fitting::fit(&frame)?;
        Ok(vec![Message { role: Role::User, content: frame.filled(&cut, run) }])
    }
}

#[cfg(test)]
mod tests;
