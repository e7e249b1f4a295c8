//! `compare`: several runs beside each other.

use super::args::CompareArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::report::{self, Comparison};
use crate::run::{LoadedRun, Run, RunDir, RunKind};

/// Prints the runs' figures on common rows, their prompts, their spending, and what was set otherwise.
pub(super) fn compare(args: &CompareArgs, screen: &Screen) -> Result<(), CliError> {
    let mut runs: Vec<LoadedRun> = Vec::new();
    for asked in &args.runs {
        let dir = RunDir::find(&args.out.out, asked)?;
        if runs.iter().any(|known| known.dir.path() == dir.path()) {
            let message = format!("the run `{}` is named twice", dir.name());
            return Err(CliError::usage(message).hint("`promptsearch list` shows all runs"));
        }
        let run = Run::read(&dir)?;
        if run.file.kind != RunKind::Search {
            let message = format!("`{}` is an evaluation, not a search", dir.name());
            return Err(CliError::usage(message).hint("`promptsearch list` shows the searches"));
        }
        if run.history.state.candidates.is_empty() {
            return Err(CliError::usage(format!(
                "nothing has happened in the run `{}` yet",
                dir.name()
            )));
        }
        runs.push(run);
    }
    let comparison = Comparison::of(&runs);
    let text = report::comparison_page(&comparison, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&comparison)?, &text)
}
