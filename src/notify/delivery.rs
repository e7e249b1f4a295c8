//! Tells one recipient: a program gets a message on its standard input, a server as the body of a request.

use super::message::Message;
use crate::program::{self, allowed_environment};
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

/// Runs a program with this input until it ends. It is killed with all that it started when this is dropped.
async fn run(
    spec: &CommandSpec,
    folder: &Path,
    environment: &[(OsString, OsString)],
    input: Vec<u8>,
) -> Result<(), String> {
    let environment = allowed_environment(environment.iter().cloned(), &spec.env);
    let (mut child, mut group) = program::start(&spec.argv, folder, &environment, Stdio::null)
        .map_err(|error| format!("it cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program may end without reading.
        let _ = stdin.write_all(&input).await;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.release();
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_is_late_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 300 & echo $! > part; mv part child; wait";
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let path = std::env::var_os("PATH").unwrap();
        let environment = vec![("PATH".into(), path)];
        let spec = CommandSpec { argv, timeout: Duration::from_secs(60), env: Vec::new() };
        let told = run(&spec, folder.path(), &environment, b"{}".to_vec());
        let child = async {
            loop {
                if let Ok(child) = std::fs::read_to_string(folder.path().join("child")) {
                    return child;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // It is dropped here, as at its time limit.
        let child = tokio::select! {
            _ = told => panic!("it ended"),
            child = child => child,
        };
        // One that is dead may wait for its parent to look at it.
        let stat = format!("/proc/{}/stat", child.trim());
        let is_alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        for _ in 0..500 {
            if !is_alive() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("its child is still there");
    }
}
