//! `stop_on_failure`: row by row until the first failure.

use super::rows::subset;
use crate::id::CandidateIx;
use crate::state::Column;
use crate::strategy::Plan;
use crate::strategy::search::{Evaluate, Search};

kind! {
    /// Row by row in random order until the first failure, enough successes, or the most rows
    /// (PromptWizard; arXiv:2405.18369).
    "stop_on_failure": "Row by row until the first failure.",
    StopOnFailure {
        /// Right answers in a row that end it well.
        need: usize = 3 => positive,
        /// The most rows.
        most: usize = 6 => positive,
    }
}

impl Evaluate for StopOnFailure {
    /// One row at a time, each candidate in its own order.
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let column = search.state.standing(candidate).dev();
        if !column.is_quiet() || self.is_decided(column) {
            return None;
        }
        let own = search.setting.seed.child("rows", u64::from(candidate.0));
        Plan::on_dev(candidate, subset(search.state, candidate, Some(own), 1))
    }

    fn is_done(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        let column = search.state.standing(candidate).dev();
        column.is_quiet() && self.is_decided(column)
    }

    fn rows_per_child(&self, _: u64, evidence: u64) -> [u64; 2] {
        [1, evidence + self.most as u64]
    }
}

impl StopOnFailure {
    /// Whether row-by-row trials are over: a failure, enough successes, or the most rows.
    fn is_decided(&self, column: &Column) -> bool {
        let scored: Vec<f64> = column.cells().iter().filter_map(|cell| cell.score()).collect();
        let failed = scored.iter().any(|score| *score < 1.0 - 1e-6);
        failed || scored.len() >= self.need || column.folded as usize >= self.most
    }
}
