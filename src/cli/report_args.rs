//! Arguments of the commands that show a run and its rows.

use super::cap_args::{CapArgs, at_least_one};
use super::run_args::{RunRef, RunsDir};
use crate::task::example::VisibleSplit;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Ask the model that writes prompts for a name of each group of failures, in a run of its own: caps are those of the task,
    /// or of these flags
    #[arg(long)]
    pub name_groups: bool,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
    #[command(flatten)]
    pub out: RunsDir,
}

/// `synth`.
#[derive(Debug, Args)]
pub(crate) struct SynthArgs {
    /// Run whose failures the rows are about: a folder, a name, a unique prefix of a name, or `latest`; or a task's folder
    #[arg(default_value = "latest", value_name = "RUN|TASK")]
    pub what: String,
    /// Rows to ask for
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = at_least_one)]
    pub rows: usize,
    /// JSON Lines file to which the rows are added [default: `data.synthetic` of the task, else synthetic.jsonl beside it]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The most rows that are shown; the file has all
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub limit: usize,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub concurrency: Option<usize>,
    #[command(flatten)]
    pub caps: CapArgs,
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
    /// Leave out all of the rows: their ids, inputs, right answers and answers. Prompts stay as they are
    #[arg(long)]
    pub no_rows: bool,
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
