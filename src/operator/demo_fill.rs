//! `demo_fill`: failures as demonstrations.

use super::author::{Author, Operator, WorksOn};
use super::demos::failed;
use super::draw::{DraftNeed, Draw};
use super::feedback::failures;
use crate::candidate::Demo;
use crate::event::{Abandoned, Draft};
use crate::id::CandidateIx;
use crate::seed::Seed;

kind! {
    /// Runs the parent on training rows and makes demonstrations of those that it gets wrong, with the
    /// expected answers; filled up with other rows (PromptWizard's negative examples; arXiv:2405.18369).
    /// Asks no model.
    "demo_fill": "Failures as demonstrations.",
    DemoFill {
        /// Demonstrations of a child.
        size: usize = 5,
        /// Rows that are run to find failures.
        from: usize = 25,
    }
}

impl DemoFill {
    /// Rows that the parent got wrong, filled up with others. `None` where nothing would change.
    fn filled(&self, draw: &Draw<'_>, parent: CandidateIx, seed: Seed) -> Option<Vec<Demo>> {
        let mut rows = draw.setting.sample(draw.setting.train_rows as usize, seed);
        // A stable sort: failures first, each group in its random order.
        rows.sort_by_key(|row| !failed(draw.state, parent, *row));
        rows.truncate(self.size);
        let demos: Vec<Demo> = rows.into_iter().map(|row| Demo { row, answer: None }).collect();
        let old = &draw.state.standing(parent).candidate.demos;
        (!demos.is_empty() && demos != *old).then_some(demos)
    }
}

impl Author for DemoFill {
    fn works_on(&self) -> WorksOn {
        WorksOn::Demos
    }
}

impl Operator for DemoFill {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let draft = draw.with_parents(draft, 1)?;
        (draw.setting.has_demos && draw.setting.train_rows > 0).then_some(draft)
    }

    fn next(&self, draw: &Draw<'_>, draft: &Draft) -> DraftNeed {
        let Some(&parent) = draft.parents.first() else { return DraftNeed::Wait };
        let seed = draw.setting.seed.child("failures", u64::from(draft.proposal.0));
        if let Some(next) = failures(self.size, self.from, draw, draft, seed) {
            return next;
        }
        match self.filled(draw, parent, seed.child("demos", 0)) {
            Some(demos) => {
                DraftNeed::Compose(Box::new(Draft { demos: Some(demos), ..draft.clone() }))
            }
            None => DraftNeed::Abandon(Abandoned::Nothing),
        }
    }
}
