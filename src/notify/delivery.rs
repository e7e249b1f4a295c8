//! Tells one recipient: a program gets a message on its standard input, a server as the body of a request.

use super::message::Message;
use crate::evaluate::command::allowed_environment;
use crate::provider::webhook;
use crate::task::scorer::CommandSpec;
use crate::text;
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Who is told.
pub enum Recipient {
    /// A program of the user's.
    Program {
        /// Its words, its time limit, and the variables that it gets.
        spec: CommandSpec,
        /// Where it runs.
        folder: PathBuf,
        /// The environment of this process.
        environment: Vec<(OsString, OsString)>,
    },
    /// A server.
    Webhook {
        /// Its address.
        address: SecretString,
        /// Its time limit.
        timeout: Duration,
    },
}

impl Recipient {
    /// Tells it.
    pub(super) async fn tell(&self, message: &Message) -> Result<(), String> {
        match self {
            Self::Program { spec, folder, environment } => {
                let program = spec.argv.first().map_or("", String::as_str);
                let told = tokio::time::timeout(
                    spec.timeout,
                    run(spec, folder, environment, message.json()),
                );
                match told.await {
                    Ok(ended) => ended.map_err(|why| format!("the program `{program}`: {why}")),
                    Err(_) => Err(format!(
                        "the program `{program}` did not end within {}",
                        text::duration(spec.timeout)
                    )),
                }
            }
            Self::Webhook { address, timeout } => {
                webhook::post(address.expose_secret(), message.json(), *timeout)
                    .await
                    .map_err(|why| format!("the webhook: {why}"))
            }
        }
    }
}

/// Runs a program with this input until it ends. It is killed when this is dropped.
async fn run(
    spec: &CommandSpec,
    folder: &Path,
    environment: &[(OsString, OsString)],
    input: Vec<u8>,
) -> Result<(), String> {
    let program = spec.argv.first().map(String::as_str).unwrap_or_default();
    // Systems differ in whether a relative path is resolved before or after changing the folder.
    let path = match Path::new(program) {
        path if path.is_relative() && path.components().count() > 1 => folder.join(path),
        path => path.to_owned(),
    };
    let mut command = tokio::process::Command::new(path);
    command
        .args(spec.argv.iter().skip(1))
        .current_dir(folder)
        .env_clear()
        .envs(allowed_environment(environment.iter().cloned(), &spec.env))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // A Ctrl-C in the terminal is meant for the run.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program may end without reading.
        let _ = stdin.write_all(&input).await;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
}
