//! Runs the text of a program that a model wrote with an interpreter, once, and shut in.
//!
//! On Linux with the programs of util-linux (`unshare`, `mount`, `prlimit`, `setpriv`) this holds: it runs in its own
//! namespaces of users, mounts, processes and network, without any rights in them. All files are read-only but for an
//! empty `/tmp` and `/dev/shm` of 64 MB each; there is no network and no terminal; other processes are not seen; homes, `/run`
//! with its sockets, `/var/tmp`, the task's folder, those of its rows and the working folder are empty, unless the interpreter lies
//! in them. The time, and the memory and the
//! processor time of each process, are limited. At the end all its processes are killed. If any of this is not available,
//! nothing is run.
//!
//! It does not hold that many processes together use no more memory than one may, or, for root, that there are few of them.
//! Sockets that a service has elsewhere in the file system can be reached. A flaw of the kernel is a way out. It is for
//! code that is wrong, not for code of an enemy.

use super::tail::{TIME_TO_EXIT, Tail};
use super::{CommandError, start};
use crate::task::scorer::ProgramEnd;
use crate::text;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const SCRIPT: &str = include_str!("sandbox.sh");

/// What the script prints when everything holds, just before the program begins.
const READY: &[u8] = b"ready\n";

/// How long the sandbox may take to be made, beside the program's own time.
const TIME_TO_BEGIN: Duration = Duration::from_secs(20);

/// How many bytes of the end of a program's output are kept: what it prints when it ends comes after its last test.
const OUTPUT: usize = 64 * 1024;

/// Folders with sockets of the system's services, and of people's own files, wherever this user's are.
const OF_OTHERS: &[&str] = &["/run", "/var/tmp", "/home", "/root"];

/// What shuts a program in.
#[derive(Debug)]
struct Sandbox {
    memory_mb: u64,
    hidden: Vec<PathBuf>,
}

/// An interpreter that reads a program from its standard input.
#[derive(Debug)]
pub(crate) struct Interpreter {
    argv: Vec<String>,
    folder: PathBuf,
    environment: Vec<(OsString, OsString)>,
    limit: Duration,
    sandbox: Option<Sandbox>,
    places: Semaphore,
}

impl Interpreter {
    /// One that is started without a sandbox: its own command shuts programs in.
    pub(crate) fn new(
        argv: Vec<String>,
        folder: &Path,
        limit: Duration,
        environment: Vec<(OsString, OsString)>,
    ) -> Self {
        // A program that waits for a processor may run out of time although it is right.
        let places = std::thread::available_parallelism().map_or(1, usize::from);
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
        let places = Semaphore::new(places);
        Self { argv, folder, environment, limit, sandbox: None, places }
    }

    /// Shuts programs in, with this much memory for each process; `hidden` are further folders that they do not see.
    #[must_use]
    pub(crate) fn shut_in(mut self, memory_mb: u64, hidden: &[PathBuf]) -> Self {
        let variable = |name: &str| {
            let found = self.environment.iter().find(|(other, _)| other == OsStr::new(name));
            found.map(|(_, value)| value.clone())
        };
        let home = variable("HOME").map(PathBuf::from);
        let path = variable("PATH").unwrap_or_default();
        let word = self.argv.first().map(String::as_str).unwrap_or_default();
        let own = places_of(word, &self.folder, &path);
        let others = OF_OTHERS.iter().map(PathBuf::from).chain(hidden.iter().cloned());
        let hidden = [home, Some(self.folder.clone()), Some(PathBuf::from("."))];
        let hidden = hidden
            .into_iter()
            .flatten()
            .chain(others)
            .filter_map(|it| std::fs::canonicalize(it).ok());
        let needed = |hidden: &Path| own.iter().any(|own| own.starts_with(hidden));
        let mut hidden: Vec<PathBuf> = hidden.filter(|it| !needed(it)).collect();
        hidden.sort();
        hidden.dedup();
        self.sandbox = Some(Sandbox { memory_mb, hidden });
        self
    }

