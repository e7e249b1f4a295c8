//! `edge`: the rows of a run that are worth a look.

use super::args::EdgeArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::report::{Report, edge_cases, edge_page};
use crate::run::{Run, RunDir, RunKind};

/// Prints them.
pub(super) fn edge(args: &EdgeArgs, screen: &Screen) -> Result<(), CliError> {
    let run = Run::read(&RunDir::find(&args.out.out, &args.run)?)?;
    if run.file.kind != RunKind::Search {
        let message =
            format!("`{}` is no search, whose prompts and rows this compares", run.file.run);
        return Err(
            CliError::usage(message).hint("`promptsearch rows` shows the rows of an evaluation")
        );
    }
    let report = Report::from(&run);
    let edge = edge_cases(&report, &run.dir.events())?;
    let text = edge_page(&edge, args.limit, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&edge)?, &text)
}
