//! `status`, `report` and `journal`: show a run from its files, at any time.

use super::args::{ReportArgs, ReportFormat, RunRef};
use super::error::CliError;
use super::screen::Screen;
use crate::clock::Clock;
use crate::report::{self, Report, visible_line};
use crate::run::{
    self, Eta, LoadedRun, OpenBatch, Progressed, Run, RunDir, RunFile, RunKind, SUMMARY_FILE,
    Status, Summary,
};
use crate::stats::Interval;
use crate::text;
use crate::units::Usd;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;

/// What of a run a resume may change.
const ON_RESUME: &str = "a resume takes caps and concurrency from flags, and keys, limits, timeouts and `notify` from the task file; all \
                         else is frozen (`resume --help`)";

/// Prints the status of a run.
pub(super) fn status(args: &RunRef, screen: &Screen) -> Result<(), CliError> {
    if let Some(night) = super::night::find(&args.out.out, &args.run) {
        return super::night::status(&night, screen);
    }
    let dir = RunDir::find(&args.out.out, &args.run)?;
    let run = match Run::read(&dir) {
        Ok(run) => run,
        // Without its data files a run cannot be replayed, but its last summary can be shown.
        Err(error) => {
            let error = CliError::from(error);
            let Ok(summary) = dir.read_json::<Summary>(SUMMARY_FILE) else {
                return Err(error);
            };
            screen.warn(&error.message);
            let text = report::status_line(&summary, &RunFile::read(&dir)?.caps);
            return screen.show(
                &serde_json::to_value(&summary)?,
                &format!("{}: {text}", visible_line(&summary.run)),
            );
        }
    };
    let summary = &run.summary;
    let wrapped = |text: &str| text::lines(text, screen.width().clamp(40, 100) - 4).join("\n    ");
    let mut out = String::new();
    let state = serde_json::to_value(summary.status)?;
    let _ = writeln!(out, "{}: {}", visible_line(&summary.run), state.as_str().unwrap_or("?"));
    if summary.status == Status::Finished && run.file.kind == RunKind::Search {
        let verdict = report::verdict_line(&Report::from(&run));
        let _ = writeln!(out, "  {}", wrapped(&verdict));
    }
    if let Some(reason) = summary.stop_reason {
        let _ = writeln!(out, "  stop reason: {}", reason.sentence());
    }
    for end in report::earlier_ends(summary).into_iter().chain(report::confirmations(summary)) {
        let _ = writeln!(out, "  {}", wrapped(&end));
    }
    if let Some(why) = &summary.trouble {
        let _ = writeln!(out, "  what happened: {}", visible_line(why));
    }
    if let Some(waiting) = &summary.waiting {
        let _ = writeln!(out, "  {}", visible_line(&waiting.in_words(Clock::System.now())));
    }
    let quality = |interval: Option<Interval>| match interval {
        Some(i) => format!(
            "{} ({} to {}, {})",
            summary.score_form.score(i.mean),
            summary.score_form.score(i.low),
            summary.score_form.score(i.high),
            text::plural(i.n, "row")
        ),
        None => "not measured yet".to_owned(),
    };
    // The rows of an evaluation are its dev, whatever split they are of.
    let rows = summary.strategy.split_once(':').map_or("dev", |(_, rows)| rows);
    for (name, prompt) in [("baseline", &summary.baseline), ("best", &summary.best)] {
        if let Some(prompt) = prompt {
            let _ = writeln!(
                out,
                "  {name:<9} {} on {rows}: {}",
                prompt.candidate,
                quality(prompt.dev)
            );
        }
    }
    for line in report::consistency_lines(&Report::from(&run)) {
        let _ = writeln!(out, "  {line}");
    }
    let cap = |cap: Option<String>| cap.map_or_else(String::new, |cap| format!(" of {cap}"));
    let caps = run.caps();
    let calls = summary.spent.calls();
    let tokens = caps.tokens.map(|cap| {
        let used = run.history.wallet.spent().tokens;
        format!(", {} tokens of {}", text::thousands(used.0), text::thousands(cap.0))
    });
    let _ = writeln!(
        out,
        "  spent: {}{}{}, {} calls{}, {}",
        Usd::from_dollars(summary.spent.usd).unwrap_or_default(),
        cap(caps.usd.map(|usd| usd.to_string())),
        tokens.unwrap_or_default(),
        text::thousands(calls),
        cap(caps.calls.map(text::thousands)),
        text::duration(summary.spent.time()),
    );
    let eta = (summary.status == Status::Running)
        .then(|| Eta::of(&caps, &Progressed::from(summary), Clock::System.now()))
        .flatten();
    if let Some(eta) = &eta {
        let _ = writeln!(out, "  to the first cap: {}", eta.in_words());
    }
    let _ = writeln!(
        out,
        "  counts: {}, {}",
        text::plural(summary.counts.candidates as usize, "candidate"),
        text::plural(summary.counts.evaluations as usize, "evaluation"),
    );
    for failed in report::failed_calls(summary) {
        let _ = writeln!(out, "  {failed}");
    }
    for change in &summary.provider_changes {
        let _ =
            writeln!(out, "  changed and accepted: {}", report::visible_line(&change.to_string()));
    }
    if let Some(words) = OpenBatch::in_words(&summary.open_batches) {
        let _ = writeln!(out, "  {words}");
    }
    let place = visible_line(&run.dir.path().display().to_string());
    if summary.status == Status::Paused {
        let _ = writeln!(out, "  go on: promptsearch ctl {place} continue");
    }
    if summary.status == Status::Interrupted {
        let _ = writeln!(out, "  resume: promptsearch resume {place}");
    }
    let more = run::way_on(summary, caps).filter(|_| summary.status == Status::Finished);
    let may_go_on = summary.status == Status::Interrupted || more.is_some();
    if let Some(more) = more {
        let _ = writeln!(out, "  go on: promptsearch resume {place} {more}");
    }
    if may_go_on && run.file.kind == RunKind::Search {
        let _ = writeln!(out, "  {}", wrapped(ON_RESUME));
    }
    let mut value = serde_json::to_value(summary)?;
    if let (Some(eta), Some(value)) = (eta, value.as_object_mut()) {
        value.insert("eta".to_owned(), serde_json::to_value(eta)?);
    }
    screen.show(&value, &out)
}

