//! How runs are named on the command line, and the arguments of the commands that look at several of
//! them, or at one of another process.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// The folder that holds the runs.
#[derive(Debug, Args)]
pub(crate) struct RunsDir {
    /// Folder that holds the runs
    #[arg(long, default_value = "results", value_name = "DIR", global = true)]
    pub out: PathBuf,
}

/// A run.
#[derive(Debug, Args)]
pub(crate) struct RunRef {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// List only the runs of this task: its name, its folder, or its task.toml
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// List only runs that were started since then: a date such as 2026-01-31, or a duration such as 7d
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// List only the best run of each task: a confirmed one, then the one with the best held-out score
    #[arg(long)]
    pub best: bool,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Runs: folders, names, unique prefixes of names, or `latest`
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A run (its best prompt), RUN:CANDIDATE, a prompt file, or REV:path of git
    pub a: String,
    /// The same
    pub b: String,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `view`.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// Show all runs of the folder, and any of them side by side
    #[arg(long)]
    pub all: bool,
    /// Port on this machine [default: a free one]
    #[arg(long, default_value_t = 0, value_name = "PORT", hide_default_value = true)]
    pub port: u16,
}

/// `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// The least time between two lines
    #[arg(long, default_value = "10s", value_name = "DURATION")]
    pub every: String,
}

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalSplit {
    /// Rows shown to mutators
    Train,
    /// Rows that select candidates
    Dev,
    /// Held-out rows, which confirm the winner
    Hold,
    /// All rows
    All,
}
