//! New rows for edge cases, written by a model.
//!
//! What a search found hard is put into briefs, each of which asks the model that writes prompts for some rows. Briefs are
//! asked as [`crate::inquiry`] asks. Rows of dev and held-out rows are never shown to the writer. Not whether a row is right: that is its writer's claim until a person
//! accepts it.

// A file uses only files declared above it.
mod brief; // What is asked.
mod row; // A reply, as rows.
mod page; // For people.

pub use brief::{Brief, PURPOSE, ROWS_PER_CALL, briefs_of_run, briefs_of_task};
pub use page::page;
pub use row::{Refused, Writer, WrittenRow};

use serde::Serialize;
use std::path::PathBuf;

/// The version of this format.
pub const SCHEMA: u32 = 1;

/// The column of a row that says what it was written to test.
pub const TESTS: &str = "tests";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Synthesis {
    /// The version of this format.
    pub schema: u32,
    /// The task's name.
    pub task: String,
    /// The search whose failures the rows are about; null where they are about the task.
    pub of: Option<String>,
    /// The run that asked.
    pub run: String,
    /// The model that wrote them, as `provider/model`.
    pub model: String,
    /// The file that the rows were added to.
    pub file: PathBuf,
    /// Rows that were asked for.
    pub asked: usize,
    /// Replies that came.
    pub replies: usize,
    /// Rows that were added to the file, in their order.
    pub written: Vec<WrittenRow>,
    /// Rows that were refused.
    pub refused: Vec<Refused>,
    /// Calls made.
    pub calls: u64,
    /// Dollars spent.
    pub usd: f64,
    /// Whether the task reads the file.
    pub is_read: bool,
    /// That simulated models answered, if any did.
    pub simulated: Option<&'static str>,
}
