//! promptfoo's configurations and test files: reads prompts, variables and assertions by their names,
//! and lists with its line what it does not support.

mod notes; // What is left out, with its place.
mod folder; // The files that a configuration names.
mod assertion;
mod test; // One test, and its combinations of variables.
mod table; // Tests in a CSV.
mod reader; // Tests in YAML and JSON.
mod prompt; // The prompt as parts.
mod suite; // Tests become a draft.
mod configuration;

use super::draft::TaskDraft;
use crate::source::yaml::{Data, Node};
use crate::source::{self, SourceError, json};
use crate::task::dataset::{Quirks, RowReader};
use folder::Folder;
use notes::Notes;
use reader::Reader;
use std::path::Path;

/// What of promptfoo a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Prompts, providers and tests.
    Configuration,
    /// Tests alone.
    Tests,
}

/// Whether a file is promptfoo's. The only place that decides it.
pub(super) fn recognise(path: &Path) -> Result<Option<Found>, SourceError> {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        // No other YAML is read.
        "yaml" | "yml" => Ok(Some(match Node::read(path)?.data {
            Data::List(_) => Found::Tests,
            _ => Found::Configuration,
        })),
        "json" if is_configuration(path) => Ok(Some(Found::Configuration)),
        _ => {
            let first = RowReader::open(path, Quirks::Convert)?.next_row()?;
            let is_test = first.is_some_and(|row| {
                let has_vars = row.values.get("vars").is_some_and(|vars| {
                    vars.is_object() || vars.is_string() && row.values.contains_key("assert")
                });
                has_vars || row.values.keys().any(|name| name.starts_with("__expected"))
            });
            Ok(is_test.then_some(Found::Tests))
        }
    }
}

/// Whether a file is an object with prompts and tests. A list of rows is none, whatever is in it.
fn is_configuration(path: &Path) -> bool {
    let Ok(text) = source::read_text(path) else { return false };
    let keys = json::parse_raw(&text).ok().and_then(|raw| json::entries(raw).ok());
    keys.is_some_and(|keys| {
        ["prompts", "tests"].iter().all(|name| keys.iter().any(|(key, _)| key == name))
    })
}

/// Reads a file that is promptfoo's.
pub(super) fn read(path: &Path, found: Found) -> Result<TaskDraft, SourceError> {
    match found {
        Found::Configuration => configuration::read(path),
        Found::Tests => {
            let mut notes = Notes::default();
            let folder = Folder::of(path);
            let tests = Reader::new(path, &folder).file(path, &mut notes)?;
            suite::draft(path, tests, None, notes)
        }
    }
}
