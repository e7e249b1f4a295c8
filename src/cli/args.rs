//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A search engine for prompts: proposes changes, evaluates them on data, spends where the next
/// call says most, confirms the winner on rows it never saw, and never loses paid work.
#[derive(Debug, Parser)]
#[command(name = "promptsearch", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print JSON on stdout, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new task, or one from a file of rows (CSV, TSV, JSON, JSON Lines)
    Init(InitArgs),
    /// Say, offline, what a run would do: splits, what the data can show, calls, tokens, dollars
    Plan(PlanArgs),
    /// Search for a better prompt
    Run(RunArgs),
    /// Go on with a run after an interruption
    Resume(ResumeArgs),
    /// Say how a run stands
    Status(RunRef),
    /// Write a run's report
    Report(ReportArgs),
    /// Tell one candidate: why it was written, what changed, what happened to it
    Explain(ExplainArgs),
    /// Print a run's journal as JSON Lines
    Journal(RunRef),
    /// Score a prompt, or answers that a model gave earlier, on a task's rows
    Eval(EvalArgs),
    /// Commit a run's prompt to a git repository
    Export(ExportArgs),
    /// List the strategies, explain one, or write their meta-prompts as files
    Strategies(StrategiesArgs),
    /// Serve the simulated models over HTTP, as an OpenAI-compatible server
    Simulate(SimulateArgs),
}

/// Where runs lie.
#[derive(Debug, Args)]
pub(crate) struct Out {
    /// The folder of runs
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub out: PathBuf,
}

/// A run.
#[derive(Debug, Args)]
pub(crate) struct RunRef {
    /// A folder, a name, a unique prefix, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    #[command(flatten)]
    pub out: Out,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A folder, a name, a unique prefix, or `latest`
    pub run: String,
    /// The beginning of an id, `seed`, `best`, a number such as n7 (or '#7'), or a proposal such
    /// as p12
    pub candidate: String,
    #[command(flatten)]
    pub out: Out,
}

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The new task's folder
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Rows to make the task from
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Caps on the command line.
#[derive(Debug, Default, Args)]
pub(crate) struct CapArgs {
    /// Spend at most so many dollars, over all roles
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub max_usd: Option<f64>,
    /// Make at most so many calls, over all roles
    #[arg(long, value_name = "N")]
    pub max_calls: Option<u64>,
    /// Use at most so many tokens, over all roles
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// Ask for at most so many proposals
    #[arg(long, value_name = "N")]
    pub max_proposals: Option<u64>,
    /// Run for at most so long, such as 8h
    #[arg(long = "for", value_name = "DURATION")]
    pub wall: Option<String>,
    /// Be done by then: 07:00, or 2026-01-31T07:00
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// Which strategy.
#[derive(Debug, Args)]
pub(crate) struct StrategyArgs {
    /// A strategy's name, or a file with a recipe
    #[arg(long, default_value = "auto", value_name = "S")]
    pub strategy: String,
    /// Change a key of the recipe, such as evaluate.block=16
    #[arg(long = "set", value_name = "K=V")]
    pub sets: Vec<String>,
}

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// A folder, or its task.toml
    pub task: PathBuf,
    #[command(flatten)]
    pub strategy: StrategyArgs,
    #[command(flatten)]
    pub caps: CapArgs,
    /// Requests at a time, over all providers
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A folder, or its task.toml
    pub task: PathBuf,
    #[command(flatten)]
    pub strategy: StrategyArgs,
    /// What the run's randomness comes from
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// The run's name
    #[arg(long, value_name = "RUN")]
    pub name: Option<String>,
    #[command(flatten)]
    pub out: Out,
    /// Requests at a time, over all providers
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
    /// Go on in the background, also when this terminal is closed
    #[arg(long)]
    pub detach: bool,
    /// Spend on paid models although only the time is limited
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// `resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// Requests at a time, over all providers
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
}

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page of its own, with plots
    Html,
    /// Markdown
    Md,
    /// The summary
    Json,
    /// A line for each candidate
    Csv,
}

/// `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// The format
    #[arg(long, value_enum, default_value = "html")]
    pub format: ReportFormat,
    /// Where to write it; `-` is stdout (html: report.html in the run's folder, else stdout)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Rows for `eval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalSplit {
    /// Rows shown to mutators
    Train,
    /// Rows that select
    Dev,
    /// Held-out rows
    Hold,
    /// All rows
    All,
}

