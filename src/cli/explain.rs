//! `explain`: explains one candidate or proposal of a run from the run's events.

use super::args::ExplainArgs;
use super::error::CliError;
use super::screen::Screen;
use crate::event::Event;
use crate::report::Report;
use crate::report::explain::{Explainer, Subject, Unfound, find, page};
use crate::run::{Run, RunDir};

/// Prints where a candidate came from, why it was written, and what happened to it.
pub(super) fn explain(args: &ExplainArgs, screen: &Screen) -> Result<(), CliError> {
    let run = Run::read(&RunDir::find(&args.out.out, &args.run)?)?;
    let report = Report::from(&run);
    let subject = find(&report, args.candidate.trim()).map_err(unfound)?;
    // A running process has written more events since; the explanation stops where the report stopped.
    let last = run.history.events;
    let mut explainer = Explainer::new(subject, run.task.splits.sizes().dev, run.task.score_form());
    crate::journal::read_events(&run.dir.events(), |number, event: Event| {
        if number.0 < last {
            explainer.apply(number, &event);
        }
        Ok::<_, CliError>(())
    })?;
    let flags = match subject {
        Subject::Candidate(candidate) => run.flags(candidate)?,
        Subject::Proposal(_) => Vec::new(),
    };
    let explanation = explainer.explanation(&report).with_flags(flags);
    let text = page(&explanation, screen.colour(), screen.width());
    screen.show(&serde_json::to_value(&explanation)?, &text)
}

/// What was asked for does not exist.
pub(super) fn unfound(unfound: Unfound) -> CliError {
    let error = CliError::usage(unfound.to_string());
    match unfound.help {
        Some(help) => error.hint(help),
        None => error,
    }
}
