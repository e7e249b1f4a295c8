//! Arguments of the commands before a run: a new task, a preview, recipes, simulated models.

use super::cap_args::{CapArgs, at_least_one};
use super::run_args::RunsDir;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Folder of the new task
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// File to create the task from: CSV, TSV, JSON, JSON Lines, or promptfooconfig.yaml
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Column that the model is shown; a path for nested JSON, for example messages[-1].content
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub input: Option<String>,
    /// Column with the right answer; a path for nested JSON, for example row.label
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub answer: Option<String>,
    /// Column with a unique id of the row
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub id: Option<String>,
    /// Column that explains the answer to the mutator
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub feedback: Option<String>,
}

/// The strategy.
#[derive(Debug, Args)]
pub(crate) struct StrategyArgs {
    /// Name of a strategy, or a recipe file
    #[arg(long, default_value = "auto", value_name = "S")]
    pub strategy: String,
    /// Set a key of the recipe, for example evaluate.block=16 (repeatable)
    #[arg(long = "set", value_name = "K=V")]
    pub sets: Vec<String>,
}

/// `plan` and `doctor`: a run that is looked at before it begins.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Task folder, or its task.toml
    pub task: PathBuf,
    #[command(flatten)]
    pub strategy: StrategyArgs,
    #[command(flatten)]
    pub out: RunsDir,
    #[command(flatten)]
    pub caps: CapArgs,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
}

/// `strategies`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StrategiesArgs {
    #[command(subcommand)]
    pub action: Option<StrategiesAction>,
    /// Name of a strategy, or a recipe file
    pub name: Option<String>,
    /// Set a key of the recipe, for example evaluate.block=16 (repeatable)
    #[arg(long = "set", value_name = "K=V")]
    pub sets: Vec<String>,
    /// Print only the recipe as TOML, with all defaults
    #[arg(long)]
    pub toml: bool,
}

/// Subcommands of `strategies`.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategiesAction {
    /// Write the meta-prompts to files for editing
    Eject(EjectArgs),
}

/// `strategies eject`.
#[derive(Debug, Args)]
pub(crate) struct EjectArgs {
    /// Folder to write the files to
    pub dir: PathBuf,
    /// Meta-prompts to write (default: all)
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Task whose rows the simulated models know; may be repeated
    #[arg(long, value_name = "TASK", required_unless_present = "recorded")]
    pub task: Vec<PathBuf>,
    /// Recorded prompts with their scores, which are played again in place of simulated models
    #[arg(long, value_name = "FILE", conflicts_with_all = ["task", "oracle"])]
    pub recorded: Option<PathBuf>,
    /// Write a task that asks this server into a new folder
    #[arg(long, value_name = "DIR", requires = "recorded", conflicts_with = "task")]
    pub write_task: Option<PathBuf>,
    /// Port to listen on; 0 chooses a free port and prints it
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
    /// Random seed of the simulated models
    #[arg(long, default_value_t = crate::sim::MODEL_SEED, value_name = "N")]
    pub model_seed: u64,
    /// Median latency in milliseconds
    #[arg(long, default_value_t = 0.0, value_name = "MS")]
    pub latency: f64,
    /// Median latency of the editor in milliseconds, where it is another one
    #[arg(long, value_name = "MS")]
    pub editor_latency: Option<f64>,
    /// Spread of the latency: standard deviation of its logarithm
    #[arg(long, default_value_t = 0.5, value_name = "X")]
    pub latency_sigma: f64,
    /// Share of requests answered with status 429 and a Retry-After header
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub throttle: f64,
    /// Value of the Retry-After header, in seconds
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub retry_after: u64,
    /// Requests that are answered in a minute; more of them get status 429
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rpm: Option<u32>,
    /// Tokens that are answered in a minute, of prompts and answers together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub tpm: Option<u32>,
    /// Send no headers that say what is left of them
    #[arg(long)]
    pub hide_rates: bool,
    /// How long a batch takes, for example 30s
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    pub batch_wait: String,
    /// Share of the requests of a batch that expire
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub batch_expire: f64,
    /// Share of requests answered with status 500
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub error: f64,
    /// Share of requests answered with status 503
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub unavailable: f64,
    /// Share of requests that are never answered
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub hang: f64,
    /// Share of answers with a truncated body
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub truncate: f64,
    /// Share of answers with empty text
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub empty: f64,
    /// Random seed of the faults
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub fault_seed: u64,
    /// Reject requests that do not carry this key
    #[arg(long, value_name = "KEY")]
    pub require_key: Option<String>,
    /// Write one line per request to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Print the true quality of the prompt in this file, without starting the server
    #[arg(long, value_name = "FILE")]
    pub oracle: Option<PathBuf>,
}
