//! `lineage`: continues the parent's line of best prompts.

use super::author::{Author, Operator};
use super::draw::Draw;
use super::history::unscored;
use super::step::Step;
use crate::event::Draft;
use crate::id::CandidateIx;

kind! {
    /// Lists those of the parent's line that were the best of their time, oldest first, and asks for
    /// the next one (PromptBreeder; arXiv:2309.16797, section 3.2.2).
    "lineage": "The next of the best in the parent's line.",
    Lineage {
        /// The most prompts in the list.
        most: usize = 20,
    }
}

meta_prompt! {
    pub(super) LINEAGE = "lineage" writes [History] [About, MaxTokens] ():
        "continues the line of the best prompts so far"
}

impl Lineage {
    /// Those of the parent's line that were the best of their time, oldest first.
    fn elites(&self, draw: &Draw<'_>, parent: CandidateIx) -> Vec<CandidateIx> {
        let state = draw.state;
        let line = state.ancestors(parent);
        let of_line = |candidate: &CandidateIx| *candidate == parent || line.contains(candidate);
        // A baseline outside of the population leads no line.
        let of_baseline =
            state.baseline().dev().mean().filter(|_| draw.breeding.competes(CandidateIx::BASELINE));
        let led = state.memory.best_mean.leaders().iter();
        let mut elites: Vec<CandidateIx> = of_baseline
            .map(|_| CandidateIx::BASELINE)
            .into_iter()
            .chain(
                led.filter(|(_, mean)| of_baseline.is_none_or(|baseline| *mean > baseline))
                    .map(|(led, _)| *led),
            )
            .filter(of_line)
            .collect();
        elites.drain(..elites.len().saturating_sub(self.most));
        elites
    }
}

impl Author for Lineage {
    fn steps(&self) -> Vec<Step> {
        Step::once(&LINEAGE)
    }
}

impl Operator for Lineage {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        let elites = self.elites(draw, *draft.parents.first()?);
        if elites.is_empty() {
            return None;
        }
        draft.context = unscored(elites);
        Some(draft)
    }
}
