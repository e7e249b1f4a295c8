//! What is different of a night that is a migration: its bar, and what it found.

use super::error::{CliError, Kind};
use super::eval;
use crate::caps::Caps;
use crate::compare::migration::{MigrationLook, MigrationReport, markdown};
use crate::night::{FoundRun, Migration, Night};
use crate::run::{LoadedRun, Run, RunDir, Settings, way_on};
use crate::task::example::Split;
use crate::text::plural;

/// The files of the result in the night's folder.
const RESULT: &str = "migration.json";
const PAGE: &str = "migration.md";

/// Starts the run that measures the bar; what it costs was agreed to when the migration was started. The rows are those that the searches hold out; its look is the migration's.
pub(super) fn begin_bar(
    (migration, night): (&Migration, &str),
    dir: &RunDir,
    caps: Caps,
    concurrency: Option<usize>,
) -> Result<Run, CliError> {
    let task = migration.task(Migration::BAR)?;
    let caps = Caps { proposals: None, ..caps };
    let access = eval::checked(&task, Some(Split::Hold), caps, concurrency, true)?;
    let rows = task.splits.held_out_hashes().collect();
    let settings = Settings {
        caps: Some(caps),
        concurrency,
        night: Some(night.to_owned()),
        ..Settings::default()
    };
    let run = Run::evaluate(task, Some(Split::Hold), Some(rows), settings, dir)?;
    Ok(run.with_access(access))
}

/// Checks that the bar was measured: four fifths of its rows have a score.
pub(super) fn check_bar(bar: &LoadedRun) -> Result<(), CliError> {
    let column = bar.history.state.baseline().dev();
    let (all, scored) = (bar.task.splits.dev.len(), column.scored as usize);
    if scored * 5 >= all * 4 {
        return Ok(());
    }
    let why = format!("the bar is not measured: {scored} of {} have a score", plural(all, "row"));
    let error = CliError::new(Kind::Refused, why);
    Err(match way_on(&bar.summary, bar.caps()) {
        Some(flag) => error.hint(format!("give it more: {flag}")),
        None => error,
    })
}

/// What a migration found so far. One that has worked writes it into its folder.
pub(super) fn found(
    night: &Night,
    runs: &[FoundRun],
    has_worked: bool,
) -> Result<Option<MigrationReport>, CliError> {
    let file = night.file();
    let Some(migration) = &file.migration else { return Ok(None) };
    let look = match has_worked {
        true => MigrationLook::take(night, runs)?,
        false => MigrationLook::next(night, runs)?,
    };
    let found = MigrationReport::of(&file.night, migration, runs, look)?;
    if has_worked {
        night.dir().write_json(RESULT, &found)?;
        night.dir().write(PAGE, markdown(&found).as_bytes())?;
    }
    Ok(Some(found))
}

/// Whether parity is shown of one new model at least.
pub(super) fn conclude(found: &MigrationReport) -> Result<(), CliError> {
    if found.at_parity() > 0 {
        return Ok(());
    }
    let mut unmeasured =
        found.targets.iter().filter_map(|it| Some((it, it.beside_bar.as_ref().err()?)));
    if let Some((target, why)) = unmeasured.next() {
        return Err(CliError::new(
            Kind::Refused,
            format!("{} is not measured: {why}", target.model),
        )
        .hint(format!(
            "search on with it, with a higher cap: promptsearch resume {}",
            target.run
        )));
    }
    let within = found.score_form.size(found.margin);
    Err(CliError::new(Kind::Gate, format!("no new model is shown to be at parity within {within}")))
}
