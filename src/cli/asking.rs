//! Asks the process that works on a run or a night for something, and waits for its answer.

use super::error::CliError;
use crate::run::{NotCarriedOut, RunDir};
use serde::Serialize;

/// Asks the process that works on a folder, and waits for its answer. Why nothing had to change, if so.
pub(super) fn carried_out(
    dir: &RunDir,
    name: &str,
    request: &impl Serialize,
) -> Result<Option<String>, CliError> {
    let path = dir.path().display();
    let status = || format!("see `promptsearch status {path}`");
    dir.ask_and_wait(name, request).map_err(|error| {
        let what = error.to_string();
        match error {
            NotCarriedOut::Refused { .. } => CliError::usage(what)
                .hint(format!("see what it has spent: `promptsearch status {path}`")),
            NotCarriedOut::Ended(_) => CliError::usage(what).hint(status()),
            // It may just have been read.
            NotCarriedOut::NoAnswer(_) => CliError::unexpected(what)
                .hint(format!("the request may still be carried out: {}", status())),
            NotCarriedOut::Dir(error) => error.into(),
        }
    })
}
