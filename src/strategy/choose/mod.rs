//! Which operator is next: one file each, and the list of them.

pub mod fixed;
pub mod each;
pub mod thompson;
pub mod ucb;

use super::search::Choose;

kinds! {
    /// Which operator is next.
    pub CHOOSES: dyn Choose = [fixed::Fixed, each::Each, thompson::Thompson, ucb::Ucb];
}
