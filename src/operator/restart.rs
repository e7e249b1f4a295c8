//! `restart`: writes a text from scratch out of failures.

use super::author::{Author, Operator};
use super::feedback::Feedback;
use super::step::Step;

kind! {
    /// Asks for a text from scratch: what the failures teach, without the old text's way of going about
    /// it (VISTA's restart; arXiv:2603.18388).
    "restart": "From scratch, out of what the failures teach.",
    Restart {
        /// Which rows are shown.
        feedback: Feedback = Feedback::default(),
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
}
