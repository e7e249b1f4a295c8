//! `chain`: those that were the incumbent once.

use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// Those that `accept` made the incumbent, one after the other.
    "chain": "Those that were the incumbent once.",
    Chain {}
}

impl Archive for Chain {
    /// Newest first: of equals, the one that was accepted last is the current one.
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.state.incumbents.iter().rev().map(|(candidate, _)| *candidate).collect()
    }
}
