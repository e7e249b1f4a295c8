//! Runs a user's program: starts its processes on demand, asks each with one line, reuses them, and ends all of
//! them.
//!
//! What the lines say is not known here: a scorer's are in `evaluate`, a target's in `provider`, an operator's in
//! `operator`.
//!
//! It is not a sandbox: the program has the user's permissions. The run is protected: every reply
//! has a deadline, a program that hangs or forks is killed with all its children, and an invalid
//! reply is an error. The program may keep reading until its input ends, or exit after one line. Its standard error is
//! shown if it fails.

mod group;
mod tail;
mod process;
mod interpreter;
#[cfg(unix)]
#[cfg(test)]
mod tests;

use crate::text;
use group::{Mark, ProcessGroup};
pub(crate) use interpreter::Interpreter;
use process::{Failure, LONGEST_REPLY, Process};
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tail::TIME_TO_EXIT;
use tokio::process::Child;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The default number of processes; scoring is rarely the bottleneck.
const DEFAULT_PROCESSES: usize = 16;

/// A longer deadline is treated as none; it could not be added to a time.
const LONGEST_LIMIT: Duration = Duration::from_secs(365 * 86_400);

/// Environment variables that every program needs.
const NEEDED_VARIABLES: &[&str] = &["PATH", "HOME", "LANG", "TMPDIR"];

/// Why a program gave no valid reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot start `{program}`: {message}")]
    Start {
        /// The program's name.
        program: String,
        /// Whether it cannot be started later either, until people do something.
        is_lasting: bool,
        /// The system's message.
        message: String,
    },
    /// It did not reply in time.
    #[error("no reply within {}{}", text::duration(*limit), shown(stderr))]
    Deadline {
        /// The time limit for one reply.
        limit: Duration,
        /// The end of its standard error.
        stderr: String,
    },
    /// It ended without a reply.
    #[error("ended without a reply ({status}){}", shown(stderr))]
    Exited {
        /// Its exit status.
        status: String,
        /// The end of its standard error.
        stderr: String,
    },
    /// Its reply is invalid.
    #[error("{message}; its reply was `{excerpt}`{}", shown(stderr))]
    Malformed {
        /// What is wrong with the reply.
        message: String,
        /// The beginning of the reply.
        excerpt: String,
        /// The end of its standard error.
        stderr: String,
    },
}

fn shown(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        stderr => format!("; its standard error: {stderr}"),
    }
}

/// A question as one line of JSON.
pub(crate) fn line_of(question: &impl Serialize) -> Vec<u8> {
    // Texts, numbers and JSON values can always be encoded.
    let mut line = serde_json::to_vec(question).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Where a program runs, and the environment of which it gets what is listed.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The whole environment.
    pub environment: &'a [(OsString, OsString)],
}

/// The variables that every program needs, and those that the task lists.
pub fn allowed_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    listed: &[String],
) -> Vec<(OsString, OsString)> {
    let is_allowed = |name: &OsStr| {
        let listed = listed.iter().map(String::as_str);
        NEEDED_VARIABLES.iter().copied().chain(listed).any(|allowed| name == allowed)
    };
    environment.into_iter().filter(|(name, _)| is_allowed(name)).collect()
}

/// The processes of one program. All of them are killed when it is dropped.
#[derive(Debug)]
pub struct CommandPool {
    argv: Vec<String>,
    working_dir: PathBuf,
    limit: Duration,
    environment: Vec<(OsString, OsString)>,
    places: Semaphore,
    idle: Mutex<Vec<Process>>,
}

