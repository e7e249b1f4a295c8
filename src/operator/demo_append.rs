//! `demo_append`: one more right answer among the demonstrations.

use super::author::{Author, Operator, WorksOn};
use super::buckets::{Bucket, Buckets, Run};
use super::demos::thinned;
use super::draw::Draw;
use crate::candidate::Demo;
use crate::event::Draft;
use crate::id::CandidateIx;
use crate::state::Cell;
use crate::task::example::Split;

kind! {
    /// Adds the best answer to a row to the demonstrations, after leaving out some; which row, and when
    /// nothing is learnt, as in `contrast_rule` (SIMBA). Asks no model.
    "demo_append": "A right answer more among the demonstrations.",
    DemoAppend {
        /// The most demonstrations of a child.
        max: usize = 4,
    }
}

impl DemoAppend {
    /// The best run of a bucket as one more demonstration; `None` where it is among the worst tenth of
    /// all runs, or has no answer to show (SIMBA's `append_a_demo`).
    fn appended(
        &self,
        draw: &Draw<'_>,
        bucket: &Bucket,
        low: f64,
        parent: CandidateIx,
    ) -> Option<Vec<Demo>> {
        let Run { row, candidate, replicate, score } = bucket.best;
        let cell = draw.state.standing(candidate).column(Split::Train, replicate).cell(row);
        let Cell::Scored { answer, .. } = cell else { return None };
        if score <= low {
            return None;
        }
        let mut demos = thinned(draw.state, parent, self.max, draw.seed);
        demos.retain(|demo| demo.row != row);
        demos.push(Demo { row, answer: Some(answer) });
        Some(demos)
    }
}

impl Author for DemoAppend {
    fn works_on(&self) -> WorksOn {
        WorksOn::Demos
    }
}

impl Operator for DemoAppend {
    fn draft(&self, draw: &Draw<'_>, draft: Draft) -> Option<Draft> {
        let mut draft = draw.with_parents(draft, 1)?;
        let parent = *draft.parents.first()?;
        if !draw.setting.has_demos {
            return None;
        }
        let buckets = Buckets::now(draw);
        let bucket = buckets.of_turn(draw)?;
        draft.demos = self.appended(draw, &bucket, buckets.low, parent);
        if draft.demos.is_none() {
            draft.parents.clear();
        }
        Some(draft)
    }
}
