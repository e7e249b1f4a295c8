//! `random`: any.

use crate::strategy::search::Sampler;

kind! {
    /// Any combination that was not tried yet.
    "random": "Any.",
    Random {}
}

impl Sampler for Random {}
