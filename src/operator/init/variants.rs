//! `llm_variants`: other instructions for the same task.

use crate::event::Draft;
use crate::grammar::Misuse;
use crate::operator::author::{Author, Init};
use crate::operator::demos::{DemoAnswers, Shots};
use crate::operator::draw::Draw;
use crate::operator::step::Step;

kind! {
    /// Asks for other instructions for the same task, and shows nothing but the baseline.
    "llm_variants": "Other instructions for the same task.",
    Variants {
        /// How many.
        take: u32 = 10,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
        /// Demonstrations that each of them starts with.
        shots: Option<Shots> = None,
    }
}

meta_prompt! {
    pub(super) PROPOSE_VARIANT = "propose_variant" writes [] [About, MaxTokens] ():
        "another instruction for the same task, from the current one alone"
}

impl Author for Variants {
    fn steps(&self) -> Vec<Step> {
        Step::once(&PROPOSE_VARIANT)
    }

    fn shows_own_answers(&self) -> bool {
        self.shots.as_ref().is_some_and(|shots| shots.answers == DemoAnswers::OwnCorrect)
    }
}

impl Init for Variants {
    fn requests(&self) -> u32 {
        self.take
    }

    fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    fn check(&self) -> Result<(), Misuse> {
        match &self.shots {
            Some(shots) if shots.min > shots.max => {
                Err(Misuse::of(&["shots"], "`min` must not be above `max`"))
            }
            _ => Ok(()),
        }
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft, _place: u16, done: u32) -> Option<Draft> {
        let shots = self.shots.as_ref().filter(|_| draw.setting.has_demos);
        let demos = shots.map(|shots| shots.draw(draw, draw.seed.child("shots", u64::from(done))));
        Some(Draft { demos, ..draft })
    }
}
