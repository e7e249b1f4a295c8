//! Guards: what a prompt would bring along, or owes its score to, that nobody wants in production.
//!
//! It is looked at when a prompt is promoted. A flag is a reason to read, not a proof: a person decides. The baseline's own
//! texts are not looked at, because a person wrote them.

mod copied; // Texts of rows that chose or confirm prompts.
mod answers; // Right answers named outright.
mod crossed; // Answers that the scorer takes whatever the row.
mod smuggled; // Instructions, addresses and characters that do not belong there.

use crate::id::CandidateIx;
use crate::journal::{Events, JournalError};
use crate::memory::State;
use crate::prompt::Prompt;
use crate::state::Phase;
use crate::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is wrong, perhaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Which guard found it.
    pub guard: Guard,
    /// The part of the prompt; null where it is about the answers.
    pub part: Option<String>,
    /// What was found, as a sentence without its full stop.
    pub found: String,
}

/// A guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The prompt holds the text of rows of dev or hold.
    CopiedRow,
    /// It names right answers of such rows.
    NamedAnswer,
    /// Its answers please the scorer on rows that they were not given to.
    CrossedAnswer,
    /// It holds an instruction that sets others aside, or an address that the baseline does not have.
    SmuggledText,
    /// It holds invisible characters.
    HiddenCharacter,
}

impl Guard {
    /// Its name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CopiedRow => "copied_row",
            Self::NamedAnswer => "named_answer",
            Self::CrossedAnswer => "crossed_answer",
            Self::SmuggledText => "smuggled_text",
            Self::HiddenCharacter => "hidden_character",
        }
    }

    /// The names of those that found something, each once.
    #[must_use]
    pub fn names(flags: &[Flag]) -> Vec<&'static str> {
        let guards: BTreeSet<Self> = flags.iter().map(|flag| flag.guard).collect();
        guards.into_iter().map(Self::name).collect()
    }
}

/// What a candidate is flagged for; nothing for the baseline.
///
/// # Errors
/// The events cannot be read.
pub(super) fn flags(
    task: &Task,
    state: &State,
    events: Events<'_>,
    candidate: CandidateIx,
) -> Result<Vec<Flag>, JournalError> {
    if candidate == CandidateIx::BASELINE {
        return Ok(Vec::new());
    }
    let Some(standing) = state.candidates.get(candidate.index()) else { return Ok(Vec::new()) };
    let prompt = &standing.candidate.prompt;
    let Some(baseline) = state.candidates.first().map(|it| &it.candidate.prompt) else {
        return Ok(Vec::new());
    };
    let mut flags = copied::flags(task, prompt, baseline);
    flags.extend(answers::flags(task, prompt, baseline));
    flags.extend(smuggled::flags(task, prompt, baseline));
    flags.extend(crossed::flag(task, state, events, candidate)?);
    Ok(flags)
}

/// What the winner of a search is flagged for; nothing while there is none.
///
/// # Errors
/// The events cannot be read.
pub(super) fn flags_of_winner(
    task: &Task,
    state: &State,
    events: Events<'_>,
) -> Result<Vec<Flag>, JournalError> {
    match state.winner {
        Some((winner, ..)) if state.phase == Phase::Over => flags(task, state, events, winner),
        _ => Ok(Vec::new()),
    }
}

/// The texts of the searched parts.
fn searched<'a>(task: &'a Task, prompt: &'a Prompt) -> impl Iterator<Item = (&'a str, &'a str)> {
    let texts = task.layout.searched().iter();
    texts.filter_map(|part| Some((part.as_str(), prompt.part(part)?)))
}
