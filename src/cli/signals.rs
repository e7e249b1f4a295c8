//! Signals that ask the program to end, and the runtime that they are awaited on.
//!
//! What a signal does to a search is the session's.

use super::error::CliError;
use crate::clock::Clock;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A runtime with all that a search needs.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| CliError::unexpected(format!("no runtime: {error}")))
}

/// Returns at the next signal that asks the program to end.
pub(super) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Signals that ask a program to end which works from time to time.
pub(super) struct Signals {
    given: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Signals {
    /// Watches from now on.
    pub(super) fn watch() -> Result<Self, CliError> {
        let runtime = runtime()?;
        let given = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&given);
        runtime.spawn(async move {
            interrupted().await;
            seen.store(true, Ordering::SeqCst);
        });
        Ok(Self { given, _runtime: runtime })
    }

    /// Whether one was given.
    pub(super) fn were_given(&self) -> bool {
        self.given.load(Ordering::SeqCst)
    }

    /// Waits until this time by the clock on the wall, so that a machine that slept is not late; whether a signal was given.
    pub(super) fn wait_until(&self, due: Timestamp) -> bool {
        while !self.were_given() && Clock::System.now() < due {
            std::thread::sleep(LOOK_EVERY);
        }
        self.were_given()
    }
}

/// The interval between two looks whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(200);
