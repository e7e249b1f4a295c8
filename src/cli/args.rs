//! The command line: commands, arguments and flags. No command is carried out here.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

pub(crate) use super::ab_args::{AbArgs, AssignArgs, CodeLanguage};
pub(crate) use super::cap_args::{CapArgs, SpendingArgs};
pub(crate) use super::judge_args::{CertifyArgs, CheckArgs, JudgeAction, JudgeArgs, LabelArgs};
pub(crate) use super::prompt_args::{
    EvalArgs, ExportArgs, ExportFormat, LogArgs, MonitorArgs, RollbackArgs, VerifyArgs,
};
pub(crate) use super::report_args::{
    EdgeArgs, ExplainArgs, ReportArgs, ReportFormat, RowsArgs, SynthArgs,
};
pub(crate) use super::run_args::{
    CompareArgs, DiffArgs, EvalSplit, ListArgs, RunRef, ViewArgs, WatchArgs,
};
pub(crate) use super::search_args::{
    ConfirmArgs, CtlAction, CtlArgs, MigrateArgs, ResumeArgs, RunArgs, SetArgs,
};
pub(crate) use super::task_args::{
    EjectArgs, InitArgs, PreviewArgs, SimulateArgs, StrategiesAction, StrategiesArgs, StrategyArgs,
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
    Plan(PreviewArgs),
    /// Check before a run, with one small call per role: models, keys, limits, prices, clock, disk, cost
    Doctor(PreviewArgs),
    /// Search for a better prompt
    Run(RunArgs),
    /// Resume an interrupted run or night, or search on with a finished run whose cap is raised
    Resume(ResumeArgs),
    /// Show the status of a run
    Status(RunRef),
    /// Print a line about a running run from time to time, until it ends
    Watch(WatchArgs),
    /// Serve web pages about a run, or about all runs, on this machine: live while it goes on, with buttons to steer it
    View(ViewArgs),
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
    /// Write new rows for the edge cases of a run, or of a task, with the mutator: marked synthetic, never held out
    Synth(SynthArgs),
    /// Print a run's journal as JSON Lines
    Journal(RunRef),
    /// Score a prompt, or recorded answers, on a task's rows
    Eval(EvalArgs),
    /// Compare the judge of a task with people
    Judge(JudgeArgs),
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
    Ab(Box<AbArgs>),
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