impl CommandPool {
    /// A pool without processes yet. Its processes see only `environment`, made by
    /// [`allowed_environment`].
    #[must_use]
    pub fn new(
        argv: Vec<String>,
        working_dir: &Path,
        limit: Duration,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        Self {
            argv,
            // The system resolves a relative program path after it has changed the folder.
            working_dir: std::path::absolute(working_dir).unwrap_or_else(|_| working_dir.into()),
            limit: limit.min(LONGEST_LIMIT),
            environment,
            places: Semaphore::new(DEFAULT_PROCESSES),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// At most this many processes at once.
    #[must_use]
    pub fn at_most(mut self, processes: usize) -> Self {
        self.places = Semaphore::new(processes.clamp(1, Semaphore::MAX_PERMITS));
        self
    }

    /// Sends one line and reads the reply. Waiting for a free process does not count against the
    /// deadline; starting one does.
    ///
    /// # Errors
    /// No reply in time, or one that `read` rejects.
    pub async fn ask<T>(
        &self,
        line: &[u8],
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        // The semaphore is never closed, so this cannot fail.
        let _place = self.places.acquire().await;
        let deadline = Instant::now() + self.limit;
        if let Some(mut process) = self.idle_process() {
            match process.ask_again(line, deadline).await {
                // A process may exit after a reply.
                Err(Failure::Ended { began: false }) => drop(process),
                said => return self.conclude(process, said, read).await,
            }
        }
        let mut process = self.start()?;
        let said = process.ask(line, deadline).await;
        self.conclude(process, said, read).await
    }

    fn idle_process(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a process for the next line if it behaved correctly, and ends it otherwise.
    async fn conclude<T>(
        &self,
        process: Process,
        said: Result<Vec<u8>, Failure>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, CommandError> {
        let (message, excerpt) = match said {
            Ok(reply) => match read(&reply) {
                Ok(value) => {
                    if process.can_be_reused() {
                        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
                    }
                    return Ok(value);
                }
                Err(message) => (message, reply),
            },
            Err(Failure::Late) => {
                let (_, stderr) = process.end(Duration::ZERO).await;
                return Err(CommandError::Deadline { limit: self.limit, stderr });
            }
            Err(Failure::Ended { .. }) => {
                let (status, stderr) = process.end(TIME_TO_EXIT).await;
                return Err(CommandError::Exited { status, stderr });
            }
            Err(Failure::Unasked(output)) => {
                ("more than one line for one answer".to_owned(), output)
            }
            Err(Failure::Endless(reply)) => (
                format!("a line longer than {} bytes", text::thousands(LONGEST_REPLY as u64)),
                reply,
            ),
        };
        let (_, stderr) = process.end(Duration::ZERO).await;
        let beginning = &excerpt[..excerpt.len().min(1_000)];
        let excerpt = text::shorten(&String::from_utf8_lossy(beginning), 200);
        Err(CommandError::Malformed { message, excerpt, stderr })
    }

    fn start(&self) -> Result<Process, CommandError> {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        let failed = |is_lasting: bool, message: String| CommandError::Start {
            program: program.to_owned(),
            is_lasting,
            message,
        };
        let is_lasting =
            |kind: ErrorKind| matches!(kind, ErrorKind::NotFound | ErrorKind::PermissionDenied);
        let (child, group) = start(&self.argv, &self.working_dir, &self.environment, Stdio::piped)
            .map_err(|error| failed(is_lasting(error.kind()), error.to_string()))?;
        Process::new(child, group)
            .ok_or_else(|| failed(false, "its streams are missing".to_owned()))
    }
}

/// Starts a program in this folder, with this environment and no more, and with an input to write to. All that it
/// starts is killed when the group is dropped: drop it before the child, whose number may be given anew after that.
pub(crate) fn start(
    argv: &[String],
    folder: &Path,
    environment: &[(OsString, OsString)],
    output: fn() -> Stdio,
) -> std::io::Result<(Child, ProcessGroup)> {
    let program = argv.first().map(String::as_str).unwrap_or_default();
    // Systems differ in whether a relative path is resolved before or after changing the folder.
    let path = match Path::new(program) {
        path if path.is_relative() && path.components().count() > 1 => folder.join(path),
        path => path.to_owned(),
    };
    let mark = Mark::new();
    let mut command = tokio::process::Command::new(path);
    command
        .args(argv.iter().skip(1))
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env(Mark::VARIABLE, &mark.0)
        .stdin(Stdio::piped())
        .stdout(output())
        .stderr(output())
        .kill_on_drop(true);
    // A Ctrl-C in the terminal is meant for the run.
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn()?;
    let group = ProcessGroup { leader: child.id(), mark };
    Ok((child, group))
}
