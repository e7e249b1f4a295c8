//! `critique_refine`: a critique or a praise, and a text that follows it.

use super::author::{Author, Operator};
use super::draw::{DraftNeed, Draw};
use super::feedback::{Feedback, Praise, praise_in_words, praises};
use super::meta_prompt::MetaPrompt;
use super::step::{Keep, Step};
use crate::event::Draft;
use serde_json::Value;

kind! {
    /// Asks for a critique (of failures, or where the parent does well of what works), then for a text
    /// that follows it (PromptWizard; arXiv:2405.18369).
    "critique_refine": "A critique or a praise, and a text that follows it.",
    CritiqueRefine {
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// From this score of the parent on, it asks what works instead.
        praise_from: f64 = 0.5,
    }
}

meta_prompt! {
    pub(super) CRITIQUE = "critique" notes [Evidence] [About, Count] ():
        "why the current prompt failed on some rows"
}

meta_prompt! {
    pub(super) PRAISE = "praise" notes [Evidence] [About, Count] ():
        "what works in the current prompt, from rows that came out right"
}

meta_prompt! {
    pub(super) REFINE = "refine" writes [Note] [About, MaxTokens, History] ():
        "applies a critique or a praise, without rows"
}

impl Author for CritiqueRefine {
    fn steps(&self) -> Vec<Step> {
        vec![Step::new(&CRITIQUE, 1, Keep::Notes), Step::new(&REFINE, 1, Keep::Child)]
    }

    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        vec![&CRITIQUE, &PRAISE, &REFINE]
    }

    fn meta_prompt(&self, draft: &Draft) -> Option<&'static MetaPrompt> {
        Some(match draft.step {
            0 if praises(draft) => &PRAISE,
            0 => &CRITIQUE,
            _ => &REFINE,
        })
    }
}

impl Operator for CritiqueRefine {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    fn own_in_words(&self, own: &Value) -> Option<&'static str> {
        praise_in_words(own)
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        if draft.step > 0 {
            // The second step changes the wording alone.
            return DraftNeed::Ask(Vec::new());
        }
        let does_well = draft.parents.first().is_some_and(|parent| {
            let score = draw.breeding.fitness(*parent);
            score.is_some_and(|score| score >= self.praise_from - 1e-9)
        });
        self.feedback.next_with(Praise::Decided(does_well), draw, draft)
    }
}
