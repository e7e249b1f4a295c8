//! `gate`: a minibatch against the parent, then all of dev.

use super::rows::unasked;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, GateRule, Search};

kind! {
    /// The rows of the proposal first, in the same order as its parent; all of dev if it passes
    /// (GEPA; arXiv:2507.19457, algorithm 1).
    "gate": "A minibatch against the parent, then all of dev.",
    Gate {
        /// Rows that are issued together on dev.
        block: usize = BLOCK => positive,
        /// What the sum over the minibatch must be.
        rule: GateRule = GateRule::GtParent,
    }
}

impl Evaluate for Gate {
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        Plan::on_dev(candidate, unasked(search.state, candidate, 0, self.block))
    }

    fn block(&self) -> usize {
        self.block
    }

    fn gate(&self) -> Option<GateRule> {
        Some(self.rule)
    }

    fn ignores_length(&self) -> bool {
        true
    }

    fn rows_per_child(&self, dev: u64, evidence: u64) -> [u64; 2] {
        [2 * evidence, 2 * evidence + dev]
    }
}
