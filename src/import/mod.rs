//! Makes a task of a file that another program wrote: tables, JSON, the data sets and configurations
//! of other tools.
//!
//! It proposes; `cli/init` asks, writes and checks. Nothing here is used by a search.

mod path; // `row.label`, `messages[-1].content`.
mod literal; // Lists and objects in texts.
mod value_kind; // A date, a number.
mod words; // The words of a name.
mod column_facts; // What the values of a column are.
mod names; // What the name of a column says.
mod shape; // The shapes of rows that other tools write.
mod source_rows; // The rows of a file, as plain columns.
mod column_stats; // The statistics of all columns.
mod role; // What a column is for.
mod guess; // Which column is what.
mod answers; // How answers are scored.
mod rows; // Rows as they are written.
mod draft; // The task that is written.
mod source_columns; // The columns of a file with their roles.
mod inputs; // The columns that the prompt shows.
mod drafting; // From columns to a draft.
mod promptfoo; // From promptfoo's tests to a draft.

pub(crate) use draft::{Files, TaskDraft};
pub(crate) use path::ValuePath;
pub(crate) use role::ColumnRole;
pub(crate) use source_columns::{ColumnView, SourceColumns, Wishes};

use crate::source::SourceError;
use std::path::Path;

/// What was found in a file.
pub(crate) enum Import {
    /// Rows with columns, whose roles are guessed.
    Columns(Box<SourceColumns>),
    /// A whole task.
    Draft(Box<TaskDraft>),
}

/// Reads a file of another program. `seen` gets what the user should know of the file, also where reading
/// fails then.
///
/// # Errors
/// A file that cannot be read, a mistake in it with its line, or a wish that it cannot fulfil.
pub(crate) fn read(
    path: &Path,
    wishes: &Wishes,
    seen: &mut Vec<String>,
) -> Result<Import, SourceError> {
    match promptfoo::recognise(path)? {
        // Rows of tests have columns, and a user who names columns means these.
        Some(promptfoo::Found::Tests) if !wishes.is_empty() => {}
        Some(found) => return Ok(Import::Draft(Box::new(promptfoo::read(path, found)?))),
        None => {}
    }
    Ok(Import::Columns(Box::new(SourceColumns::read(path, wishes, seen)?)))
}

/// A text as it is written in TOML.
fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}
