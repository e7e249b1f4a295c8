//! What is kept for selection, one file each, and the list of them.

pub mod list;
pub mod chain;
pub mod top_k;
pub mod slots;
pub mod pareto;
pub mod tree;
pub mod islands;
pub mod map_elites;

use super::search::Archive;

kinds! {
    /// What is kept for selection.
    pub ARCHIVES: dyn Archive = [
        list::List,
        chain::Chain,
        top_k::TopK,
        slots::Places,
        pareto::Pareto,
        tree::Tree,
        islands::Islands,
        map_elites::MapElites,
    ];
}
