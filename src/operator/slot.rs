//! The places in a meta-prompt that are filled from a brief.
//!
//! Not placeholders of the prompt that is searched: those belong to the task, and stay as they are.

use std::fmt;

/// What a reply holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// New parts, each between the prompt tags of the request; [`super::read`] reads them.
    Prompt,
    /// Texts for a later step, each between note tags; [`super::notes`] reads them.
    Notes,
}

/// What can stand in a meta-prompt between double braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// What the task is about.
    About,
    /// The current text, part by part.
    Current,
    /// Rows, mostly with answers, scores and feedback.
    Evidence,
    /// How the reply has to look.
    Form,
    /// The most tokens that the prompt may have.
    MaxTokens,
    /// Past prompts, some with scores.
    History,
    /// What all rows that the parent answered have in common.
    Diagnosis,
    /// What was changed from the parent before, and what came of it.
    Tried,
    /// The other parents.
    Others,
    /// What an earlier step of the same operator wrote.
    Note,
    /// A manner of thinking.
    Style,
    /// An instruction for changing instructions.
    Mutator,
    /// Advice for this one attempt.
    Tip,
    /// How many notes are asked for.
    Count,
}

impl Slot {
    /// All slots.
    pub const ALL: &[Self] = &[
        Self::About,
        Self::Current,
        Self::Evidence,
        Self::Form,
        Self::MaxTokens,
        Self::History,
        Self::Diagnosis,
        Self::Tried,
        Self::Others,
        Self::Note,
        Self::Style,
        Self::Mutator,
        Self::Tip,
        Self::Count,
    ];

    /// The slot that is written by this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|slot| slot.name() == name)
    }

    /// Its name between the braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Current => "current",
            Self::Evidence => "evidence",
            Self::Form => "form",
            Self::MaxTokens => "max_tokens",
            Self::History => "history",
            Self::Diagnosis => "diagnosis",
            Self::Tried => "tried",
            Self::Others => "others",
            Self::Note => "note",
            Self::Style => "style",
            Self::Mutator => "mutator",
            Self::Tip => "tip",
            Self::Count => "count",
        }
    }

    /// What it is filled with, for people who write meta-prompts.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::About => "what the task is about, from its file",
            Self::Current => "the current text of each part that may change, in tags",
            Self::Evidence => "rows, each in evidence tags",
            Self::Form => "the tags in which the reply has to stand",
            Self::MaxTokens => "the most tokens that the prompt may have",
            Self::History => "past prompts, each in past tags, with a score where one is told",
            Self::Diagnosis => "counts of expected against given answers, in diagnosis tags",
            Self::Tried => "what earlier children changed and what came of it, in tried tags",
            Self::Others => "the other parents, each in numbered tags with its role",
            Self::Note => "what an earlier step wrote, in note tags",
            Self::Style => "a manner of thinking, one sentence",
            Self::Mutator => "an instruction for changing instructions, in mutator tags",
            Self::Tip => "advice for this one attempt, one sentence",
            Self::Count => "how many notes are asked for",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
