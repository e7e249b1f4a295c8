//! `tree`: all candidates, each below its parent. `uct` under `select` walks down it.

use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// All candidates, each below its parent.
    "tree": "All, as a tree.",
    Tree {}
}

impl Archive for Tree {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.judged().collect()
    }

    fn is_tree(&self) -> bool {
        true
    }
}
