//! What an operator is given to write its request from.
//!
//! Everything here was chosen elsewhere: which prompts, which rows, which notes is for `strategy`.

use crate::prompt::Prompt;

/// What an operator is given. Only the fields of [`Brief::new`] are always needed; the rest is empty
/// unless the operator's slots ask for it.
#[derive(Clone, Debug)]
pub struct Brief<'a> {
    /// What the task is about, in its own words.
    pub about: &'a str,
    /// The first parent: what the reply replaces, or what a note is about.
    pub current: &'a Prompt,
    /// The parts that may change.
    pub searched: &'a [String],
    /// The most tokens that the prompt may have.
    pub max_tokens: u64,
    /// Rows with what the parent made of them.
    pub evidence: Vec<Evidence>,
    /// Past prompts, in the order in which they are shown.
    pub history: Vec<ScoredPrompt<'a>>,
    /// What all rows that the parent answered have in common.
    pub diagnosis: Option<String>,
    /// What was changed from the parent before, and what came of it.
    pub tried: Option<String>,
    /// The other parents, in the order of the operator's roles.
    pub others: Vec<&'a Prompt>,
    /// What an earlier step of the same operator wrote.
    pub note: Option<&'a str>,
    /// A manner of thinking.
    pub style: Option<&'a str>,
    /// An instruction for changing instructions.
    pub mutator: Option<&'a str>,
    /// Advice for this one attempt.
    pub tip: Option<&'a str>,
    /// How many notes are asked for; at least one.
    pub count: u32,
    /// The mutator's context window, where it is known.
    pub context_tokens: Option<u64>,
    /// The longest reply, which shares the window with the request.
    pub max_output_tokens: u32,
}

impl<'a> Brief<'a> {
    /// A brief with the current text alone.
    #[must_use]
    pub fn new(
        about: &'a str,
        current: &'a Prompt,
        searched: &'a [String],
        max_tokens: u64,
    ) -> Self {
        Self {
            about,
            current,
            searched,
            max_tokens,
            evidence: Vec::new(),
            history: Vec::new(),
            diagnosis: None,
            tried: None,
            others: Vec::new(),
            note: None,
            style: None,
            mutator: None,
            tip: None,
            count: 1,
            context_tokens: None,
            max_output_tokens: 0,
        }
    }
}

/// A row and what the parent made of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The row as the model saw it: the rendered user message.
    pub input: String,
    /// The parent's answer; `None` shows the row alone.
    pub answer: Option<String>,
    /// How a target came to it, a line for each step; `None` where nothing is known of it.
    pub trajectory: Option<String>,
    /// A worse answer to the same row, for contrast.
    pub contrast: Option<String>,
    /// What a right answer says; `None` where answers are only checked, so that the row has none.
    pub expected: Option<String>,
    /// What the answer was worth.
    pub score: Option<f64>,
    /// What the data and the scorers say about it.
    pub feedback: Vec<String>,
    /// The right label and the one that the answer names, as the task's scorer of labels reads them; `None` where it
    /// reads none.
    pub labels: Option<[String; 2]>,
}

/// A past prompt and what is told about it.
#[derive(Clone, Copy, Debug)]
pub struct ScoredPrompt<'a> {
    /// The prompt; the searched parts of it are shown.
    pub prompt: &'a Prompt,
    /// Its score in [0, 1], where the mutator is to see it.
    pub score: Option<f64>,
}
