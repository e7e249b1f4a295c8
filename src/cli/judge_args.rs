//! Arguments of the commands about a judge.

use super::cap_args::{CapArgs, at_least_one, share};
use super::run_args::RunsDir;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `judge`.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// What is done
    #[command(subcommand)]
    pub action: JudgeAction,
}

/// Subcommands of `judge`.
#[derive(Debug, Subcommand)]
pub(crate) enum JudgeAction {
    /// Compare the judge of a task with grades that people gave, and write its certificate (a gate: exit 6)
    Certify(Box<CertifyArgs>),
    /// Ask a certified judge about the same answers again, and tell whether it grades otherwise now (a gate: exit 6)
    Check(Box<CheckArgs>),
}

/// `judge certify`.
#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    #[command(flatten)]
    pub answers: LabelArgs,
    /// Least κ that the lower end of its 95 % interval has to reach, for each criterion
    #[arg(long, value_name = "K", default_value_t = 0.4, value_parser = share)]
    pub min_kappa: f64,
    /// Least number of answers that judge and people graded
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one)]
    pub min_rows: usize,
}

/// `judge check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub answers: LabelArgs,
    /// Chance of an alarm where nothing has changed, at each check
    #[arg(long, value_name = "P", default_value_t = 0.01, value_parser = share)]
    pub false_alarm: f64,
}

/// Answers that people graded, and how a judge is asked about them.
#[derive(Debug, Args)]
pub(crate) struct LabelArgs {
    /// Task folder, or its task.toml
    pub task: PathBuf,
    /// File of answers that people graded: CSV, TSV, JSON or JSON Lines
    #[arg(long, value_name = "FILE")]
    pub labels: PathBuf,
    /// Column of the answers
    #[arg(long, value_name = "NAME", default_value = "answer")]
    pub answer_column: String,
    /// Column of the grades: a level, or an object with a level for each criterion; of a comparison `answer`, `other` or
    /// `tie`
    #[arg(long, value_name = "NAME", default_value = "grade")]
    pub grade_column: String,
    #[command(flatten)]
    pub out: RunsDir,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
}
