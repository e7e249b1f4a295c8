//! `style_mutate`: the baseline rewritten by a mutation instruction and a thinking style.

use crate::event::Draft;
use crate::operator::ask::Ask;
use crate::operator::author::{Author, Init};
use crate::operator::draw::Draw;
use crate::operator::step::Step;
use crate::operator::styles::MUTATORS;
use rand::Rng;

kind! {
    /// The baseline rewritten by a mutation instruction and a thinking style, both drawn from the
    /// built-in lists; the child keeps its mutation instruction (PromptBreeder; arXiv:2309.16797,
    /// section 3.1).
    "style_mutate": "The baseline rewritten by a mutation instruction and a thinking style.",
    StyleMutateInit {
        /// How many.
        take: u32 = 10,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
    }
}

meta_prompt! {
    pub(super) MUTATE_IN_STYLE = "mutate_in_style" writes [Mutator, Style] [About, MaxTokens] ():
        "changes the prompt as an instruction says, in a given manner of thinking"
}

impl Author for StyleMutateInit {
    fn steps(&self) -> Vec<Step> {
        Step::once(&MUTATE_IN_STYLE)
    }

    /// Drawn apart from the mutation instruction.
    fn style(&self, draft: &Draft) -> usize {
        draft.variant as usize / MUTATORS.len()
    }

    fn mutation_prompt(&self, ask: &Ask<'_>) -> Option<String> {
        Some(ask.listed_mutation_prompt())
    }
}

impl Init for StyleMutateInit {
    fn requests(&self) -> u32 {
        self.take
    }

    fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft, _place: u16, done: u32) -> Option<Draft> {
        let variant = draw.seed.child("variant", u64::from(done)).rng().random();
        Some(Draft { variant, ..draft })
    }
}
