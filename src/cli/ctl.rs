//! `ctl` and `stop`: steer a running run of another process.
//!
//! What is asked lies in the run's folder until that process takes it. Nothing here changes a run by itself.

use super::args::{CtlAction, CtlArgs, RunRef, SetArgs};
use super::error::CliError;
use super::night;
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::run::{Heeded, Request, RunDir, SUMMARY_FILE, Status, Summary};
use crate::text;
use std::time::{Duration, Instant};

/// How long the process may take to take a request: it may just be reading a long journal.
const UNTIL_HEEDED: Duration = Duration::from_secs(30);
/// How long it may take to stop: it awaits answers in flight for half a minute.
const UNTIL_STOPPED: Duration = Duration::from_secs(60);
/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Steers a run.
pub(super) fn ctl(args: &CtlArgs, screen: &Screen) -> Result<(), CliError> {
    let dir = match (night::find(&args.out.out, &args.run), &args.action) {
        (None, _) => RunDir::find(&args.out.out, &args.run)?,
        (Some(night), CtlAction::Stop) => return stop_night(&night, screen),
        (Some(night), CtlAction::Set(_)) => {
            let message =
                format!("the budget of the night `{}` is that of its start", night.name());
            return Err(CliError::usage(message).hint("name one of its runs"));
        }
        (Some(night), CtlAction::Pause | CtlAction::Continue) => night::running(&night)?
            .ok_or_else(|| CliError::usage(format!("no run of `{}` is running", night.name())))?,
    };
    let name = dir.name();
    let (request, done) = match &args.action {
        CtlAction::Stop => return stop_run(&dir, screen),
        CtlAction::Pause => {
            let done = format!(
                "{name} is paused: it sends nothing more, and takes the answers that are in flight\n  go on: \
                 promptsearch ctl {} continue",
                dir.path().display()
            );
            (Request::Pause, done)
        }
        CtlAction::Continue => (Request::Continue, format!("{name} goes on")),
        CtlAction::Set(set) => {
            let request = asked(set)?;
            (request, format!("{name}: {}", in_words(&request)))
        }
    };
    if !dir.is_running() {
        return Err(not_running(&dir, &request));
    }
    heeded(&dir, &request)?;
    screen.show(&serde_json::json!({ "run": name, "done": request }), &done)
}

/// What `set` asks for.
fn asked(set: &SetArgs) -> Result<Request, CliError> {
    let caps = settings::with_spending(Caps::default(), &set.spending)?;
    if caps.is_empty() && set.concurrency.is_none() {
        return Err(CliError::usage("nothing is to be set")
            .hint("give a cap such as `--max-usd 20`, or `--concurrency 8`"));
    }
    Ok(Request::Set { caps, concurrency: set.concurrency })
}

fn in_words(request: &Request) -> String {
    let Request::Set { caps, concurrency } = request else { return String::new() };
    let number = text::thousands;
    let told = [
        caps.usd.map(|usd| format!("at most {usd}")),
        caps.calls.map(|calls| format!("at most {} calls", number(calls))),
        caps.tokens.map(|tokens| format!("at most {} tokens", number(tokens.0))),
        caps.proposals.map(|proposals| format!("at most {} proposals", number(proposals))),
        concurrency.map(|most| format!("at most {most} requests at a time")),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Asks, and waits until it is heeded.
fn heeded(dir: &RunDir, request: &Request) -> Result<(), CliError> {
    let began = Instant::now();
    // The same may be asked for by another process.
    while !dir.ask(request)? {
        patience(dir, request, began)?;
    }
    loop {
        match dir.heeded(request) {
            Heeded::Yes => return Ok(()),
            Heeded::No(why) => {
                let what = format!("the run `{}` does not change: {why}", dir.name());
                return Err(CliError::usage(what));
            }
            Heeded::NotYet => patience(dir, request, began)?,
        }
    }
}

/// Waits a moment, but not for ever.
fn patience(dir: &RunDir, request: &Request, began: Instant) -> Result<(), CliError> {
    std::thread::sleep(EVERY);
    if !dir.is_running() {
        dir.take_back(request);
        let what = format!("the run `{}` ended before it was changed", dir.name());
        return Err(CliError::usage(what)
            .hint(format!("see `promptsearch status {}`", dir.path().display())));
    }
    if began.elapsed() > UNTIL_HEEDED {
        dir.take_back(request);
        let what = format!("the run `{}` did not answer within half a minute", dir.name());
        // It may just have been read.
        return Err(CliError::unexpected(what).hint(format!(
            "it may still be heeded: see `promptsearch status {}`",
            dir.path().display()
        )));
    }
    Ok(())
}

fn not_running(dir: &RunDir, request: &Request) -> CliError {
    let path = dir.path().display();
    let hint = match request {
        Request::Set { .. } => format!("give the caps to `promptsearch resume {path}`"),
        _ => format!("`promptsearch resume {path}` resumes one that is not finished"),
    };
    CliError::usage(format!("the run `{}` is not running", dir.name())).hint(hint)
}

/// `stop`.
pub(super) fn stop(args: &RunRef, screen: &Screen) -> Result<(), CliError> {
    if let Some(night) = night::find(&args.out.out, &args.run) {
        return stop_night(&night, screen);
    }
    stop_run(&RunDir::find(&args.out.out, &args.run)?, screen)
}

/// Stops the run of a night that is running, and with it the night.
fn stop_night(night: &RunDir, screen: &Screen) -> Result<(), CliError> {
    let began = Instant::now();
    // Between two runs none is running for a moment.
    while night.is_running() {
        if let Some(run) = night::running(night)? {
            run.ask(&Request::Stop)?;
        }
        if began.elapsed() > UNTIL_STOPPED {
            return Err(unheeded(night));
        }
        std::thread::sleep(EVERY);
    }
    night::status(night, screen)
}

/// Asks for the stop, and waits until the run has ended.
fn stop_run(dir: &RunDir, screen: &Screen) -> Result<(), CliError> {
    let was_running = dir.is_running();
    if was_running {
        dir.ask(&Request::Stop)?;
        screen.note(&format!(
            "stopping {}: answers in flight are awaited for at most 30 s",
            dir.name()
        ));
        let asked = Instant::now();
        while dir.is_running() {
            if asked.elapsed() > UNTIL_STOPPED {
                return Err(unheeded(dir));
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
