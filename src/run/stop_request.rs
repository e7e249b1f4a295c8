//! A request to stop that another process leaves in a run's folder, as a file.
//!
//! It works as a signal does, also where the process is in another container or on another machine.

use super::control::Control;
use super::dir::{RunDir, RunDirError};
use std::fs;
use std::time::Duration;

const REQUEST: &str = "control/stop";

/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(250);

impl RunDir {
    /// Asks the process that works on the run to stop it. The run can be resumed.
    ///
    /// # Errors
    /// The request cannot be written.
    pub fn ask_to_stop(&self) -> Result<(), RunDirError> {
        self.write(REQUEST, b"")
    }

    /// Takes the request away; whether there was one.
    pub(super) fn take_stop_request(&self) -> bool {
        fs::remove_file(self.file(REQUEST)).is_ok()
    }
}

/// Stops a search when it is asked for.
pub(super) async fn heed(dir: RunDir, control: Control) {
    while !dir.take_stop_request() {
        tokio::time::sleep(EVERY).await;
    }
    control.stop();
}
