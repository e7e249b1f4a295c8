//! The requests that an operator is made of, in their order.
//!
//! Most operators ask once. Others ask for a critique first, and continue from the reply: that is a
//! *step*, and each item of a step's result may be followed by several requests of the next step.

use super::meta_prompt::MetaPrompt;

/// One request of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is asked.
    pub meta_prompt: &'static MetaPrompt,
    /// Requests for each item of the step before it; 1 for the first step.
    pub fan: u16,
    /// What the reply becomes.
    pub result: Keep,
}

/// What the reply to a step becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Texts for the next step.
    Notes,
    /// A prompt for the next step, which is never run itself.
    Prompt,
    /// A candidate.
    Child,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(meta_prompt: &'static MetaPrompt, fan: u16, result: Keep) -> Self {
        Self { meta_prompt, fan, result }
    }

    /// The one step of an operator whose reply is a candidate.
    #[must_use]
    pub fn once(meta_prompt: &'static MetaPrompt) -> Vec<Self> {
        vec![Self::new(meta_prompt, 1, Keep::Child)]
    }
}
