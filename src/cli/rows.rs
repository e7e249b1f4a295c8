//! `rows`: the rows that a prompt of a run was asked, with its answers.

use super::args::RowsArgs;
use super::error::CliError;
use super::explain::unfound;
use super::screen::Screen;
use crate::report::explain::find_candidate;
use crate::report::{self, Report, RowFilter, RowsError, RowsQuery};
use crate::run::{Run, RunDir};

/// The widest page: what is pasted into a ticket, or does not fit a terminal, is broken there.
const WIDEST: usize = 80;

/// Prints them.
pub(super) fn rows(args: &RowsArgs, screen: &Screen) -> Result<(), CliError> {
    let run = Run::read(&RunDir::find(&args.out.out, &args.run)?)?;
    let report = Report::from(&run);
    let query = RowsQuery {
        candidate: find_candidate(&report, args.candidate.trim()).map_err(unfound)?,
        split: args.split,
        filter: RowFilter { wrong: args.wrong, changed: args.changed, label: args.label.clone() },
        by: args.by.clone(),
    };
    let rows = report::answered_rows(&report, &run.dir.events(), &query)?;
    let width = screen.width().min(WIDEST);
    let text = report::rows_page(&rows, args.limit, screen.colour(), width);
    screen.show(&serde_json::to_value(&rows)?, &text)
}

impl From<RowsError> for CliError {
    fn from(error: RowsError) -> Self {
        let RowsError::Unreadable(journal) = error else {
            let told = Self::usage(error.to_string());
            return match error.help() {
                Some(help) => told.hint(help),
                None => told,
            };
        };
        journal.into()
    }
}
