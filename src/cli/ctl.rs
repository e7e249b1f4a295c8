//! `ctl` and `stop`: steer a running run of another process.
//!
//! What is asked lies in the run's folder until that process takes it. Nothing here changes a run by itself.

use super::args::{CtlAction, CtlArgs, RunRef, SetArgs};
use super::asking::carried_out;
use super::error::CliError;
use super::night;
use super::night_budget;
use super::screen::Screen;
use super::settings;
use crate::caps::Caps;
use crate::night::BudgetRequest;
use crate::report::visible_line;
use crate::run::{Request, RunDir, SUMMARY_FILE, Status, Summary};
use crate::text;
use std::time::{Duration, Instant};

/// How long it may take to stop: it awaits answers in flight for half a minute.
const UNTIL_STOPPED: Duration = Duration::from_secs(60);
/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Steers a run, or a night.
pub(super) fn ctl(args: &CtlArgs, screen: &Screen) -> Result<(), CliError> {
    let dir = match (night::find(&args.out.out, &args.run), &args.action) {
        (None, _) => RunDir::find(&args.out.out, &args.run)?,
        (Some(night), CtlAction::Stop) => return stop_night(&night, screen),
        (Some(night), CtlAction::Set(set)) => return set_night(&night, set, screen),
        (Some(night), CtlAction::Pause | CtlAction::Continue) => running_of(&night)?,
    };
    let request = match &args.action {
        CtlAction::Stop => return stop_run(&dir, screen),
        CtlAction::Pause => Request::Pause,
        CtlAction::Continue => Request::Continue,
        CtlAction::Set(set) => asked(set)?,
    };
    if !dir.is_running() {
        return Err(not_running(&dir, &request));
    }
    if let Request::Set { caps, .. } = request
        && !caps.is_empty()
    {
        night_budget::allow(&dir, caps)?;
    }
    steer(&dir, &request, screen)
}

/// Asks a run for a change, and shows what came of it.
fn steer(dir: &RunDir, request: &Request, screen: &Screen) -> Result<(), CliError> {
    let name = dir.name();
    let already = carried_out(dir, request.name(), request)?;
    let text = match (&already, request) {
        (Some(why), _) => format!("{name} does not change: {why}"),
        (None, Request::Pause) => format!(
            "{name} is paused: it sends nothing more, and takes the answers that are in flight\n  continue: promptsearch ctl {} continue",
            visible_line(&dir.path().display().to_string())
        ),
        (None, Request::Continue) => format!("{name} continues"),
        (None, request) => format!("{name}: {}", in_words(request)),
    };
    let value = serde_json::json!({ "run": name, "done": request, "changed": already.is_none() });
    screen.show(&value, &text)
}

/// The run of a night that works now.
fn running_of(night: &RunDir) -> Result<RunDir, CliError> {
    night::running(night)?.ok_or_else(|| {
        CliError::usage(format!("no run of the night `{}` is running", night.name()))
            .hint(format!("`promptsearch resume {}` resumes it", night.path().display()))
    })
}

/// Changes what a night may spend, and how much the run that works has out at a time.
fn set_night(night: &RunDir, set: &SetArgs, screen: &Screen) -> Result<(), CliError> {
    let request = asked(set)?;
    let Request::Set { caps, concurrency } = request else { return Ok(()) };
    if !night.is_running() {
        return Err(not_running(night, &request));
    }
    if !caps.is_empty() {
        night_budget::change(night, BudgetRequest::Total { caps })?;
        let told = in_words(&Request::Set { caps, concurrency: None });
        let text = format!(
            "{}: {told}, for all runs together; those that have begun keep their shares",
            night.name()
        );
        if concurrency.is_none() {
            let value = serde_json::json!({ "night": night.name(), "done": request });
            return screen.show(&value, &text);
        }
        screen.note(&text);
    }
    // It is that of a search: the next run begins with that of the night's start.
    let run = running_of(night)?;
    steer(&run, &Request::Set { caps: Caps::default(), concurrency }, screen)
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

fn not_running(dir: &RunDir, request: &Request) -> CliError {
    let path = dir.path().display();
    let hint = match request {
        Request::Set { .. } => {
            format!("give the caps and the concurrency to `promptsearch resume {path}`")
        }
        _ => format!("`promptsearch resume {path}` resumes one that is not finished"),
    };
    CliError::usage(format!("`{}` is not running", dir.name())).hint(hint)
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
            run.ask(Request::Stop.name(), &Request::Stop)?;
        }
        if began.elapsed() > UNTIL_STOPPED {
            return Err(not_stopped(night));
        }
        std::thread::sleep(EVERY);
    }
    night::status(night, screen)
}

/// Asks for the stop, and waits until the run has ended.
fn stop_run(dir: &RunDir, screen: &Screen) -> Result<(), CliError> {
    let was_running = dir.is_running();
    if was_running {
        dir.ask(Request::Stop.name(), &Request::Stop)?;
        screen.note(&format!(
            "stopping {}: answers in flight are awaited for at most 30 s",
            dir.name()
        ));
        let asked = Instant::now();
        while dir.is_running() {
            if asked.elapsed() > UNTIL_STOPPED {
                return Err(not_stopped(dir));
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
            visible_line(&dir.path().display().to_string())
        ),
    };
    let value = serde_json::json!({
        "run": dir.name(),
        "was_running": was_running,
        "status": if is_finished { Status::Finished } else { Status::Interrupted },
    });
    screen.show(&value, &text)
}

fn not_stopped(dir: &RunDir) -> CliError {
    // Anybody may have written the file: only a number is advice.
    let process = std::fs::read_to_string(dir.file("lock")).unwrap_or_default();
    let process = process.trim().parse::<u32>().ok();
    let message = format!("the run `{}` did not stop within a minute", dir.name());
    let error = CliError::unexpected(message);
    match process {
        None => error,
        Some(process) => error.hint(format!(
            "`kill {process}` ends its process, if that runs on this machine; then `promptsearch resume {}` \
             resumes it, and no answer is lost",
            dir.path().display()
        )),
    }
}
