//! `dedup`: a prompt that the run already has.

use super::trial::{New, Screen, ScreenedTask, Trial};
use crate::event::Rejection;
use crate::operator::ask::Refusal;
use crate::prompt::Prompt;
use std::collections::HashSet;

kind! {
    /// Refuses a prompt that the run already has.
    "dedup": "A prompt that the run already has.",
    Dedup {
        /// Also where only case, space and punctuation differ.
        loose: bool = false,
    }
}

impl Screen for Dedup {
    /// That the very same prompt is refused holds for every run.
    fn trial(&self, _task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        self.loose.then(|| Box::new(Loose::default()) as Box<dyn Trial>)
    }
}

#[derive(Debug, Default)]
struct Loose {
    known: HashSet<String>,
}

impl Trial for Loose {
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        // Rebuilt after a resume: the candidates are in the facts.
        if self.known.len() < new.facts.candidates.len() {
            let candidates = new.facts.candidates.iter();
            self.known = candidates.map(|one| loosely(&one.candidate.prompt)).collect();
        }
        if self.known.contains(&loosely(new.prompt)) {
            return Err((Rejection::Dedup, "but for case and space".to_owned()));
        }
        Ok(())
    }
}

/// Letters and digits only, in lower case.
fn loosely(prompt: &Prompt) -> String {
    let mut text = String::new();
    for part in prompt.parts() {
        text.extend(part.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase));
        text.push('\n');
    }
    text
}
