//! The command line: commands, arguments and flags. No command is carried out here.

use super::cap_args::{at_least_one, dollars, whole_number};
use crate::task::example::VisibleSplit;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

pub(crate) use super::ab_args::{AbArgs, AssignArgs, CodeLanguage};
pub(crate) use super::cap_args::{CapArgs, SpendingArgs};
pub(crate) use super::run_args::{
    CompareArgs, DiffArgs, EvalSplit, ListArgs, RunRef, RunsDir, WatchArgs,
};

/// A search engine for prompts: proposes changes, evaluates them on data, spends calls where they
/// are most informative, confirms the winner on held-out rows, and never loses paid work.
#[derive(Debug, Parser)]
#[command(name = "promptsearch", version)]
pub(crate) struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Print only JSON to stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not show progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a task, from a template, from a data file (CSV, TSV, JSON, JSON Lines), or from a
    /// promptfoo configuration
    Init(InitArgs),
    /// Preview a run without calling a model: splits, detectable gain, calls, tokens, dollars
    Plan(PlanArgs),
    /// Check before a run, with one small call per role: models, keys, limits, prices, clock, disk, cost
    Doctor(DoctorArgs),
    /// Search for a better prompt
    Run(RunArgs),
    /// Resume an interrupted run or night, or search on with a finished run whose cap is raised
    Resume(ResumeArgs),
    /// Show the status of a run
    Status(RunRef),
    /// Print a line about a running run from time to time, until it ends
    Watch(WatchArgs),
    /// Stop a running run, as Ctrl-C in its terminal does: it can be resumed
    Stop(RunRef),
    /// Change a running run: pause it, continue it, stop it, set its caps
    Ctl(CtlArgs),
    /// List the runs of a results folder
    List(ListArgs),
    /// Compare runs: scores on common rows, prompts, spending, settings that differ
    Compare(CompareArgs),
    /// Show what differs between two prompts: of runs, candidates, files, or revisions
    Diff(DiffArgs),
    /// Write a run's report
    Report(ReportArgs),
    /// Explain one candidate: why it was written, what changed, what happened to it
    Explain(ExplainArgs),
    /// Compare candidates of a finished run with the baseline on held-out rows
    Confirm(ConfirmArgs),
    /// Move a prompt to other models: search for each, and prove parity with the old one on held-out rows
    Migrate(MigrateArgs),
    /// Show the rows that a prompt of a run was asked, with its answers, labels and slices
    Rows(RowsArgs),
    /// List the rows of a run that are worth a look: unsolved, disputed, broken, flipping, suspect answers; group failures
    Edge(EdgeArgs),
    /// Print a run's journal as JSON Lines
    Journal(RunRef),
    /// Score a prompt, or recorded answers, on a task's rows
    Eval(EvalArgs),
    /// Commit a run's prompt to a git repository
    Export(ExportArgs),
    /// List the versions of an exported prompt in its git repository, with their evidence
    Log(LogArgs),
    /// Commit an earlier version of an exported prompt, with its evidence
    Rollback(RollbackArgs),
    /// Ask an exported prompt its held-out rows again, and compare with its evidence (a gate: exit 6)
    Verify(VerifyArgs),
    /// Verify an exported prompt again and again: keeps a history, and tells a change of the model from a worse prompt
    /// (an alarm: exit 6)
    Monitor(MonitorArgs),
    /// Compare prompts on the same rows until it is decided, or by recorded answers (--answers); or analyse the log of an
    /// online test (--log)
    Ab(AbArgs),
    /// Print the arm of each unit of an online test, or the code that finds it
    Assign(AssignArgs),
    /// List the strategies, explain one, or write the meta-prompts to files
    Strategies(StrategiesArgs),
    /// Serve the simulated models over HTTP: OpenAI's chat completions and embeddings, Anthropic's messages, and
    /// the batches of both
    Simulate(SimulateArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Write man pages, one for each command
    Man(ManArgs),
    /// Print the JSON Schema of task.toml, for editors, or of what a command prints with `--json`
    Schema(SchemaArgs),
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write them to
    pub dir: PathBuf,
}

/// `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Command whose `--json` is described (`run`, `list`, …), or a file of a run (`summary.json`)
    #[arg(long, value_name = "COMMAND")]
    pub of: Option<String>,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    pub run: String,
    /// Candidate: the beginning of an id, `baseline`, `best`, or a number such as n7 (or '#7');
    /// or a proposal such as p12
    pub candidate: String,
    #[command(flatten)]
    pub out: RunsDir,
}

/// What `edge` lists.
#[derive(Debug, Args)]
pub(crate) struct EdgeArgs {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    /// The most rows of each list that are shown; `--json` has all
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `rows`.
#[derive(Debug, Args)]
pub(crate) struct RowsArgs {
    /// Run: a folder, a name, a unique prefix of a name, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    /// Candidate: the beginning of an id, `baseline`, `best`, or a number such as n7 (or '#7')
    #[arg(default_value = "best")]
    pub candidate: String,
    /// Only rows that are not wholly right
    #[arg(long)]
    pub wrong: bool,
    /// Only rows on which the baseline has another score
    #[arg(long)]
    pub changed: bool,
    /// Only rows with this label or right answer
    #[arg(long, value_name = "ANSWER")]
    pub label: Option<String>,
    /// Show scores by the values of this column
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// The split; held-out rows are not shown [default: dev, or what an evaluation asked]
    #[arg(long, value_enum)]
    pub split: Option<VisibleSplit>,
    /// The most rows that are shown; `--json` has all
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    #[command(flatten)]
    pub out: RunsDir,
}

impl ValueEnum for VisibleSplit {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Train, Self::Dev]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Train => PossibleValue::new("train").help("Shown to mutators"),
            Self::Dev => PossibleValue::new("dev").help("Selects candidates"),
        })
    }
}

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

/// `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
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

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
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

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A self-contained page with plots
    Html,
    /// Markdown
    Md,
    /// The summary as JSON
    Json,
    /// One line per candidate
    Csv,
    /// A test case for the goal, and one for each of its claims, for a build server
    Junit,
}

/// `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub run: RunRef,
    /// Format of the report
    #[arg(long, value_enum, default_value = "html")]
    pub format: ReportFormat,
    /// Output file; `-` is stdout (default: report.html in the run's folder for html, stdout for
    /// the other formats)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

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
    /// Write the last check to this file, in Prometheus' text format
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<PathBuf>,
    /// Spend at most X dollars over all checks of this prompt
    #[arg(long, value_name = "X", allow_negative_numbers = true, value_parser = dollars)]
    pub max_total_usd: Option<f64>,
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

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

fn chance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| *number > 0.0 && *number < 1.0);
    number.ok_or_else(|| "it must be a number above 0 and below 1".to_owned())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it must be a number, 0 or more".to_owned())
}
