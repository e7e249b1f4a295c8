//! How the calls of tools in a file become answers.

use super::chat::Message;

/// How calls of tools are written as answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CallForm {
    /// As arguments: all call one tool.
    Arguments,
    /// As names and arguments: several tools are called, or one without arguments.
    Named,
}

impl CallForm {
    /// The form for these answers; `None`: none of them is a call.
    pub(super) fn of(answers: &[Message]) -> Option<Self> {
        let mut tools = answers.iter().flat_map(Message::tools);
        let (first, is_bare) = tools.next()?;
        let is_named = is_bare || tools.any(|(name, is_bare)| is_bare || name != first);
        Some(if is_named { Self::Named } else { Self::Arguments })
    }
}
