//! What to try next: a pure function of a recipe's slots, state and seed.
//!
//! There is no `tell`, and nothing is remembered here: what a strategy must remember is a memory of the
//! room `memory`, folded from the same events as the facts. A slot is filled with a policy, which is
//! one file of the slot's folder and a line in its list. Rows are numbers here; neither their texts nor
//! held-out rows ever arrive.

// A file uses only files declared above it.
mod plan;
mod space;
mod stop;
pub mod search;
mod ranking;
mod belief;
mod population;
pub mod select;
pub mod archive;
pub mod accept;
pub mod choose;
pub mod writers;
pub mod sampler;
pub mod evaluate;
pub mod finale;
mod stopping;
mod breeding;
mod drafting;
pub mod family;
mod composed;
mod fixed;
mod versus;

#[cfg(test)]
mod tests;

pub use accept::ACCEPTS;
pub use archive::ARCHIVES;
pub use choose::CHOOSES;
pub use composed::{Composed, Searched};
pub use evaluate::EVALUATES;
pub use family::{FAMILIES, Runs};
pub use finale::FINALS;
pub use fixed::Fixed;
pub use plan::{Lookahead, Order, Plan, Strategy};
pub use sampler::SAMPLERS;
pub use search::{BLOCK, Objective, Slots};
pub use select::{MixPart, SELECTS};
pub use space::{Combination, Observation, Space};
pub use stop::{Stop, StopRule};
pub use versus::{Comparison, Contender, Versus};
pub use writers::MODELS;
