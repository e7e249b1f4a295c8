//! Guards: what a prompt would bring along, or owes its score to, that nobody wants in production.
//!
//! It is looked at when a prompt is promoted. A flag is a reason to read, not a proof: a person decides. The baseline's own
//! texts are not looked at, because a person wrote them.

mod copied; // Texts of rows that chose or confirm prompts.
mod answers; // Right answers named outright.
mod crossed; // Answers that the scorer takes whatever the row.
mod smuggled; // Instructions, addresses and characters that do not belong there.

use super::Report;
use super::words::visible_line;
use crate::id::CandidateIx;
use crate::journal::{Events, JournalError};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};
use std::fmt;

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

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            Some(part) => write!(f, "`{part}` {}", visible_line(&self.found)),
            None => f.write_str(&visible_line(&self.found)),
        }
    }
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

/// What a candidate is flagged for; nothing for the baseline.
///
/// # Errors
/// The events cannot be read.
pub fn flags<'a>(
    report: &Report<'_>,
    events: impl Into<Events<'a>>,
    candidate: CandidateIx,
) -> Result<Vec<Flag>, JournalError> {
    if candidate == CandidateIx::BASELINE {
        return Ok(Vec::new());
    }
    let state = &report.history.state;
    let Some(standing) = state.candidates.get(candidate.index()) else { return Ok(Vec::new()) };
    let prompt = &standing.candidate.prompt;
    let Some(baseline) = state.candidates.first().map(|it| &it.candidate.prompt) else {
        return Ok(Vec::new());
    };
    let mut flags = copied::flags(report.task, prompt, baseline);
    flags.extend(answers::flags(report.task, prompt, baseline));
    flags.extend(smuggled::flags(report.task, prompt, baseline));
    flags.extend(crossed::flag(report, events.into(), candidate)?);
    Ok(flags)
}

/// The texts of the searched parts.
fn searched<'a>(
    task: &'a crate::task::Task,
    prompt: &'a Prompt,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let texts = task.layout.searched().iter();
    texts.filter_map(|part| Some((part.as_str(), prompt.part(part)?)))
}
