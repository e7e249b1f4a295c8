//! `induce`: instructions guessed from rows.

use crate::event::Draft;
use crate::operator::author::{Author, Init};
use crate::operator::draw::Draw;
use crate::operator::induce::INDUCE;
use crate::operator::step::Step;

kind! {
    /// Guesses the instruction from rows: `queries` requests of `demos` rows, each asked `samples`
    /// times (APE; arXiv:2211.01910, section 3.1).
    "induce": "Instructions guessed from demonstrations.",
    InduceInit {
        /// Different sets of rows.
        queries: u32 = 5,
        /// Rows in each set.
        demos: usize = 5,
        /// Replies for each set.
        samples: u32 = 1,
        /// Sampling temperature; the mutator's own where none is given.
        temperature: Option<f64> = None => not_negative,
    }
}

impl Author for InduceInit {
    fn steps(&self) -> Vec<Step> {
        Step::once(&INDUCE)
    }
}

impl Init for InduceInit {
    fn requests(&self) -> u32 {
        self.queries.saturating_mul(self.samples)
    }

    fn temperature(&self) -> Option<f64> {
        self.temperature
    }

    /// Each query is one set of rows, asked `samples` times.
    fn draft(&self, draw: &Draw<'_>, draft: Draft, _place: u16, done: u32) -> Option<Draft> {
        let query = u64::from(done / self.samples.max(1));
        let rows = draw.setting.sample(self.demos, draw.setting.seed.child("demos", query));
        Some(Draft { rows, ..draft })
    }
}
