//! `fixed`: by weights alone.

use crate::strategy::search::Writers;

kind! {
    /// By the weights of the mutators.
    "fixed": "By their weights.",
    Fixed {}
}

impl Writers for Fixed {}
