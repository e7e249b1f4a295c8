//! `report` of a night: the reports of its runs as one.
//!
//! Not how it stands, which is `status`, and not a page of its own: each run has one.

use super::args::{ReportArgs, ReportFormat};
use super::error::CliError;
use super::inspect;
use super::night::{self, Shown, shown};
use super::screen::Screen;
use crate::night::{FoundRun, Night};
use crate::report::{self, CaseOutcome, Report, TestCase, TestSuite};
use crate::run::{LoadedRun, RunDir};
use std::fmt::Write as _;

/// Writes the report of a run or of a night.
pub(super) fn report(args: &ReportArgs, screen: &Screen) -> Result<(), CliError> {
    let format = if screen.json { ReportFormat::Json } else { args.format };
    match night::find(&args.run.out.out, &args.run.run) {
        Some(dir) => of_night(&dir, format, args, screen),
        None => inspect::report(args, screen),
    }
}

/// Writes a night's report in a format: pages into the folders of its runs, all else as one text.
fn of_night(
    dir: &RunDir,
    format: ReportFormat,
    args: &ReportArgs,
    screen: &Screen,
) -> Result<(), CliError> {
    let night = Night::read(dir)?;
    let all = shown(&night, (dir.is_running(), false), None, screen)?;
    let text = match format {
        ReportFormat::Html if args.output.is_some() => {
            let message =
                format!("a {} has no page of its own, and each of its runs has one", night.noun());
            return Err(CliError::usage(message)
                .hint("leave out `--output`, or take `--format md`, `json`, `csv` or `junit`"));
        }
        ReportFormat::Html => {
            let mut read = known(&all);
            return read.try_for_each(|run| {
                inspect::write_page(run, &report::html_of_run(run, !args.no_rows), screen)
            });
        }
        ReportFormat::Md => markdown(&all, !args.no_rows),
        ReportFormat::Json => format!("{}\n", serde_json::to_string_pretty(&all.value)?),
        ReportFormat::Csv => inspect::csv(known(&all))?,
        ReportFormat::Junit => {
            let tasks = night.file().runs.iter().map(|run| run.task.display().to_string());
            report::junit_of(&all.runs.iter().zip(tasks).map(suite).collect::<Vec<_>>())
        }
    };
    inspect::write(&text, args.output.as_deref(), screen)
}

/// The runs that could be read.
fn known(all: &Shown) -> impl Iterator<Item = &LoadedRun> {
    all.runs.iter().filter_map(FoundRun::loaded)
}

/// How the night stands, then each run's own report.
fn markdown(all: &Shown, shows_rows: bool) -> String {
    let page = all.page.trim_end();
    // Longer than any such line within.
    let longest = page.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{fence}text\n{page}\n{fence}\n");
    for run in known(all) {
        let _ = write!(out, "\n{}", report::markdown(&Report { shows_rows, ..Report::from(run) }));
    }
    out
}

/// A run's cases; of one that has not begun, or cannot be read, a case that says so.
fn suite((FoundRun { name, run }, task): (&FoundRun, String)) -> TestSuite {
    let outcome = match run {
        Some(Ok(run)) => return report::run_suite(&Report::from(run)),
        Some(Err(why)) => CaseOutcome::NotMeasured(why.clone()),
        None => CaseOutcome::Skipped("it has not begun".to_owned()),
    };
    let cases = vec![TestCase { name: "run".to_owned(), outcome, facts: Vec::new() }];
    TestSuite { name: report::suite_name(name), task, cases }
}
