//! `crossover_parts`: one part of another candidate.

use super::author::{Author, Operator, WorksOn};
use super::draw::Draw;
use crate::event::Draft;

kind! {
    /// One searched part of a candidate that is drawn in proportion to its score takes the place of the
    /// parent's (PromptBreeder's prompt crossover; arXiv:2309.16797, section 3.2.5). Asks no model.
    "crossover_parts": "A part of another candidate.",
    CrossoverParts {
        /// The chance that it follows the use of any other operator, in the same child.
        after: f64 = 0.0 => share,
    }
}

impl Author for CrossoverParts {
    fn works_on(&self) -> WorksOn {
        WorksOn::TwoTexts
    }
}

impl Operator for CrossoverParts {
    fn chance_to_follow(&self) -> f64 {
        self.after
    }

    fn may_be_followed(&self) -> bool {
        false
    }

    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        draft.mate = Some(draw.mate(*draft.parents.first()?, draft.island)?);
        Some(draft)
    }
}
