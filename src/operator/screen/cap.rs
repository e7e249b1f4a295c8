//! `cap`: too many children of one parent.

use super::trial::Screen;

kind! {
    /// Of the children of one parent in one generation, only this many are tried, drawn at random
    /// (ProTeGi's `max_expansion_factor`).
    "cap": "Too many children of one parent.",
    Cap {
        /// How many.
        per_parent: usize = 8,
    }
}

impl Screen for Cap {
    fn most_children(&self) -> Option<usize> {
        Some(self.per_parent)
    }
}
