//! `mutate_text`: asks for another version of the text.

use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Asks for another version of the text, and shows nothing else.
    "mutate_text": "Another version of the text, without evidence.",
    MutateText {}
}

meta_prompt! {
    pub(super) MUTATE_TEXT = "mutate_text" writes [] [About, MaxTokens] ():
        "another version of the text, without evidence"
}

impl Author for MutateText {
    fn steps(&self) -> Vec<Step> {
        Step::once(&MUTATE_TEXT)
    }
}

impl Operator for MutateText {}
