//! `gradient_edit`: a critique, and a text that follows from it.

use super::author::{Author, Operator};
use super::critique_refine::{CRITIQUE, PRAISE, REFINE};
use super::draw::{DraftNeed, Draw};
use super::feedback::{Feedback, Praise, praise_in_words, praises};
use super::history::History;
use super::meta_prompt::MetaPrompt;
use super::paraphrase::PARAPHRASE;
use super::step::{Keep, Step};
use crate::event::Draft;
use serde_json::Value;

kind! {
    /// Asks why the parent failed, then for a text that removes each reason: a textual gradient and a step
    /// along it (ProTeGi; arXiv:2305.03495, section 3).
    "gradient_edit": "A critique, and a text that follows from it.",
    GradientEdit {
        /// Which rows the reasons are asked of.
        feedback: Feedback = Feedback::default(),
        /// Reasons in one reply.
        reasons: u32 = 1 => positive,
        /// New texts for each reason.
        edits: u16 = 1,
        /// Paraphrases of each new text.
        paraphrases: u16 = 0,
        /// Earlier prompts that are shown with their scores.
        history: Option<History> = None,
    }
}

meta_prompt! {
    pub(super) EDIT = "edit" writes [Note] [About, MaxTokens, Evidence, History] ():
        "applies a critique to the current prompt"
}

impl Author for GradientEdit {
    fn steps(&self) -> Vec<Step> {
        let mut steps =
            vec![Step::new(&CRITIQUE, 1, Keep::Notes), Step::new(&EDIT, self.edits, Keep::Child)];
        if self.paraphrases > 0 {
            steps.push(Step::new(&PARAPHRASE, self.paraphrases, Keep::Child));
        }
        steps
    }

    fn meta_prompts(&self) -> Vec<&'static MetaPrompt> {
        vec![&CRITIQUE, &EDIT, &PRAISE, &REFINE, &PARAPHRASE]
    }

    fn notes(&self, _draft: &Draft) -> u32 {
        self.reasons
    }

    fn meta_prompt(&self, draft: &Draft) -> Option<&'static MetaPrompt> {
        Some(match draft.step {
            0 if praises(draft) => &PRAISE,
            0 => &CRITIQUE,
            1 if praises(draft) => &REFINE,
            1 => &EDIT,
            _ => &PARAPHRASE,
        })
    }
}

impl Operator for GradientEdit {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    fn own_in_words(&self, own: &Value) -> Option<&'static str> {
        praise_in_words(own)
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        self.feedback.deal(draw, &mut draft)?;
        if let Some(history) = &self.history {
            draft.context = history.items(draw, *draft.parents.first()?, None);
        }
        Some(draft)
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        match draft.step {
            0 => self.feedback.next_with(Praise::WherePerfect, draw, draft),
            // An edit sees the rows that the critique was about.
            1 => {
                let source = draft.from.and_then(|from| draw.state.memory.steps.of(from.proposal));
                DraftNeed::Ask(source.map_or_else(Vec::new, |source| source.shown.clone()))
            }
            // Later steps change the wording alone.
            _ => DraftNeed::Ask(Vec::new()),
        }
    }
}
