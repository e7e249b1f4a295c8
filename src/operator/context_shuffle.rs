//! `context_shuffle`: another list of right answers as demonstrations.

use super::author::{Author, Operator};
use super::demos::{DemoAnswers, demo};
use super::draw::Draw;
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::CandidateIx;
use rand::Rng;

kind! {
    /// Adds a row to the demonstrations, or puts it in a random one's place where the set is full; now
    /// and then all are drawn anew. Rows with right answers of the model's own go first
    /// (PromptBreeder's context shuffling; arXiv:2309.16797, section 3.2.5). Asks no model.
    "context_shuffle": "Another list of right answers as demonstrations.",
    ContextShuffle {
        /// The most demonstrations of a child.
        max: usize = 3 => positive,
        /// The chance that all are drawn anew.
        resample: f64 = 0.1 => share,
    }
}

impl ContextShuffle {
    fn reshuffled(&self, draw: &Draw<'_>, parent: CandidateIx) -> Option<Vec<Demo>> {
        let mut rng = draw.seed.child("context", 0).rng();
        let mut demos = draw.state.standing(parent).candidate.demos.clone();
        let anew = rng.random_bool(self.resample) && !demos.is_empty();
        let wanted = if anew { demos.len() } else { 1 };
        let all = draw.setting.train_rows as usize;
        let rows = draw.setting.sample(all, draw.seed.child("row", 0));
        let mut new: Vec<Demo> = rows
            .into_iter()
            .filter(|row| anew || demos.iter().all(|demo| demo.row != *row))
            .map(|row| demo(draw.state, parent, row, DemoAnswers::OwnCorrect))
            .collect();
        // A stable sort: right answers first, each group in its random order.
        new.sort_by_key(|demo| demo.answer.is_none());
        new.truncate(wanted);
        if new.is_empty() {
            return None;
        }
        if anew {
            return Some(new);
        }
        if demos.len() < self.max {
            demos.extend(new);
        } else {
            let place = rng.random_range(0..demos.len());
            demos[place] = new[0];
        }
        Some(demos)
    }
}

impl Author for ContextShuffle {}

impl Operator for ContextShuffle {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        if !draw.setting.has_demos {
            return None;
        }
        draft.demos = Some(self.reshuffled(draw, *draft.parents.first()?)?);
        Some(draft)
    }
}
