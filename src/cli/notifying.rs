//! What `[notify]` of a task means on the command line: who is told, and what the end of a search is told as.

use super::error::CliError;
use super::screen::Screen;
use super::settings;
use super::signals;
use crate::engine::Outcome;
use crate::memory::Observer;
use crate::notify::{Message, Notifier, Occasion, Recipient};
use crate::report::{self, Report};
use crate::run::{Ended, Run, RunError, RunKind};
use crate::task::Task;
use crate::task::notify::Webhook;
use secrecy::SecretString;

/// Who gets messages about a search. An evaluation sends none.
pub(super) fn recipients(run: &Run, screen: &Screen) -> Vec<Recipient> {
    match run.file().kind {
        RunKind::Search => of_task(run.task(), screen),
        RunKind::Comparison { .. } | RunKind::Evaluation { .. } => Vec::new(),
    }
}

/// Sends a message that is no search's, and waits until it is delivered; whether it was, to all who are to be told.
pub(super) fn tell(task: &Task, message: Message, screen: &Screen) -> Result<bool, CliError> {
    let recipients = of_task(task, screen);
    if recipients.is_empty() {
        return Ok(true);
    }
    let runtime = signals::runtime()?;
    let untold = runtime.block_on(async {
        let notifier = Notifier::new(recipients);
        notifier.tell(message);
        delivered(notifier).await
    });
    warn_of(&untold, screen);
    Ok(untold.is_empty())
}

/// Waits until all messages are delivered, or a signal ends the program; what was not delivered, and why.
pub(super) async fn delivered(notifier: Notifier) -> Vec<String> {
    tokio::select! {
        untold = notifier.finish() => untold,
        () = signals::interrupted() => vec!["interrupted".to_owned()],
    }
}

pub(super) fn warn_of(untold: &[String], screen: &Screen) {
    for why in untold {
        screen.warn(&format!("a notification was not delivered: {why}"));
    }
}

fn of_task(task: &Task, screen: &Screen) -> Vec<Recipient> {
    let Some(notify) = task.notify.as_ref() else { return Vec::new() };
    let folder = std::path::absolute(task.folder()).unwrap_or_else(|_| task.folder());
    let named = notify.command.as_ref().and_then(|spec| spec.argv.first());
    if let Some(program) = named.filter(|program| !settings::is_there(program, &folder)) {
        screen.warn(&format!(
            "`notify.command`: the program `{program}` does not exist or is not executable"
        ));
    }
    let program = notify.command.clone().map(|spec| Recipient::Program {
        spec,
        folder,
        environment: std::env::vars_os().collect(),
    });
    let address = match &notify.webhook {
        None => None,
        Some(Webhook::Url(address)) => Some(address.clone()),
        Some(Webhook::Env(name)) => {
            #[expect(clippy::disallowed_methods, reason = "only cli reads the environment")]
            let address = std::env::var(name).ok().filter(|it| !it.trim().is_empty());
            if address.is_none() {
                screen.warn(&format!(
                    "`notify.webhook` names the variable {name}, which is not set: nothing is sent there"
                ));
            }
            address
        }
    };
    let webhook = address.map(|address| Recipient::Webhook {
        address: SecretString::from(address.trim().to_owned()),
        timeout: notify.timeout,
    });
    program.into_iter().chain(webhook).collect()
}

/// What watches the spending of a search.
pub(super) fn watcher(notifier: &Notifier, run: &Run) -> Option<Box<dyn Observer>> {
    let shares = &run.task().notify.as_ref()?.thresholds;
    Some(Box::new(notifier.watcher(run.file(), run.caps(), shares, run.meter())))
}

/// Sends how a search ended. A search that a person stopped sends nothing.
pub(super) fn tell_end(notifier: &Notifier, run: &Run, ended: &Result<Ended, RunError>) {
    let (occasion, why) = match ended {
        Ok(ended) => match &ended.outcome {
            Outcome::Finished => (Occasion::Finished, None),
            Outcome::Interrupted => return,
            Outcome::BrokenScorer(why) | Outcome::Trouble { why, .. } => {
                (Occasion::Trouble, Some(why.clone()))
            }
        },
        Err(error) => (Occasion::Trouble, Some(error.to_string())),
    };
    // As it stands in the run's files, which are written by now.
    let Some(Ok(loaded)) = run.dir().map(Run::read) else { return };
    let sentence = why.unwrap_or_else(|| report::verdict_line(&Report::from(&loaded)));
    let sentence = report::visible_line(&sentence);
    notifier.tell(Message::of_end(&loaded.summary, loaded.caps(), occasion, &sentence));
}
