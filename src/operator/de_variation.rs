//! `de_variation`: differential evolution in words.

use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Finds where two donors differ, mutates that, joins it with the best and crosses the result with
    /// the base (EvoPrompt's DE; arXiv:2309.08532, section 3.3).
    "de_variation": "Differential evolution in words.",
    DeVariation {}
}

meta_prompt! {
    pub(super) DE_VARIATION = "de_variation" writes [Others] [About, MaxTokens] ("donor a", "donor b", "best"):
        "changes what two donors differ in, adds it to the best, and crosses that with the current one"
}

impl Author for DeVariation {
    fn steps(&self) -> Vec<Step> {
        Step::once(&DE_VARIATION)
    }
}

impl Operator for DeVariation {
    fn parents(&self) -> usize {
        4
    }
}
