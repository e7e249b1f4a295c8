//! `best_path`: the best candidate of the tree's best path.

use super::shrinkage::win;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Final, Search};

kind! {
    /// Of all paths that rollouts took, the one with the best mean reward; on it, the best candidate
    /// (PromptAgent; arXiv:2310.16427, section 3.3).
    "best_path": "The best candidate of the tree's best path.",
    BestPath {}
}

impl Final for BestPath {
    fn next(&self, search: &Search<'_>) -> Vec<Plan> {
        let path = search.slots.select.tree().map(|tree| tree.best_path(search));
        let nodes = path.unwrap_or_default();
        let best = search.best_by_goal(nodes, |node| search.fitness(node));
        vec![win(search.state, best.unwrap_or(CandidateIx::BASELINE))]
    }
}
