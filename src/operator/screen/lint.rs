//! `lint`: what is likely to break.

use super::trial::{New, Screen, ScreenedTask, Trial, estimated_tokens};
use crate::candidate::DEMOS;
use crate::event::Rejection;
use crate::operator::ask::Refusal;
use crate::prompt::{Layout, Prompt};

/// `max_growth` binds only above this many tokens.
const GROWTH_FLOOR_TOKENS: f64 = 400.0;

kind! {
    /// Refuses what is likely to break.
    "lint": "Form.",
    Lint {
        /// Labels of a `label` scorer that the parent names must still be named.
        keep_labels: bool = true,
        /// The text may grow by this factor over its parent; binds only above 400 tokens. 0 = any.
        max_growth: f64 = 3.0,
        /// The most characters of all searched parts together; 0 = any.
        max_chars: usize = 0,
        /// Texts that must not occur.
        forbid: Vec<String> = Vec::new(),
    }
}

impl Screen for Lint {
    fn trial(&self, task: &ScreenedTask<'_>) -> Option<Box<dyn Trial>> {
        let labels = if self.keep_labels { task.labels.to_vec() } else { Vec::new() };
        Some(Box::new(Linter { lint: self.clone(), labels }))
    }
}

#[derive(Debug)]
struct Linter {
    lint: Lint,
    labels: Vec<String>,
}

impl Trial for Linter {
    fn check(&mut self, new: &New<'_>) -> Result<(), Refusal> {
        let tokens = estimated_tokens(new.layout, new.texts);
        let before = estimated_tokens(new.layout, &new.parent.with_part(DEMOS, ""));
        let grown = tokens / before.max(1.0);
        if self.lint.max_growth > 0.0
            && tokens > GROWTH_FLOOR_TOKENS
            && grown > self.lint.max_growth
        {
            return Err((Rejection::TooLong, format!("{grown:.1} times its parent")));
        }
        if let Some(refusal) = shape(&self.lint, new.texts, new.layout) {
            return Err(refusal);
        }
        match self.lost_label(new.prompt, new.parent, new.layout) {
            Some(label) => Err((Rejection::Lint, format!("no longer names `{label}`"))),
            None => Ok(()),
        }
    }
}

impl Linter {
    fn lost_label(&self, prompt: &Prompt, parent: &Prompt, layout: &Layout) -> Option<&str> {
        let named = |prompt: &Prompt, label: &str| {
            layout.searched().iter().any(|part| {
                let text = prompt.part(part).unwrap_or("").to_lowercase();
                text.contains(&label.to_lowercase())
            })
        };
        self.labels
            .iter()
            .map(String::as_str)
            .find(|label| named(parent, label) && !named(prompt, label))
    }
}

/// Too many characters, or a text that must not occur.
fn shape(lint: &Lint, prompt: &Prompt, layout: &Layout) -> Option<Refusal> {
    let texts: Vec<&str> = layout.searched().iter().filter_map(|part| prompt.part(part)).collect();
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    if lint.max_chars > 0 && characters > lint.max_chars {
        let detail = format!("{characters} characters; {} are allowed", lint.max_chars);
        return Some((Rejection::TooLong, detail));
    }
    let forbidden = lint.forbid.iter().find(|word| texts.iter().any(|text| text.contains(*word)));
    forbidden.map(|word| (Rejection::Lint, format!("holds `{word}`")))
}
