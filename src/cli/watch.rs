//! `watch`: a line about a running run from time to time, until it ends.

use super::args::WatchArgs;
use super::error::CliError;
use super::night;
use super::screen::Screen;
use crate::clock::Clock;
use crate::report::{self, Report, visible_line};
use crate::run::{Eta, Progressed, Run, RunDir, RunFile, SUMMARY_FILE, Status, Summary};
use crate::text;
use serde_json::json;
use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

/// The interval between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Prints lines from the run's summary, which its process writes every two seconds.
pub(super) fn watch(args: &WatchArgs, screen: &Screen) -> Result<(), CliError> {
    let every = text::parse_duration(&args.every).map_err(CliError::usage)?;
    let Some(night) = night::find(&args.run.out.out, &args.run.run) else {
        let dir = RunDir::find(&args.run.out.out, &args.run.run)?;
        return follow(&dir, every, screen).map(drop);
    };
    // Between two runs none is running for a moment.
    while night.is_running() {
        match night::running(&night)? {
            Some(run) if !follow(&run, every, screen)? => return Ok(()),
            _ => std::thread::sleep(LOOK_EVERY),
        }
    }
    night::status(&night, screen)
}

/// Prints lines about a run until it ends; whether anybody reads on.
fn follow(dir: &RunDir, every: Duration, screen: &Screen) -> Result<bool, CliError> {
    // Caps may have been raised when it was resumed.
    let caps = match Run::read(dir) {
        Ok(run) => run.caps(),
        Err(_) => RunFile::read(dir)?.caps,
    };
    let (mut last, mut shown): (Option<Summary>, Option<Instant>) = (None, None);
    while dir.is_running() {
        let is_due = shown.is_none_or(|shown| shown.elapsed() >= every);
        let summary = dir.read_json::<Summary>(SUMMARY_FILE).ok();
        if is_due && let Some(summary) = summary.filter(|now| last.as_ref() != Some(now)) {
            let now = Clock::System.now();
            // They may have been changed since it began.
            let caps = summary.caps.unwrap_or(caps);
            let eta = Eta::of(&caps, &Progressed::from(&summary), now);
            let mut line = report::status_line(&summary, &caps);
            let is_paused = summary.status == Status::Paused;
            if let Some(eta) = eta.as_ref().filter(|_| !is_paused) {
                line = format!("{line} · {}", eta.in_words());
            }
            if is_paused {
                line = format!("paused · {line}");
            }
            if let Some(waiting) = &summary.waiting {
                line = format!("{} · {line}", visible_line(&waiting.in_words(now)));
            }
            let time = text::duration(summary.spent.time());
            let value = json!({ "at": now, "eta": eta, "summary": summary });
            if !say(screen, &value, &format!("{time} · {line}"))? {
                return Ok(false);
            }
            (last, shown) = (Some(summary), Some(Instant::now()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let run = Run::read(dir)?;
    let verdict = report::verdict_line(&Report::from(&run));
    let value = json!({ "at": Clock::System.now(), "verdict": verdict, "summary": run.summary });
    say(screen, &value, &format!("{}: {verdict}", dir.name()))
}

/// Prints a line; whether anybody reads on.
fn say(screen: &Screen, value: &serde_json::Value, text: &str) -> Result<bool, CliError> {
    let mut out = std::io::stdout().lock();
    let line = if screen.json { value.to_string() } else { text.to_owned() };
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true).map_err(CliError::from),
    }
}
