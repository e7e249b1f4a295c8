//! A finished or running search, explained.
//!
//! Everything here is made from events: nothing is measured twice, and nothing is remembered.

mod history;
mod summary;

pub use history::{History, Moment};
pub use summary::{
    Baseline, Counts, FrontPoint, Gain, Prompted, RoleSpent, RunInfo, Spent, Status, Summary,
};
