//! Repairs a mutator's reply before it is screened: what was paid for is tried unless it is broken.
//!
//! Each repair looks at the new text of one part and at its parent's, costs nothing, and follows from the two,
//! the task's labels and the rows of the request. It leaves what the parent has as it was, so a prompt that a user wrote is never changed. What
//! was repaired is a fact of the candidate. Not what refuses a prompt: that is `screen`.

mod wrapping;
mod messages;
mod labels;
mod repeats;
mod answer_form;

use super::brief::Evidence;
use crate::candidate::{Repair, RepairKind};
use crate::prompt::Prompt;

/// A child that was put together without a model from `parent`, the better one, and another: without lines that both have in
/// other words around them, and those of the other one that `parent` has in nearly the same words, or that say
/// again how to answer.
#[must_use]
pub fn merge_repaired(child: &Prompt, parent: &Prompt, texts: &[String]) -> (Prompt, Vec<Repair>) {
    after_steps(child, parent, texts, |old| {
        vec![
            (RepairKind::Repeats, Box::new(move |text, _| repeats::folded(text, old))),
            (RepairKind::Repeats, Box::new(move |text, _| repeats::nearly_folded(text, old))),
            (RepairKind::AnswerForm, Box::new(move |text, _| answer_form::kept_once(text, old))),
        ]
    })
}

/// A text with the lines that were left out or put back; `None` where there is nothing to repair.
type Repaired = Option<(String, Vec<String>)>;
/// What is known beside the reply and its parent.
#[derive(Clone, Copy, Debug, Default)]
pub struct RepairContext<'a> {
    /// The labels that the task's scorers know.
    pub labels: &'a [String],
    /// The rows that the request showed.
    pub shown: &'a [Evidence],
}

/// Repairs the text of a part; the prompt tells what its other parts say.
type Step<'a> = Box<dyn Fn(&str, &Prompt) -> Repaired + 'a>;

/// A child with its texts repaired, and what that was. `texts` names the parts that a model may rewrite.
#[must_use]
pub fn repaired(
    child: &Prompt,
    parent: &Prompt,
    texts: &[String],
    known: RepairContext<'_>,
) -> (Prompt, Vec<Repair>) {
    let RepairContext { labels, shown } = known;
    after_steps(child, parent, texts, |old| {
        vec![
            (RepairKind::Wrapping, Box::new(move |text, _| wrapping::removed(text, old))),
            (RepairKind::Messages, Box::new(move |text, _| messages::removed(text, old, shown))),
            (RepairKind::Repeats, Box::new(move |text, _| repeats::folded(text, old))),
            (
                RepairKind::Labels,
                Box::new(move |text, prompt| labels::restored(text, old, prompt, labels)),
            ),
            (
                RepairKind::AnswerForm,
                Box::new(move |text, prompt| answer_form::restored(text, old, prompt)),
            ),
        ]
    })
}

/// A child after the steps that the old text of each part asks for, one after the other.
fn after_steps<'a>(
    child: &Prompt,
    parent: &'a Prompt,
    texts: &[String],
    steps: impl Fn(&'a str) -> Vec<(RepairKind, Step<'a>)>,
) -> (Prompt, Vec<Repair>) {
    let mut prompt = child.clone();
    let mut repairs: Vec<Repair> = Vec::new();
    for part in texts {
        let old = parent.part(part).unwrap_or("");
        for (kind, step) in steps(old) {
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
