//! `induce`: guesses the instruction from rows.

use super::author::{Author, Operator};
use super::draw::{DraftNeed, Draw};
use super::feedback::right_answers;
use super::step::Step;
use crate::event::Draft;

kind! {
    /// Guesses the instruction anew from rows that the parent got right (PromptBreeder's Lamarckian
    /// mutation; arXiv:2309.16797, section 3.2.4).
    "induce": "The instruction, guessed from rows.",
    Induce {
        /// Rows that are shown.
        demos: usize = 3,
        /// Training rows that the parent may be run on to find as many that it gets right; where it
        /// gets none right, rows are shown with their expected answers.
        from: usize = 8,
    }
}

meta_prompt! {
    pub(super) INDUCE = "induce" writes [Evidence] [About, MaxTokens] ():
        "guesses the instruction from rows"
}

impl Author for Induce {
    fn steps(&self) -> Vec<Step> {
        Step::once(&INDUCE)
    }
}

impl Operator for Induce {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let draft = draw.with_parents(draft, 1)?;
        (draw.setting.train_rows > 0).then_some(draft)
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        right_answers(self.demos, self.from, draw, draft)
    }
}
