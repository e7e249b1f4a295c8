//! What a night and each of its runs may spend. The process that works on the night changes it; its runs ask for it.

use super::asking::carried_out;
use super::error::CliError;
use crate::caps::Caps;
use crate::night::{BudgetError, BudgetRequest, Night, Spending};
use crate::run::{LoadedRun, RunDir, RunDirError};

/// Changes the budget of a night: by its process, if one works on it.
pub(super) fn change(dir: &RunDir, request: BudgetRequest) -> Result<(), CliError> {
    match Night::open(dir) {
        Ok((mut night, _lock)) => night.change(request).map_err(refused),
        Err(RunDirError::InUse { .. }) => carried_out(dir, request.name(), &request).map(drop),
        Err(error) => Err(error.into()),
    }
}

/// Asks the night of a run, if it has one, whether the run may have these caps.
pub(super) fn allow(run: &RunDir, caps: Caps) -> Result<(), CliError> {
    match Night::of_run(run)? {
        Some((night, run)) => change(&night, BudgetRequest::Share { run, caps }).map_err(|error| {
            let raise = format!(
                "give the night more first: `promptsearch resume {0}` with a cap, or `promptsearch ctl {0} set` while it runs",
                night.path().display()
            );
            error.hint(raise)
        }),
        None => Ok(()),
    }
}

/// The caps of a run, lowered to what its night, if it has one, has left for it.
pub(super) fn within(run: &RunDir, caps: Caps) -> Result<Caps, CliError> {
    Ok(match Night::of_run(run)? {
        Some((night, run)) => caps.lower(Night::read(&night)?.room_of(run)),
        None => caps,
    })
}

/// Writes down what a run of a night has spent that ended on its own. While another process works on the night, or
/// where its ledger cannot be written, what it was given counts on.
pub(super) fn settle(run: &LoadedRun) {
    if let Ok(Some((dir, number))) = Night::of_run(&run.dir)
        && let Ok((mut night, _lock)) = Night::open(&dir)
        // Whether the bar of a migration is measured, the migration finds out.
        && !night.is_bar(number)
    {
        let settled = night.ended(number, Spending::from(run));
        let _ = settled.inspect_err(|error| tracing::warn!(%error, "a night is not settled"));
    }
}

pub(super) fn refused(error: BudgetError) -> CliError {
    match error {
        BudgetError::Dir(error) => error.into(),
        BudgetError::Refused(why) => CliError::usage(why),
    }
}
