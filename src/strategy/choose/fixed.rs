//! `fixed`: by weights alone.

use crate::strategy::search::Choose;

kind! {
    /// By the weights of the operators, or of the mutators.
    "fixed": "By their weights.",
    Fixed {}
}

impl Choose for Fixed {}
