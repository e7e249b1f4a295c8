//! promptfoo's configurations and test files: reads prompts, variables and assertions by their names,
//! and lists with its line what it does not support.

mod yaml; // Documents with lines.
mod assertion;
mod suite; // Tests become a draft.
mod table; // Tests in a CSV.
mod config; // Tests in a configuration.

use super::draft::Draft;
use crate::source::{self, SourceError};
use std::path::Path;
use suite::Notes;

/// Whether a JSON file is a configuration, rather than rows.
pub(super) fn is_config(path: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(rename = "prompts")]
        _prompts: serde::de::IgnoredAny,
        #[serde(rename = "tests")]
        _tests: serde::de::IgnoredAny,
    }
    source::read_text(path).is_ok_and(|text| serde_json::from_str::<Config>(&text).is_ok())
}

/// Reads a configuration, in YAML or JSON.
pub(super) fn read_config(path: &Path) -> Result<Draft, SourceError> {
    config::read(path)
}

/// Reads a table of tests, without a prompt.
pub(super) fn read_tests(path: &Path) -> Result<Draft, SourceError> {
    let mut notes = Notes::default();
    let tests = match path.extension().is_some_and(|it| it == "json" || it == "jsonl") {
        true => config::read_test_file(path, &mut notes)?,
        false => table::read(path, &mut notes)?,
    };
    suite::draft(path, tests, None, notes)
}
