//! Makes a task of a file that another program wrote: tables, JSON, the data sets and configurations
//! of other tools.
//!
//! It proposes; `cli/init` asks, writes and checks. Nothing here is used by a search.

mod path; // `row.label`, `messages[-1].content`.
mod shape; // The shapes of rows that other tools write.
mod facts; // What the values of a column are.
mod guess; // Which column is what.
mod answers; // How answers are scored.
mod rows; // Rows as they are written.
mod draft; // The task that is written.
mod columns; // From rows with columns to a draft.
mod promptfoo; // From promptfoo's tests to a draft.

pub use columns::{ColumnView, Columns as ImportedColumns, Wishes};
pub use draft::{Draft, Files};
pub use guess::Role;
pub use path::ValuePath;

use crate::source::SourceError;
use std::path::Path;

/// What was found in a file.
pub enum Import {
    /// Rows with columns, whose roles are guessed.
    Columns(Box<ImportedColumns>),
    /// A whole task.
    Draft(Box<Draft>),
}

/// Reads a file of another program.
///
/// # Errors
/// A file that cannot be read, a mistake in it with its line, or a wish that it cannot fulfil.
pub fn read(path: &Path, wishes: &Wishes) -> Result<Import, SourceError> {
    let draft = |draft| Ok(Import::Draft(Box::new(draft)));
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "yaml" | "yml" => draft(promptfoo::read_config(path)?),
        "json" if promptfoo::is_config(path) => draft(promptfoo::read_config(path)?),
        _ if wishes.is_empty() && columns::is_promptfoo(path)? => {
            draft(promptfoo::read_tests(path)?)
        }
        _ => Ok(Import::Columns(Box::new(ImportedColumns::read(path, wishes)?))),
    }
}

/// A text as it is written in TOML.
fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}