    /// Checks that programs can be run: a program that does nothing but print a line, such as `text`, does so.
    ///
    /// # Errors
    /// What is missing, in the words of the system.
    pub(crate) fn check(&self, text: &str, printed: &str) -> Result<(), String> {
        let Some(sandbox) = &self.sandbox else { return Ok(()) };
        let words = sandbox.words(self.limit, &self.own_words());
        let mut command = std::process::Command::new(&words[0]);
        command.args(&words[1..]).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let failed = |error: std::io::Error| format!("`{}`: {error}", words[0]);
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends without reading says why below.
            let _ = stdin.write_all(text.as_bytes());
        }
        let output = child.wait_with_output().map_err(failed)?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let is_made = output.stdout.starts_with(READY);
        let has_printed = String::from_utf8_lossy(&output.stdout).contains(printed);
        let program = self.program();
        match (is_made, output.status.success() && has_printed) {
            (true, true) => Ok(()),
            (true, false) => Err(format!(
                "`{program}` does not run an empty program there ({}){}: it may lie in a folder that is hidden, or need more than `memory_mb`",
                output.status,
                if said.is_empty() { String::new() } else { format!(": {}", text_of(&said)) }
            )),
            (false, _) if said.is_empty() => {
                Err(format!("`{}` failed ({})", words[0], output.status))
            }
            (false, _) => Err(said),
        }
    }

    /// The interpreter and its arguments, in a form that holds in any folder.
    fn own_words(&self) -> Vec<String> {
        let rest = self.argv.iter().skip(1).cloned();
        std::iter::once(self.program()).chain(rest).collect()
    }

    /// Runs a program until it ends, or its time is over.
    ///
    /// # Errors
    /// It could not be run: the sandbox or the interpreter is missing.
    pub(crate) async fn run(&self, program_text: &str) -> Result<ProgramEnd, CommandError> {
        // The semaphore is never closed, so this cannot fail.
        let _place = self.places.acquire().await;
        let words = match &self.sandbox {
            Some(sandbox) => sandbox.words(self.limit, &self.own_words()),
            None => self.argv.clone(),
        };
        let program = &self.argv[0];
        let failed = |is_lasting, message: String| CommandError::Start {
            program: program.clone(),
            is_lasting,
            message,
        };
        let (mut child, group) = start(&words, &self.folder, &self.environment, Stdio::piped)
            .map_err(|error| failed(true, error.to_string()))?;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(mut stdout), Some(stderr)) = streams else {
            return Err(failed(false, "its streams are missing".to_owned()));
        };
        let mut stderr = Tail::collect(stderr);
        if self.sandbox.is_some() {
            let mut first = [0; READY.len()];
            let begun = timeout(TIME_TO_BEGIN, stdout.read_exact(&mut first)).await;
            if !matches!(begun, Ok(Ok(_))) || first != READY {
                group.kill().await;
                let said = stderr.finish().await;
                return Err(failed(false, format!("its sandbox cannot be made: {said}")));
            }
        }
        let mut output = Tail::collect_last(OUTPUT, stdout);
        let ran = async {
            // It may end without reading all of its input.
            let write = async move {
                let _ = stdin.write_all(program_text.as_bytes()).await;
            };
            tokio::join!(write, child.wait()).1
        };
        let ended = timeout(self.limit, ran).await;
        group.kill().await;
        drop(group);
        let _ = timeout(TIME_TO_EXIT, child.wait()).await;
        let (output, stderr) = (output.finish().await, stderr.finish().await);
        let status = match ended {
            Err(_) => None,
            Ok(Err(error)) => return Err(failed(false, error.to_string())),
            Ok(Ok(status)) => Some((status.success(), status.to_string())),
        };
        Ok(ProgramEnd { status, output, stderr })
    }

    /// The interpreter, in a form that holds in any folder.
    fn program(&self) -> String {
        match self.argv.first() {
            Some(word) if word.contains('/') => self.folder.join(word).display().to_string(),
            Some(word) => word.clone(),
            None => String::new(),
        }
    }
}

impl Sandbox {
    /// A program and all that shuts it in.
    fn words(&self, limit: Duration, program: &[String]) -> Vec<String> {
        let unshare = [
            "unshare",
            "--user",
            "--map-root-user",
            "--net",
            "--ipc",
            "--uts",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "--mount-proc",
            "--",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ];
        let limits = [(self.memory_mb << 20).to_string(), (limit.as_secs() + 1).to_string()];
        let hidden = self.hidden.iter().map(|it| it.display().to_string());
        let words = unshare.into_iter().map(str::to_owned).chain(limits).chain(hidden);
        words.chain(["--".to_owned()]).chain(program.iter().cloned()).collect()
    }
}

/// The end of what an interpreter says, on one line.
fn text_of(said: &str) -> String {
    let from = said.len().saturating_sub(300);
    text::one_line(&said[said.ceil_char_boundary(from)..])
}

/// Where an interpreter lies: by its name, and by what its links lead to.
fn places_of(word: &str, folder: &Path, path: &OsStr) -> Vec<PathBuf> {
    let file = match word.contains('/') {
        true => Some(folder.join(word)),
        false => {
            let folders = path.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes);
            folders.map(|it| Path::new(it).join(word)).find(|it| it.is_file())
        }
    };
    let Some(file) = file else { return Vec::new() };
    let link = file.parent().and_then(|it| std::fs::canonicalize(it).ok());
    link.into_iter().chain(std::fs::canonicalize(&file)).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
