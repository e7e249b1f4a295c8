//! `baseline`: the task's own prompt, always.

use crate::id::CandidateIx;
use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};

kind! {
    /// The task's own prompt.
    "baseline": "The task's own prompt, always.",
    Baseline {}
}

impl Select for Baseline {
    fn parents(&self, _: &Search<'_>, _: &Pool<'_>) -> Option<Parents> {
        Some(Parents { candidates: vec![CandidateIx::BASELINE], place: None })
    }
}
