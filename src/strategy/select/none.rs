//! `none`: nothing is bred from a parent.

use crate::id::CandidateIx;
use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};

kind! {
    /// No parent: what is bred comes from the history, or nothing is bred at all.
    "none": "Nothing is bred from a parent.",
    NoParent {}
}

impl Select for NoParent {
    /// What is bred still begins with the baseline's texts.
    fn parents(&self, _: &Search<'_>, _: &Pool<'_>) -> Option<Parents> {
        Some(Parents { candidates: vec![CandidateIx::BASELINE], place: None })
    }
}
