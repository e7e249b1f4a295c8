//! `mutate_with`: applies the parent's own mutation instruction.

use super::ask::Ask;
use super::author::{Author, Operator};
use super::step::Step;

kind! {
    /// Applies the parent's own mutation instruction to its text (PromptBreeder's first-order
    /// mutation; arXiv:2309.16797, section 3.2.1).
    "mutate_with": "The parent's own mutation instruction, applied.",
    MutateWith {}
}

meta_prompt! {
    pub(super) MUTATE_WITH = "mutate_with" writes [Mutator] [About, MaxTokens] ():
        "changes the prompt as an evolved instruction says"
}

impl Author for MutateWith {
    fn steps(&self) -> Vec<Step> {
        Step::once(&MUTATE_WITH)
    }

    fn mutation_prompt(&self, ask: &Ask<'_>) -> Option<String> {
        ask.inherited_mutation_prompt().or_else(|| Some(ask.listed_mutation_prompt()))
    }
}

impl Operator for MutateWith {}
