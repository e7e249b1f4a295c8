//! How the winner is chosen from what was found, one file each, and the list of them.

mod shrinkage;
mod chance;
mod rows;
pub mod argmax;
pub mod shortlist;
pub mod best_path;
pub mod confirm;

use super::search::Final;

kinds! {
    /// How the winner is chosen from what was found; the engine then confirms it on held-out rows.
    pub FINALS: dyn Final = [
        argmax::Argmax,
        shortlist::Shortlist,
        best_path::BestPath,
        confirm::Confirm,
    ];
}
