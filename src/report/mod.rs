//! A finished or running search, explained.
//!
//! Everything here is made from events: nothing is measured twice, and nothing is remembered.

mod history;
mod summary;

pub use history::{History, Moment};
pub use summary::{
    Baseline, Counts, FrontPoint, Gain, Prompted, RoleSpent, RunInfo, Spent, Status, Summary,
};

/// All that is known of a run.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// What programs read.
    pub summary: &'a Summary,
    /// The folded journal.
    pub history: &'a History,
    /// The task.
    pub task: &'a crate::task::Task,
    /// The run's folder.
    pub folder: &'a std::path::Path,
    /// run.json
    pub run_file: Option<&'a crate::run_dir::RunFile>,
}
/// shim
pub fn html(_: &Report<'_>) -> String { String::new() }
/// shim
pub fn markdown(_: &Report<'_>) -> String { String::new() }
/// shim
pub fn end_of_run(r: &Report<'_>, _c: bool, _w: usize) -> String { format!("{:?} {:?}", r.summary.confirmed, r.summary.gain) }