/// `eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// A folder, or its task.toml
    pub task: PathBuf,
    /// A prompt as `export` writes it, or plain text for the one searched part
    #[arg(long, value_name = "FILE", conflicts_with = "answers")]
    pub prompt: Option<PathBuf>,
    /// Which rows; dev, and all for recorded answers
    #[arg(long, value_enum)]
    pub split: Option<EvalSplit>,
    /// Answers that a model gave earlier: no call is made
    #[arg(long, value_name = "FILE", requires = "column")]
    pub answers: Option<PathBuf>,
    /// The column of the answers; may be given more than once
    #[arg(long, value_name = "NAME", requires = "answers")]
    pub column: Vec<String>,
    #[command(flatten)]
    pub out: Out,
    /// Requests at a time, over all providers
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
}

/// A prompt file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Markdown with front matter
    Md,
    /// Chat messages, OpenAI-shaped
    Json,
}

/// `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// The git repository
    #[arg(long, value_name = "REPO")]
    pub to: PathBuf,
    /// The file in the repository
    #[arg(long, value_name = "FILE")]
    pub path: String,
    /// The format
    #[arg(long, value_enum, default_value = "md")]
    pub format: ExportFormat,
    /// The branch; promptsearch/TASK where none is given
    #[arg(long, value_name = "B")]
    pub branch: Option<String>,
    /// Push the branch to `origin`
    #[arg(long)]
    pub push: bool,
    /// Export this candidate, whatever was confirmed
    #[arg(long, value_name = "ID", conflicts_with = "accept_unconfirmed")]
    pub candidate: Option<String>,
    /// Export the search's winner although nothing confirms it
    #[arg(long)]
    pub accept_unconfirmed: bool,
}

/// `strategies`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct StrategiesArgs {
    #[command(subcommand)]
    pub action: Option<StrategiesAction>,
    /// A strategy's name, or a file with a recipe
    pub name: Option<String>,
    /// Change a key of the recipe, such as evaluate.block=16
    #[arg(long = "set", value_name = "K=V")]
    pub sets: Vec<String>,
    /// Print the recipe with every default as TOML, and explain nothing
    #[arg(long)]
    pub toml: bool,
}

/// What else `strategies` does.
#[derive(Debug, Subcommand)]
pub(crate) enum StrategiesAction {
    /// Write the meta-prompts as files, to change them
    Eject(EjectArgs),
}

/// `strategies eject`.
#[derive(Debug, Args)]
pub(crate) struct EjectArgs {
    /// The folder that they are written to
    pub dir: PathBuf,
    /// Which of them; all where none is named
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
}

/// `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// The task whose rows the simulated models know
    #[arg(long, value_name = "TASK")]
    pub task: PathBuf,
    /// The port; 0 takes a free one and prints it
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
    /// Seed of the simulated models
    #[arg(long, default_value_t = crate::llm::sim::MODEL_SEED, value_name = "N")]
    pub model_seed: u64,
    /// Median latency in milliseconds
    #[arg(long, default_value_t = 0.0, value_name = "MS")]
    pub latency: f64,
    /// Spread of the latency (sigma of its logarithm)
    #[arg(long, default_value_t = 0.5, value_name = "X")]
    pub latency_sigma: f64,
    /// Share of requests answered 429, with Retry-After
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub throttle: f64,
    /// What Retry-After says, in seconds
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub retry_after: u64,
    /// Share of requests answered 500
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub error: f64,
    /// Share of requests that are never answered
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub hang: f64,
    /// Share of answers whose body breaks off
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub truncate: f64,
    /// Share of answers without a text
    #[arg(long, default_value_t = 0.0, value_name = "P")]
    pub empty: f64,
    /// Seed of the faults
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub fault_seed: u64,
    /// Refuse requests without this key
    #[arg(long, value_name = "KEY")]
    pub require_key: Option<String>,
    /// Write a line for each request to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Print the true quality of a prompt, and serve nothing
    #[arg(long, value_name = "FILE")]
    pub oracle: Option<PathBuf>,
}
