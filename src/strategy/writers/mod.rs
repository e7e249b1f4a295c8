//! Which of several mutators writes: one file each, and the list of them.

pub mod thompson;
pub mod ucb;
pub mod fixed;

use super::search::Writers;

kinds! {
    /// Which of the task's mutators writes, where there are several. What it draws for is one draft; the
    /// later steps of a use ask the same mutator. Only mutators whose worst case fits the budget are drawn.
    pub MODELS: dyn Writers = [thompson::Thompson, ucb::Ucb, fixed::Fixed];
}
