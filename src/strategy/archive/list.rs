//! `list`: every candidate that was judged.

use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};

kind! {
    /// Every candidate that was judged and not dropped.
    "list": "Every candidate that was judged.",
    List {}
}

impl Archive for List {
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        search.judged().collect()
    }
}
