//! Repairs a mutator's reply before it is screened: what was paid for is tried unless it is broken.
//!
//! Each repair looks at the new text of one part and at its parent's, costs nothing, and follows from the two,
//! the task's labels and the rows of the request. It leaves what the parent has as it was, so a prompt that a user wrote is never changed. What
//! was repaired is a fact of the candidate. Not what refuses a prompt: that is `screen`.

mod wrapping;
mod messages;
mod repeats;
mod labels;
mod answer_form;

use super::brief::Evidence;
use crate::candidate::{Repair, RepairKind};
use crate::prompt::Prompt;

/// A child that was composed without a model, with repeated lines folded: those that two parents have in other words
/// around them.
#[must_use]
pub fn folded(child: &Prompt, parent: &Prompt, texts: &[String]) -> (Prompt, Vec<Repair>) {
    let mut prompt = child.clone();
    let mut repairs = Vec::new();
    for part in texts {
        let (text, old) = (prompt.part(part).unwrap_or(""), parent.part(part).unwrap_or(""));
        if let Some((text, lines)) = repeats::folded(text, old).filter(|_| text != old) {
            prompt = prompt.with_part(part, &text);
            repairs.push(Repair { kind: RepairKind::Repeats, lines });
        }
    }
    (prompt, repairs)
}

/// A text with the lines that were left out or put back; `None` where there is nothing to repair.
type Repaired = Option<(String, Vec<String>)>;
/// What is known beside the reply and its parent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The labels that the task's scorers know.
    pub labels: &'a [String],
    /// The rows that the request showed.
    pub shown: &'a [Evidence],
}

/// Repairs the text of a part; the prompt tells what its other parts say.
type Step<'a> = &'a dyn Fn(&str, &Prompt) -> Repaired;

/// A child with its texts repaired, and what that was. `texts` names the parts that a model may rewrite.
#[must_use]
pub fn repaired(
    child: &Prompt,
    parent: &Prompt,
    texts: &[String],
    known: Known<'_>,
) -> (Prompt, Vec<Repair>) {
    let mut prompt = child.clone();
    let mut repairs: Vec<Repair> = Vec::new();
    for part in texts {
        let old = parent.part(part).unwrap_or("");
        let steps: [(RepairKind, Step<'_>); 5] = [
            (RepairKind::Wrapping, &|text, _| wrapping::removed(text, old)),
            (RepairKind::Messages, &|text, _| messages::removed(text, old, known.shown)),
            (RepairKind::Repeats, &|text, _| repeats::folded(text, old)),
            (RepairKind::Labels, &|text, prompt| labels::restored(text, old, prompt, known.labels)),
            (RepairKind::AnswerForm, &|text, prompt| answer_form::restored(text, old, prompt)),
        ];
        for (kind, step) in steps {
            let text = prompt.part(part).unwrap_or("");
            if text == old {
                break;
            }
            // A part that would be left empty stays as it came, and is refused.
            let found = step(text, &prompt).filter(|(text, _)| !text.trim().is_empty());
            if let Some((text, lines)) = found {
                prompt = prompt.with_part(part, &text);
                repairs.push(Repair { kind, lines });
            }
        }
    }
    (prompt, repairs)
}

#[cfg(test)]
mod tests;
