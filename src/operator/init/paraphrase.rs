//! `paraphrase`: a prompt in other words.

use crate::event::Draft;
use crate::operator::author::{Author, Init};
use crate::operator::draw::Draw;
use crate::operator::paraphrase::PARAPHRASE;
use crate::operator::step::Step;

kind! {
    /// Asks for prompts in other words.
    "paraphrase": "A prompt in other words.",
    ParaphraseInit {
        /// How many.
        take: u32 = 10,
        /// Of which prompt: the baseline, or the best of what `init` brought before, in turn.
        of: ParaphraseOf = ParaphraseOf::Baseline,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
    }
}

choice! {
    /// What is said in other words.
    ParaphraseOf {
        /// The task's own prompt.
        Baseline = "baseline",
        /// The candidates of `init` so far, best first, after they are judged.
        Top = "top",
    }
}

impl Author for ParaphraseInit {
    fn steps(&self) -> Vec<Step> {
        Step::once(&PARAPHRASE)
    }
}

impl Init for ParaphraseInit {
    fn requests(&self) -> u32 {
        self.take
    }

    fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    fn rewrites_best(&self) -> Option<usize> {
        (self.of == ParaphraseOf::Top).then_some(self.take as usize)
    }

    /// The best are known when all candidates before are judged. Paraphrases of them come later, and
    /// do not count.
    fn draft(&self, draw: &Draw<'_>, draft: Draft, place: u16, done: u32) -> Option<Draft> {
        let Some(take) = self.rewrites_best() else { return Some(draft) };
        if done == 0 && !draw.breeding.is_judged() {
            return None;
        }
        let best = draw.breeding.best_of_init(place, take);
        let parent = best.get(done as usize % best.len().max(1)).copied();
        let parents = parent.map_or(draft.parents, |parent| vec![parent]);
        Some(Draft { parents, ..draft })
    }
}
