//! `restart`: writes a text from scratch out of failures.

use super::author::{Author, Operator};
use super::draw::{Draw, Next};
use super::feedback::{Feedback, counting_all};
use super::step::Step;
use crate::event::Draft;

kind! {
    /// Asks for a text from scratch: what the failures teach, without the old text's way of going about
    /// it (VISTA's restart; arXiv:2603.18388).
    "restart": "From scratch, out of what the failures teach.",
    Restart {
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
        /// Whether all rows that the parent answered are counted.
        diagnosis: bool = false,
    }
}

meta_prompt! {
    pub(super) RESTART = "restart" writes [Evidence] [About, MaxTokens, Diagnosis] ():
        "an instruction from scratch, out of failures with their right answers"
}

impl Author for Restart {
    fn steps(&self) -> Vec<Step> {
        Step::once(&RESTART)
    }
}

impl Operator for Restart {
    fn feedback(&self) -> Option<&Feedback> {
        Some(&self.feedback)
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        self.feedback.deal(draw, &mut draft)?;
        draft.diagnosed = self.diagnosis;
        Some(draft)
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> Next {
        let next = self.feedback.next(draw, draft);
        if self.diagnosis { counting_all(next, draw, draft) } else { next }
    }
}
