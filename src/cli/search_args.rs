//! Arguments of the commands that search and confirm, or change a run that does.

use super::cap_args::{CapArgs, SpendingArgs, at_least_one, share, whole_number};
use super::run_args::{RunRef, RunsDir};
use super::task_args::StrategyArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Task folder, or its task.toml; several are run one after the other, under one budget
    #[arg(required = true, num_args = 1..)]
    pub task: Vec<PathBuf>,
    #[command(flatten)]
    pub strategy: StrategyArgs,
    /// Random seed [default: the smallest that no run of this task in the results folder has]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Name of the run
    #[arg(long, value_name = "RUN")]
    pub name: Option<String>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Take over answers of these runs to the same requests; never of held-out rows, and no proposals. Of several
    /// tasks each takes those of its own runs; a night stands for its runs
    #[arg(long, value_name = "RUN", num_args = 1..)]
    pub reuse: Vec<String>,
    /// Start from the prompts of this run (its winner and its front); refused where a row that is held out now was
    /// one of train or dev for it. For several tasks: one run of each, or a night
    #[arg(long, value_name = "RUN", num_args = 1..)]
    pub warm: Vec<String>,
    /// Run in the background, and keep running after the terminal is closed
    #[arg(long)]
    pub detach: bool,
    /// Allow paid models when only time is capped
    #[arg(long)]
    pub yes: bool,
    /// Exit with 6 unless held-out rows confirm the goal of each task
    #[arg(long, conflicts_with = "detach")]
    pub require_improvement: bool,
    /// Exit with 6, before anything is asked, unless the judge of each task is certified against people
    #[arg(long)]
    pub require_certified: bool,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// What of a task counts for a run that is resumed.
const RESUMED: &str = "\
Caps: a flag replaces the run's cap of the same unit, from now on, higher or lower; the caps of the task file are not \
read again. A cap must be above what is spent. A finished run goes on where a cap ended it and that cap is higher: \
its search continues, and its winner is confirmed again on the held-out rows, where the claim is tested at a stricter \
level because the rows were looked at before. What it had shown stays in its journal and is told.

What of the task file counts for a run that is resumed:

Read afresh: [notify], api_key, api_key_header, ca_file, concurrency, rpm, tpm, timeout, patience, loading; execution, \
batch_wait and hedge of its models; the proxy, from the environment.

Refused when it has changed, unless --accept-changed-provider is given: kind, base_url, headers, query and body.

Frozen, so that a change has no effect: all else (the prompt, scores, goal, models, prices, temperature, …). Rows and \
programs must be the same.";

/// `resume`.
#[derive(Debug, Args)]
#[command(after_long_help = RESUMED)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub run: RunRef,
    #[command(flatten)]
    pub caps: CapArgs,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Resume in the background, and keep running after the terminal is closed
    #[arg(long)]
    pub detach: bool,
    /// Give up batches that their provider does not have any more: they count as paid
    #[arg(long)]
    pub abandon_batches: bool,
    /// Resume although the task's address, headers, query or body of a provider or model have changed
    #[arg(long)]
    pub accept_changed_provider: bool,
    /// Exit with 6 unless held-out rows confirm the goal of each task
    #[arg(long, conflicts_with = "detach")]
    pub require_improvement: bool,
}

/// What the exit codes of `migrate` mean.
const MIGRATED: &str = "\
Exit codes: 0 parity is shown of one new model at least. 6 all were measured, and parity is shown of none. 4 the bar or a \
new model was not measured, because of a provider's trouble or because nothing is left of the budget: `resume` goes on. \
130 interrupted: `resume` goes on.";

/// `migrate`.
#[derive(Debug, Args)]
#[command(after_long_help = MIGRATED)]
pub(crate) struct MigrateArgs {
    /// Task folder, or its task.toml
    pub task: PathBuf,
    /// The old model, as in task.toml: provider/model [default: the task's own]
    #[arg(long, value_name = "MODEL")]
    pub from: Option<String>,
    /// The new models, likewise
    #[arg(long, value_name = "MODEL", required = true, num_args = 1..)]
    pub to: Vec<String>,
    /// The prompt in force, in a file as `export` writes it [default: the task's own]
    #[arg(long, value_name = "FILE")]
    pub prompt: Option<PathBuf>,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long)]
    pub require_certified: bool,
    /// By how much a new model may be worse, as a score
    #[arg(long, value_name = "SCORE", default_value_t = 0.02, value_parser = share)]
    pub margin: f64,
    /// Start from the prompts of this run, too (its winner and its front); refused where a row that is held out now was
    /// one of train or dev for it
    #[arg(long, value_name = "RUN")]
    pub warm: Option<String>,
    #[command(flatten)]
    pub strategy: StrategyArgs,
    /// Random seed of each search [default: the smallest that no run of this task in the results folder has]
    #[arg(long, value_name = "N", value_parser = whole_number, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// Name of the migration
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Run in the background, and keep running after the terminal is closed
    #[arg(long)]
    pub detach: bool,
    /// Allow paid models when only time is capped
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// `confirm`.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    pub run: String,
    /// Candidates, up to five: the beginning of an id, or a number such as n7 (or '#7')
    #[arg(required = true, value_name = "CANDIDATE")]
    pub candidates: Vec<String>,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long)]
    pub require_certified: bool,
    #[command(flatten)]
    pub caps: CapArgs,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    /// Go on although the task's address, headers, query or body of a provider or model have changed
    #[arg(long)]
    pub accept_changed_provider: bool,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `ctl`.
#[derive(Debug, Args)]
pub(crate) struct CtlArgs {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    pub run: String,
    #[command(subcommand)]
    pub action: CtlAction,
    #[command(flatten)]
    pub out: RunsDir,
}

/// What a running run is told.
#[derive(Debug, Subcommand)]
pub(crate) enum CtlAction {
    /// Send nothing more until it is told to continue; answers in flight are taken
    Pause,
    /// Continue after a pause
    Continue,
    /// Stop it, as `stop` does: it can be resumed
    Stop,
    /// Change its caps or how much of it is out at a time, from now on
    Set(SetArgs),
}

/// `ctl set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    pub spending: SpendingArgs,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
}
