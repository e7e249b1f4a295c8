//! `fixed`: by the operators' weights.

use crate::strategy::search::Choose;

kind! {
    /// By the operators' weights.
    "fixed": "By the operators' weights.",
    Fixed {}
}

impl Choose for Fixed {}
