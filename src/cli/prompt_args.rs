//! Arguments of the commands about one prompt and its file: measured, exported, verified.

use super::cap_args::{CapArgs, at_least_one, chance, dollars, not_negative, share, whole_number};
use super::run_args::{EvalSplit, RunRef, RunsDir};
use crate::units::Usd;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Task folder, or its task.toml
    pub task: PathBuf,
    /// Prompt file as written by `export`, or plain text if the task has one searched part
    #[arg(long, value_name = "FILE", conflicts_with = "answers")]
    pub prompt: Option<PathBuf>,
    /// Rows to score (default: dev; all for recorded answers)
    #[arg(long, value_enum)]
    pub split: Option<EvalSplit>,
    /// File of recorded answers to score; no model is called
    #[arg(long, value_name = "FILE", requires = "column")]
    pub answers: Option<PathBuf>,
    /// Column that holds the answers, or a path such as choices[0].message.content (repeatable)
    #[arg(long, value_name = "NAME", requires = "answers")]
    pub column: Vec<String>,
    /// Column or path that holds the id of the row (default: the id column of the task)
    #[arg(long, value_name = "NAME", requires = "answers")]
    pub id: Option<String>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long, conflicts_with = "answers")]
    pub require_certified: bool,
    /// Exit with 6 if the mean score is lower, for example 0.85
    #[arg(long, value_name = "SCORE", value_parser = share, conflicts_with = "answers")]
    pub min_quality: Option<f64>,
    /// Exit with 6 if 1,000 calls cost more dollars
    #[arg(long, value_name = "USD", value_parser = not_negative, conflicts_with = "answers")]
    pub max_usd_per_1k: Option<f64>,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Exported prompt (Markdown; with `--offline` any format), with its evidence file beside it
    pub file: PathBuf,
    /// Task folder, or its task.toml (default: the one that the evidence names)
    #[arg(long, value_name = "TASK")]
    pub task: Option<PathBuf>,
    /// By how much the prompt may be worse than its record, as a score
    #[arg(long, value_name = "SCORE", default_value_t = 0.02, value_parser = share)]
    pub tolerance: f64,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long)]
    pub require_certified: bool,
    /// Exit with 6 also where the rows do not show that it holds
    #[arg(long)]
    pub fail_if_inconclusive: bool,
    /// Ask no model: check only that prompt and evidence are as they were exported
    #[arg(long, conflicts_with_all = ["task", "tolerance", "fail_if_inconclusive", "concurrency"])]
    pub offline: bool,
    /// Write the result in JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Append the result as Markdown to this file
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// `monitor`.
#[derive(Debug, Args)]
pub(crate) struct MonitorArgs {
    /// Exported prompt (Markdown), with its evidence file beside it
    pub file: PathBuf,
    /// The interval between two checks, from the beginning of one to that of the next
    #[arg(long, default_value = "1d", value_name = "DURATION")]
    pub every: String,
    /// Make one check now and end, for cron
    #[arg(long)]
    pub once: bool,
    /// Go on after an alarm, until the program is told to end
    #[arg(long, conflicts_with = "once")]
    pub keep_going: bool,
    /// Show the checks so far; nothing is asked
    #[arg(long, conflicts_with_all = ["once", "keep_going", "prometheus"])]
    pub history: bool,
    /// Task folder, or its task.toml (default: the one that the evidence names)
    #[arg(long, value_name = "TASK")]
    pub task: Option<PathBuf>,
    /// By how much the prompt may be worse than its record, as a score
    #[arg(long, value_name = "SCORE", default_value_t = 0.02, value_parser = share)]
    pub tolerance: f64,
    /// The chance of any false alarm within a year of checks
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = chance)]
    pub false_alarms: f64,
    /// Ask the prompt alone: half the cost, and a change of the model is not told from a worse prompt
    #[arg(long)]
    pub no_canary: bool,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long)]
    pub require_certified: bool,
    /// Write the last check to this file, in Prometheus' text format
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<PathBuf>,
    /// Spend at most X dollars over all checks of this prompt
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = dollars)]
    pub max_total_usd: Option<Usd>,
    /// Make at most N calls over all checks of this prompt
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub max_total_calls: Option<u64>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// A prompt file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Markdown with front matter
    Md,
    /// Chat messages in OpenAI's format
    Json,
    /// The text alone, of a prompt with one searched part
    Text,
    /// Constants for Rust
    Rust,
    /// Constants for Python
    Python,
    /// Constants for TypeScript
    #[value(alias = "ts")]
    Typescript,
    /// A configuration of promptfoo: the prompt, and tests on dev rows (YAML)
    Promptfoo,
    /// Dotprompt: front matter and Handlebars (`.prompt`)
    Dotprompt,
    /// The state of a DSPy predictor (JSON)
    Dspy,
    /// The body of the request that creates a prompt in Langfuse (JSON)
    Langfuse,
    /// The manifest of a chat prompt for LangSmith and LangChain (JSON)
    Langsmith,
}

/// `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// Git repository to commit to
    #[arg(long, value_name = "REPO")]
    pub to: PathBuf,
    /// Path of the file in the repository
    #[arg(long, value_name = "FILE")]
    pub path: String,
    /// Format of the file
    #[arg(long, value_enum, default_value = "md")]
    pub format: ExportFormat,
    /// Branch to commit to (default: promptsearch/TASK)
    #[arg(long, value_name = "B")]
    pub branch: Option<String>,
    /// Push the branch to `origin`
    #[arg(long)]
    pub push: bool,
    /// Export this candidate, confirmed or not
    #[arg(long, value_name = "ID", conflicts_with = "accept_unconfirmed")]
    pub candidate: Option<String>,
    /// Export the search's winner even if it is not confirmed
    #[arg(long)]
    pub accept_unconfirmed: bool,
    /// Export a prompt that guards have flagged: copied rows, named answers, answers that only please the scorer, smuggled text
    #[arg(long)]
    pub accept_flagged: bool,
    /// Print the body of a pull request (Markdown): what changed, the evidence, caveats
    #[arg(long)]
    pub pr_body: bool,
}

/// `log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Exported prompt
    pub file: PathBuf,
    /// Branch, or another revision, whose commits are shown (default: HEAD)
    #[arg(long, value_name = "B")]
    pub branch: Option<String>,
}

/// `rollback`.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Exported prompt
    pub file: PathBuf,
    /// Go back to this commit, or tag (default: the version before the present text)
    #[arg(long, value_name = "REV")]
    pub to: Option<String>,
    /// Branch to commit to (default: promptsearch/TASK)
    #[arg(long, value_name = "B")]
    pub branch: Option<String>,
    /// Push the branch to `origin`
    #[arg(long)]
    pub push: bool,
}
