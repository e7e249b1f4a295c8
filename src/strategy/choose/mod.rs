//! Which operator is next, and which mutator writes: one file each, and the lists of them.

pub mod fixed;
pub mod each;
pub mod thompson;
pub mod ucb;

use super::search::Choose;

kinds! {
    /// Which operator is next.
    pub CHOOSES: dyn Choose = [fixed::Fixed, each::Each, thompson::Thompson, ucb::Ucb];
}

kinds! {
    /// Which of the task's mutators writes, where there are several. What it draws for is one draft; the
    /// later steps of a use ask the same mutator.
    pub MODELS: dyn Choose = [thompson::Thompson, ucb::Ucb, fixed::Fixed];
}
