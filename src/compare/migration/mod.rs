//! The prompt in force on an old model, beside what searches found for new ones, on the same held-out rows.
//!
//! The old model's score is the bar. A new model is at parity, with a prompt, if rows show that it is not worse than the
//! bar by more than a margin that was agreed before: the low end of the paired interval lies above −margin, at the level
//! that the look at these rows has and that Holm's rule leaves to this claim beside the others. There are two claims for
//! each model: its winner, and the prompt in force as it is; one where they are the same prompt, which the search
//! decides before it sees a held-out row. A model without an answer counts among them.

// A file uses only files declared above it.
mod rows;
mod parity;
mod target;
mod look;
mod report;
mod page;

#[cfg(test)]
mod tests;

pub use look::MigrationLook;
pub use page::{markdown, page};
pub use parity::{BesideBar, ParityFinding};
pub use report::{Bar, MigrationReport};
pub use rows::{Latency, OnModel};
pub use target::{Found, Target};
