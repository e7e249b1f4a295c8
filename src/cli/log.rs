//! The run's own log, `debug.log`, for debugging. It never contains keys or the texts of rows and
//! prompts.

use crate::run::RunDir;
use crate::store;
use std::fs::File;
use std::panic;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// The environment variable that sets the log level; the default is `info`.
const LEVEL: &str = "PROMPTSEARCH_LOG";

/// Sends the library's log records and the panics of the store to the run's log. A second run in
/// the same process keeps the first run's log. A log that cannot be written does not stop the run.
pub(super) fn to_file_of(dir: &RunDir) {
    let path = dir.file("debug.log");
    // Whatever is not a file of its own is left alone; the run refuses such a folder.
    if dir.path().is_symlink() || path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        return;
    }
    let Ok(file) = File::options().create(true).append(true).open(path) else {
        return;
    };
    let filter = EnvFilter::try_from_env(LEVEL)
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{}", store::LOG_FILTER)));
    let set = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        // A full disk is told once, by what it stops.
        .log_internal_errors(false)
        .with_writer(Mutex::new(file))
        .try_init();
    if set.is_err() {
        return;
    }
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let at = info.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(at, "{info}");
        if !store::is_caught_here(&at) {
            usual(info);
        }
    }));
}
