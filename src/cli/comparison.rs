//! What a run of a comparison shows, while it is asked and at its end.

use super::error::{CliError, Kind};
use super::screen::Screen;
use crate::compare::paired::{self, NotShown};
use crate::run::LoadedRun;

/// How many rows are listed by default.
pub(super) const LISTED: usize = 5;

/// Prints the comparison.
pub(super) fn show(
    run: &LoadedRun,
    slices: &[String],
    listed: usize,
    screen: &Screen,
) -> Result<(), CliError> {
    let test = paired::of_run(run, slices, listed).map_err(|error| match error {
        NotShown::Run(error) => CliError::from(error),
        NotShown::Empty(why) => CliError::new(Kind::Refused, why),
    })?;
    screen.show(&serde_json::to_value(&test)?, &paired::page(&test))
}
