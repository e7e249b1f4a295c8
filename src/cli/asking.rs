//! Asks the process that works on a run or a night for something, and waits for its answer.

use super::error::CliError;
use crate::run::{Answer, Asked, Progress, RunDir};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long the process may take to answer: it may just be reading a long journal.
const UNTIL_ANSWERED: Duration = Duration::from_secs(30);
/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Asks the process that works on a folder, and waits for its answer. Why nothing had to change, if so.
pub(super) fn carried_out(
    dir: &RunDir,
    name: &str,
    request: &impl Serialize,
) -> Result<Option<String>, CliError> {
    let began = Instant::now();
    let mut asked = None;
    loop {
        let Some(own) = &asked else {
            // The same may be asked for by another process.
            asked = dir.ask(name, request)?;
            if asked.is_none() {
                wait(dir, None, began)?;
            }
            continue;
        };
        match own.progress() {
            Progress::Answered(Answer::Done) => return Ok(None),
            Progress::Answered(Answer::Already(why)) => return Ok(Some(why)),
            Progress::Answered(Answer::Refused(why)) => {
                let what = format!("`{}` does not change: {why}", dir.name());
                return Err(CliError::usage(what).hint(format!(
                    "see what it has spent: `promptsearch status {}`",
                    dir.path().display()
                )));
            }
            // A process that begins forgets what was asked of the one before it.
            Progress::Lost => {
                asked = None;
                wait(dir, None, began)?;
            }
            Progress::Waiting => wait(dir, Some(own), began)?,
        }
    }
}

/// Waits a moment, but not for ever.
fn wait(dir: &RunDir, asked: Option<&Asked>, began: Instant) -> Result<(), CliError> {
    std::thread::sleep(EVERY);
    let take_back = || asked.inspect(|asked| asked.take_back());
    let status = format!("see `promptsearch status {}`", dir.path().display());
    if !dir.is_running() {
        take_back();
        let what = format!("`{}` ended before it was changed", dir.name());
        return Err(CliError::usage(what).hint(status));
    }
    if began.elapsed() > UNTIL_ANSWERED {
        take_back();
        let what = format!("`{}` did not answer within half a minute", dir.name());
        // It may just have been read.
        return Err(CliError::unexpected(what)
            .hint(format!("the request may still be carried out: {status}")));
    }
    Ok(())
}
