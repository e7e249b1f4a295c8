//! `fixed`: by weights alone.

use crate::strategy::search::Choose;

kind! {
    /// By the weights of the operators.
    "fixed": "By their weights.",
    Fixed {}
}

impl Choose for Fixed {}
