//! `paraphrase`: says the same in other words.

use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Asks for the same in other words.
    "paraphrase": "The same in other words.",
    Paraphrase {}
}

meta_prompt! {
    pub(super) PARAPHRASE = "paraphrase" writes [] [About, MaxTokens] ():
        "the same in other words"
}

impl Author for Paraphrase {
    fn steps(&self) -> Vec<Step> {
        Step::once(&PARAPHRASE)
    }
}

impl Operator for Paraphrase {}
