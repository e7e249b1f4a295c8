//! `minibatch`: the generation's minibatch of dev.

use super::rows::empty;
use crate::id::CandidateIx;
use crate::operator::epoch_rows;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search};

kind! {
    /// All children of a generation on the same rows of dev, the next ones of an epoch (SIMBA).
    "minibatch": "The generation's minibatch of dev.",
    Minibatch {
        /// Rows of a minibatch.
        size: usize = 32 => positive,
    }
}

impl Evaluate for Minibatch {
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let state = search.state;
        let seed = search.setting.seed.child("minibatch", 0);
        let generation = state.memory.births.of(candidate).generation;
        let rows = epoch_rows(state.dev_rows, self.size, generation, seed);
        Plan::on_dev(candidate, empty(state, candidate, rows, BLOCK))
    }

    fn quota(&self, search: &Search<'_>) -> u32 {
        u32::try_from(self.size).unwrap_or(u32::MAX).min(search.state.dev_rows)
    }

    fn rows_per_child(&self, dev: u64, _: u64) -> [u64; 2] {
        [dev.min(self.size as u64); 2]
    }
}
