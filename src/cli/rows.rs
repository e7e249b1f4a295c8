//! `rows`: the rows that a prompt of a run was asked, with its answers.

use super::args::{RowsArgs, RowsSplit};
use super::error::CliError;
use super::explain::subject_of;
use super::screen::Screen;
use crate::report::explain::Subject;
use crate::report::{self, Report, RowFilter};
use crate::run::{Run, RunDir};
use crate::task::example::Split;
use crate::text;
use std::collections::BTreeSet;

/// Prints them.
pub(super) fn rows(args: &RowsArgs, screen: &Screen) -> Result<(), CliError> {
    let run = Run::read(&RunDir::find(&args.out.out, &args.run)?)?;
    let report = Report::from(&run);
    let subject = subject_of(&report, &args.candidate)?;
    let Subject::Candidate(candidate) = subject else {
        return Err(CliError::usage(format!(
            "`{}` is a proposal, which was asked no row",
            args.candidate
        ))
        .hint(
            "name a candidate: the beginning of an id, `baseline`, `best`, or a number such as n7",
        ));
    };
    let split = match args.split {
        RowsSplit::Train => Split::Train,
        RowsSplit::Dev => Split::Dev,
    };
    if let Some(column) = &args.by {
        let rows = run.task.visible_rows();
        let known: BTreeSet<&str> =
            rows.iter().flat_map(|row| row.columns.keys()).map(String::as_str).collect();
        if !known.contains(column.as_str()) {
            let known: Vec<&str> = known.into_iter().collect();
            return Err(CliError::usage(format!("the rows have no column `{column}`"))
                .hint(text::suggestion(column, &known)));
        }
    }
    let filter = RowFilter { wrong: args.wrong, changed: args.changed, label: args.label.clone() };
    let by = args.by.as_deref();
    let events = run.dir.events();
    let rows = report::answered_rows(&report, &events, candidate, split, &filter, by)?;
    let text = report::rows_page(&rows, args.limit, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&rows)?, &text)
}
