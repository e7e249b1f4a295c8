//! The `git` program: how it is run, and what its output says.

use super::error::GitError;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// The `git` program, run in one folder.
pub(in crate::export) struct Git {
    pub(super) program: OsString,
    pub(super) folder: PathBuf,
    /// Environment variables that tests set or remove, as a user's shell might.
    #[cfg(test)]
    pub(super) environment: Vec<(&'static str, Option<OsString>)>,
}

/// Variables that would point git to another repository, index or branch, as they do within a hook.
/// Those with configuration (`GIT_CONFIG_…`) and identity are kept.
pub(super) const MISLEADING: [&str; 15] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    // These conflict with `--literal-pathspecs`.
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

impl Git {
    pub(super) fn new() -> Self {
        Self {
            program: "git".into(),
            folder: PathBuf::new(),
            #[cfg(test)]
            environment: Vec::new(),
        }
    }

    /// Git in a folder.
    pub(in crate::export) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::new() }
    }

    /// Runs a subcommand and returns its output, also if it fails.
    pub(super) fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Output, GitError> {
        let failed = |source: std::io::Error| {
            if source.kind() == ErrorKind::NotFound {
                return GitError::NoGit { program: self.program.to_string_lossy().into_owned() };
            }
            GitError::Io { command: subcommand(arguments), source }
        };
        let mut command = std::process::Command::new(&self.program);
        #[cfg(test)]
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        for name in MISLEADING {
            command.env_remove(name);
        }
        let mut child = command
            // Without this, reading the status of the work tree could rewrite the index.
            .env("GIT_OPTIONAL_LOCKS", "0")
            // There may be no user to answer a prompt.
            .env("GIT_TERMINAL_PROMPT", "0")
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .stdin(input.map_or_else(Stdio::null, |_| Stdio::piped()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input)
            && let Err(error) = pipe.write_all(input)
            // If git stops early, its own message is more useful than a broken pipe.
            && error.kind() != ErrorKind::BrokenPipe
        {
            // Without its input git exits by itself; its message would not help then.
            drop(pipe);
            let _ = child.wait();
            return Err(failed(error));
        }
        child.wait_with_output().map_err(failed)
    }

    /// The output of a subcommand that must succeed.
    pub(in crate::export) fn bytes(
        &self,
        arguments: &[&str],
        input: Option<&[u8]>,
    ) -> Result<Vec<u8>, GitError> {
        let output = self.run(arguments, input)?;
        if !output.status.success() {
            return Err(GitError::Failed {
                command: subcommand(arguments),
                message: complaint(&output),
            });
        }
        Ok(output.stdout)
    }

    /// The output line of a subcommand that must succeed.
    pub(super) fn line(
        &self,
        arguments: &[&str],
        input: Option<&[u8]>,
    ) -> Result<String, GitError> {
        let bytes = self.bytes(arguments, input)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The output line of a subcommand; `None` if it fails.
    pub(super) fn answer(&self, arguments: &[&str]) -> Result<Option<String>, GitError> {
        let output = self.run(arguments, None)?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !line.is_empty()).then_some(line))
    }
}

/// The subcommand among arguments that may begin with options for git itself.
fn subcommand(arguments: &[&str]) -> String {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "-c" => {
                rest.next();
            }
            option if option.starts_with('-') => {}
            name => return name.to_owned(),
        }
    }
    String::new()
}

/// Git's error message on one line.
pub(super) fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said
        .lines()
        .map(|line| {
            let line = line.trim();
            line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line)
        })
        .filter(|line| !line.is_empty() && !line.starts_with("hint: "))
        .collect();
    if lines.is_empty() {
        return output.status.to_string();
    }
    lines.join("; ")
}

/// Removes user names and passwords from web addresses, because they are often tokens.
pub(super) fn without_credentials(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("://") {
        let (scheme, after) = rest.split_at(found + "://".len());
        clean.push_str(scheme);
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"')
            .unwrap_or(after.len());
        let (authority, after) = after.split_at(end);
        let host_from = authority.rfind('@').map_or(0, |at| at + 1);
        // In `ssh://git@host` the user name is required and not secret.
        let has_secret = !scheme.ends_with("ssh://") || authority[..host_from].contains(':');
        clean.push_str(if has_secret { &authority[host_from..] } else { authority });
        rest = after;
    }
    clean.push_str(rest);
    clean
}
