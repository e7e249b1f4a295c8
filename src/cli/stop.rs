//! `stop`: ends a running run of another process, so that it can be resumed.

use super::args::RunRef;
use super::error::CliError;
use super::screen::Screen;
use crate::run::{RunDir, SUMMARY_FILE, Status, Summary};
use std::time::{Duration, Instant};

/// How long the process may take: it awaits answers in flight for half a minute.
const PATIENCE: Duration = Duration::from_secs(60);
/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Asks for the stop, and waits until the run has ended.
pub(super) fn stop(args: &RunRef, screen: &Screen) -> Result<(), CliError> {
    let dir = RunDir::find(&args.out.out, &args.run)?;
    let was_running = dir.is_running();
    if was_running {
        dir.ask_to_stop()?;
        screen.note(&format!(
            "stopping {}: answers in flight are awaited for at most 30 s",
            dir.name()
        ));
        let asked = Instant::now();
        while dir.is_running() {
            if asked.elapsed() > PATIENCE {
                return Err(unheeded(&dir));
            }
            std::thread::sleep(EVERY);
        }
    }
    let status = dir.read_json::<Summary>(SUMMARY_FILE).ok().map(|summary| summary.status);
    let is_finished = status == Some(Status::Finished);
    let text = match (was_running, is_finished) {
        (true, true) => format!("{} is finished", dir.name()),
        (false, true) => format!("{} was finished already", dir.name()),
        (was_running, false) => format!(
            "{} {}\n  resume: promptsearch resume {}",
            dir.name(),
            if was_running { "is stopped; no answer is lost" } else { "was not running" },
            dir.path().display()
        ),
    };
    let value = serde_json::json!({
        "run": dir.name(),
        "was_running": was_running,
        "status": if is_finished { Status::Finished } else { Status::Interrupted },
    });
    screen.show(&value, &text)
}

fn unheeded(dir: &RunDir) -> CliError {
    // Anybody may have written the file: only a number is advice.
    let process = std::fs::read_to_string(dir.file("lock")).unwrap_or_default();
    let process = process.trim().parse::<u32>().ok();
    let message = format!("the run `{}` did not stop within a minute", dir.name());
    let error = CliError::unexpected(message);
    match process {
        None => error,
        Some(process) => error.hint(format!(
            "`kill {process}` ends its process, if that runs on this machine; `promptsearch resume {}` then \
             goes on, and no answer is lost",
            dir.path().display()
        )),
    }
}
