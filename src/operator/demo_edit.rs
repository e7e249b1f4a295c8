//! `demo_edit`: another set of demonstrations.

use super::author::{Author, Operator, WorksOn};
use super::demos::{DemoAnswers, demo, failed};
use super::draw::Draw;
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::CandidateIx;
use rand::Rng;
use rand::seq::SliceRandom;

kind! {
    /// Adds, drops or swaps a demonstration, or orders them anew. Asks no model.
    "demo_edit": "Another set of demonstrations.",
    DemoEdit {
        /// The most demonstrations of a child.
        max: usize = 5,
        /// What stands as their answer.
        answers: DemoAnswers = DemoAnswers::OwnCorrect,
        /// Where added rows come from.
        source: DemoSource = DemoSource::Any,
        /// The most rows that are added at once.
        step: usize = 1,
    }
}

choice! {
    /// Where added demonstrations come from.
    DemoSource {
        /// Any training row.
        Any = "any",
        /// Rows that the parent got wrong, with the expected answer; any row where it knows none.
        Errors = "errors",
    }
}

impl DemoEdit {
    /// Demonstrations added, one dropped or swapped, or all of them in another order. An empty set
    /// starts with as many as one edit may add: no race could see what a single one is worth.
    fn edited(&self, draw: &Draw<'_>, parent: CandidateIx) -> Option<Vec<Demo>> {
        let mut demos = draw.state.standing(parent).candidate.demos.clone();
        let mut rng = draw.seed.child("edit demos", 0).rng();
        let mut new = self.new_rows(draw, parent, &demos);
        let room = self.max.saturating_sub(demos.len());
        let edit = if demos.is_empty() { 0 } else { rng.random_range(0..4) };
        match edit {
            0 | 1 if room > 0 && !new.is_empty() => {
                let step = self.step.max(1);
                let count = if demos.is_empty() { step } else { rng.random_range(1..=step) };
                new.truncate(count.min(room));
                demos.extend(new);
            }
            2 | 3 if demos.len() > 1 && rng.random_bool(0.5) => demos.shuffle(&mut rng),
            2 if !demos.is_empty() => {
                demos.remove(rng.random_range(0..demos.len()));
            }
            _ if !demos.is_empty() && !new.is_empty() => {
                let place = rng.random_range(0..demos.len());
                demos[place] = new[0];
            }
            _ => return None,
        }
        Some(demos)
    }

    /// Rows that may be added, in the order in which they would be.
    fn new_rows(&self, draw: &Draw<'_>, parent: CandidateIx, demos: &[Demo]) -> Vec<Demo> {
        let all = draw.setting.train_rows as usize;
        let mut free = draw.setting.sample(all, draw.seed.child("row", 0));
        free.retain(|row| demos.iter().all(|demo| demo.row != *row));
        if self.source == DemoSource::Errors {
            // A stable sort: failures first, each group in its random order.
            free.sort_by_key(|row| !failed(draw.state, parent, *row));
        }
        free.into_iter()
            .take(self.step.max(1))
            .map(|row| demo(draw.state, parent, row, self.answers))
            .collect()
    }
}

impl Author for DemoEdit {
    fn works_on(&self) -> WorksOn {
        WorksOn::Demos
    }
}

impl Operator for DemoEdit {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        if !draw.setting.has_demos {
            return None;
        }
        draft.demos = Some(self.edited(draw, *draft.parents.first()?)?);
        Some(draft)
    }
}
