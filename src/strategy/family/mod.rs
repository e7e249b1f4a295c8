//! The families of search, one file each, and the list of them. A family says where it differs from the
//! loop that all share, and which slots it goes with.

mod fit;
pub mod steady;
mod capping;
pub mod generation;
pub mod pool;
pub mod product;

pub use generation::Runs;

use super::search::Family;

choice! {
    /// In which order results enter decisions.
    Order {
        /// In the order in which the calls were issued.
        Issue = "issue",
    }
}

/// Evaluations that may be issued and not folded, where a recipe does not say.
const LOOKAHEAD: usize = 128;
/// Evaluations folded since its issue after which a proposal is folded at the latest.
const PROPOSAL_LAG: u64 = 64;

kinds! {
    /// The order in which work is planned.
    pub FAMILIES: dyn Family = [
        steady::Steady,
        generation::Generational,
        pool::Pooled,
        product::Product,
    ];
}
