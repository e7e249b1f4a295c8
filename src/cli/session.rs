//! A search as a terminal sees it: signals stop it, progress and repairs are shown.

use super::error::{CliError, Kind};
use super::notifying;
use super::screen::Screen;
use super::signals;
use crate::memory::Observer;
use crate::notify::Notifier;
use crate::run::{Control, Ended, Run};
use crate::ui::Watcher;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Searches to the end or to an interruption, showing progress.
pub(super) fn search(run: &mut Run, screen: &Screen) -> Result<Ended, CliError> {
    for repair in run.repairs() {
        screen.warn(repair);
    }
    for gone in run.read_sources()? {
        screen.warn(&gone);
    }
    let mut observers: Vec<Box<dyn Observer>> = Vec::new();
    if !screen.quiet {
        let is_terminal = std::io::stderr().is_terminal();
        let lines = Box::new(std::io::stderr());
        observers.push(Box::new(Watcher::new(is_terminal, lines, run)));
    }
    let recipients = notifying::recipients(run, screen);
    let runtime = signals::runtime()?;
    let place = run.dir().map_or_else(String::new, |dir| dir.path().display().to_string());
    let (ended, untold) = runtime.block_on(async {
        let control = Control::new();
        let signals = tokio::spawn(stop_on_signal(control.clone(), screen.quiet));
        let notifier = (!recipients.is_empty()).then(|| Notifier::new(recipients));
        observers.extend(notifier.as_ref().and_then(|it| notifying::watcher(it, run)));
        let ended = run.search(observers, &control).await;
        // The first signal is taken by the search: from here on it ends the program.
        signals.abort();
        let untold = match notifier {
            Some(notifier) => {
                notifying::tell_end(&notifier, run, &ended);
                notifying::delivered(notifier).await
            }
            None => Vec::new(),
        };
        (ended, untold)
    });
    notifying::warn_of(&untold, screen);
    // Workers that hang in a provider's connection must not keep the program.
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended.map_err(|error| {
        let error = CliError::from(error);
        match error.kind {
            Kind::Unexpected => error.hint(format!(
                "`promptsearch resume {place}` resumes it where it stopped: no answer that was paid for is lost"
            )),
            _ => error,
        }
    })
}

/// The first signal stops the run, the second the program.
async fn stop_on_signal(control: Control, is_quiet: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    // A terminal that closes stops the run, too, unless it was started to outlive its terminal.
    let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
    let mut asked = 0;
    loop {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hung_up => {}
        }
        asked += 1;
        if asked > 1 {
            // Everything that was acknowledged is durable already.
            std::process::exit(i32::from(Kind::Interrupted.exit_code()));
        }
        control.stop();
        if !is_quiet {
            let text = "stopping: answers in flight are awaited for at most 30 s; Ctrl-C again ends at once";
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }
}

/// Whether this process was started with SIGHUP ignored, as by `nohup`. Where the system does not say,
/// it was not.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The bits are numbered from signal 1, which is SIGHUP.
    mask.is_some_and(|mask| mask & 1 == 1)
}