/// What `ab` has decided stands on its own page: a report of a search would take its first prompt for the winner.
pub(super) fn not_of_a_comparison(run: &LoadedRun) -> Result<(), CliError> {
    if !matches!(run.file.kind, RunKind::Comparison { .. }) {
        return Ok(());
    }
    let message = format!("`{}` compares prompts, and is no search", run.file.run);
    Err(CliError::usage(message)
        .hint(format!("`promptsearch resume {}` shows what it decided", run.file.run)))
}

/// Writes a run's report.
pub(super) fn report(args: &ReportArgs, screen: &Screen) -> Result<(), CliError> {
    let format = if screen.json { ReportFormat::Json } else { args.format };
    let run = Run::read(&RunDir::find(&args.run.out.out, &args.run.run)?)?;
    if format != ReportFormat::Json {
        not_of_a_comparison(&run)?;
    }
    let text = match format {
        ReportFormat::Html => report::html_of_run(&run, !args.no_rows),
        ReportFormat::Md => {
            report::markdown(&Report { shows_rows: !args.no_rows, ..Report::from(&run) })
        }
        ReportFormat::Json => format!("{}\n", serde_json::to_string_pretty(&run.summary)?),
        ReportFormat::Csv => csv([&run])?,
        ReportFormat::Junit => report::junit_of(&[report::run_suite(&Report::from(&run))]),
    };
    if args.output.is_none() && format == ReportFormat::Html {
        return write_page(&run, &text, screen);
    }
    write(&text, args.output.as_deref(), screen)
}

/// Writes a run's page into its folder.
pub(super) fn write_page(run: &LoadedRun, page: &str, screen: &Screen) -> Result<(), CliError> {
    run.dir.write("report.html", page.as_bytes())?;
    screen.note(&format!("wrote {}", run.dir.file("report.html").display()));
    Ok(())
}

/// Writes a report to a file, or to stdout.
pub(super) fn write(text: &str, target: Option<&Path>, screen: &Screen) -> Result<(), CliError> {
    match target {
        Some(path) if path != Path::new("-") => {
            std::fs::write(path, text).map_err(|error| CliError::not_written(path, &error))?;
            screen.note(&format!("wrote {}", path.display()));
            Ok(())
        }
        _ => screen.print(text),
    }
}

/// Prints the lines of `events.jsonl`.
pub(super) fn journal(args: &RunRef, _screen: &Screen) -> Result<(), CliError> {
    let dir = RunDir::find(&args.out.out, &args.run)?;
    let path = dir.events();
    let file = match crate::source::open(&path) {
        Ok(file) => file,
        // A run that was created but never started has an empty journal.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut out = std::io::stdout().lock();
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line)?;
        // Skip a last line that a running process has not finished writing.
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(());
        }
        match out.write_all(&line) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
}

/// A spreadsheet takes a cell that begins so for a formula; a prompt is never one.
fn as_text(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// One line per candidate.
pub(super) fn csv<'a>(runs: impl IntoIterator<Item = &'a LoadedRun>) -> Result<String, CliError> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let written = |error: csv::Error| CliError::unexpected(error.to_string());
    table
        .write_record([
            "run",
            "candidate",
            "operator",
            "parents",
            "status",
            "dev_mean",
            "dev_rows",
            "usd_per_1k",
            "prompt",
        ])
        .map_err(written)?;
    let each = runs
        .into_iter()
        .flat_map(|run| run.history.state.numbered().map(move |(_, standing)| (run, standing)));
    for (run, standing) in each {
        let state = &run.history.state;
        let candidate = &standing.candidate;
        let parents: Vec<&str> = candidate
            .parents
            .iter()
            .map(|parent| state.standing(*parent).candidate.id.as_str())
            .collect();
        let status = match &standing.status {
            crate::state::Status::Open => "open",
            crate::state::Status::Finished => "finished",
            crate::state::Status::Dropped(_) => "dropped",
        };
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let gist = crate::prompt::gist(&candidate.prompt, run.task.layout.searched(), 80);
        table
            .write_record([
                run.summary.run.as_str(),
                candidate.id.as_str(),
                &candidate.operator,
                &parents.join(" "),
                status,
                &number(standing.dev().mean()),
                &standing.dev().scored.to_string(),
                &number(standing.usd_per_1k()),
                &as_text(gist),
            ])
            .map_err(written)?;
    }
    let bytes = table.into_inner().map_err(|error| CliError::unexpected(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::as_text;

    #[test]
    fn a_prompt_is_no_formula_of_a_spreadsheet() {
        for cell in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\t=1"] {
            assert_eq!(as_text(cell.to_owned()), format!("'{cell}"));
        }
        assert_eq!(as_text("Name = one of A, B".to_owned()), "Name = one of A, B");
    }
}
