//! What another process asks of the one that works on a run, as files in the run's folder.
//!
//! They work as signals do, also where the process is in another container or on another machine. A file is
//! gone once it is heeded; where its wish is refused, another one beside it says why.

use super::control::Control;
use super::dir::{RunDir, RunDirError, io_error};
use crate::caps::Caps;
use crate::engine::{Change, NotChanged};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::time::Duration;

/// The interval between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// After this number of looks a file that cannot be read was not written by this program.
const LOOKS: u32 = 8;

/// What may be asked of a running run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// To spend other amounts, or to have another number of requests out at a time.
    Set {
        /// The caps that are to be others.
        #[serde(default)]
        caps: Caps,
        /// The maximum number of concurrent requests, over all providers.
        #[serde(default)]
        concurrency: Option<usize>,
    },
    /// To send nothing more until it goes on.
    Pause,
    /// To go on after a pause.
    Continue,
    /// To end, so that it can be resumed.
    Stop,
}

/// The files, in the order in which they are looked for.
const FILES: [&str; 4] = ["set", "pause", "continue", "stop"];

impl Request {
    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let [set, pause, go_on, stop] = FILES;
        match self {
            Self::Set { .. } => set,
            Self::Pause => pause,
            Self::Continue => go_on,
            Self::Stop => stop,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heeded {
    /// Not yet anything.
    NotYet,
    /// It was heeded.
    Yes,
    /// It was refused, for this reason.
    No(String),
}

fn file_of(name: &str) -> String {
    format!("control/{name}")
}

fn refusal_of(name: &str) -> String {
    format!("control/{name}.refused")
}

impl RunDir {
    /// Asks the process that works on the run for something. `false`: the same is asked for already, and not
    /// heeded yet; then nothing is done.
    ///
    /// # Errors
    /// The request cannot be written.
    pub fn ask(&self, request: &Request) -> Result<bool, RunDirError> {
        let path = self.file(&file_of(request.name()));
        let failed = |source| io_error(&path, source);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let _ = fs::remove_file(self.file(&refusal_of(request.name())));
        let text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
        match File::create_new(&path) {
            Ok(mut file) => file.write_all(&text).map(|()| true).map_err(failed),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// What became of a request. A refusal is told once.
    #[must_use]
    pub fn heeded(&self, request: &Request) -> Heeded {
        if self.file(&file_of(request.name())).exists() {
            return Heeded::NotYet;
        }
        let refusal = self.file(&refusal_of(request.name()));
        match crate::source::read_text(&refusal) {
            Ok(why) => {
                let _ = fs::remove_file(refusal);
                Heeded::No(why)
            }
            Err(_) => Heeded::Yes,
        }
    }

    /// Takes a request back that was not heeded.
    pub fn take_back(&self, request: &Request) {
        let _ = fs::remove_file(self.file(&file_of(request.name())));
    }

    /// Takes all requests away: they were meant for a process that has ended.
    pub(super) fn forget_requests(&self) {
        for name in FILES {
            let _ = fs::remove_file(self.file(&file_of(name)));
            let _ = fs::remove_file(self.file(&refusal_of(name)));
        }
    }
}

/// Heeds what is asked of a search, for as long as it runs. `check` says whether caps can be kept.
pub(super) async fn heed(
    dir: RunDir,
    control: Control,
    check: impl Fn(Caps) -> Result<(), String>,
) {
    let mut unread = 0;
    loop {
        for name in FILES {
            let path = dir.file(&file_of(name));
            // A pipe in its place would never end.
            let Ok(text) = crate::source::read_text(&path) else { continue };
            let request = match name {
                // It may be made by hand: its name says all.
                "stop" => Ok(Request::Stop),
                "pause" => Ok(Request::Pause),
                "continue" => Ok(Request::Continue),
                _ => serde_json::from_str(&text),
            };
            if let Ok(Request::Stop) = request {
                // The search may end before this does.
                let _ = fs::remove_file(&path);
            }
            let done = match request {
                Ok(request) => carry_out(&control, request, &check).await,
                // It may be half written.
                Err(_) if unread < LOOKS => {
                    unread += 1;
                    continue;
                }
                Err(error) => Err(format!("the file control/{name} is malformed: {error}")),
            };
            unread = 0;
            if let Err(why) = done {
                let refused = dir.write(&refusal_of(name), why.as_bytes());
                let _ = refused.inspect_err(|error| tracing::warn!(%error, "a refusal is lost"));
            }
            // Last: who asked waits for it.
            let _ = fs::remove_file(path);
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn carry_out(
    control: &Control,
    request: Request,
    check: &impl Fn(Caps) -> Result<(), String>,
) -> Result<(), String> {
    let change = async |change| control.change(change).await.map_err(|NotChanged(why)| why);
    match request {
        Request::Stop => {
            control.stop();
            Ok(())
        }
        Request::Pause => change(Change::Pause).await,
        Request::Continue => change(Change::GoOn).await,
        Request::Set { caps, concurrency } => {
            if !caps.is_empty() {
                check(caps)?;
                change(Change::Caps(caps)).await?;
            }
            match concurrency {
                Some(most) => change(Change::Concurrency(most)).await,
                None => Ok(()),
            }
        }
    }
}
