//! The arguments of `ab` and `assign`.

use super::cap_args::{CapArgs, at_least_one};
use super::run_args::{EvalSplit, RunsDir};
use clap::{Args, ValueEnum};
use std::num::NonZeroU16;
use std::path::PathBuf;

/// The heading of what is for `ab --log` alone.
const ONLINE: &str = "Log of an online test";

/// `ab`.
#[derive(Debug, Args)]
pub(crate) struct AbArgs {
    /// Task folder, or its task.toml
    #[arg(required_unless_present = "log", conflicts_with = "log")]
    pub task: Option<PathBuf>,
    /// Prompt A: a file, REV:path of git, RUN:CANDIDATE or a run (its best prompt); with --answers a column
    #[arg(long, value_name = "PROMPT", required_unless_present = "log", conflicts_with = "log")]
    pub a: Option<String>,
    /// Prompt B, which is compared with A (repeatable)
    #[arg(long, value_name = "PROMPT", required_unless_present = "log", conflicts_with = "log")]
    pub b: Vec<String>,
    /// Exit with 6, before anything is asked, unless the judge of the task is certified against people
    #[arg(long, conflicts_with_all = ["answers", "log"])]
    pub require_certified: bool,
    /// File of recorded answers, one column for each prompt; no model is called
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    pub answers: Option<PathBuf>,
    /// The columns hold scores from 0 to 1, or true and false, in place of answers
    #[arg(long, requires = "answers")]
    pub scored: bool,
    /// Column or path that holds the id of the row (default: the id column of the task)
    #[arg(long, value_name = "NAME", requires = "answers")]
    pub id: Option<String>,
    /// Rows to compare on (default: all; held-out ones where a prompt came out of a run on these rows)
    #[arg(long, value_enum, conflicts_with = "log")]
    pub split: Option<EvalSplit>,
    /// Column of the task's rows by whose values they are divided (repeatable)
    #[arg(long, value_name = "COLUMN", conflicts_with = "log")]
    pub slice: Vec<String>,
    /// How many rows to list that got better, and that got worse
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "log")]
    pub rows: usize,
    /// Ask each of the first 16 rows N times, and all rows if any answer to them flips
    #[arg(long, value_name = "N", default_value_t = NonZeroU16::MIN, conflicts_with_all = ["log", "answers"])]
    pub repeats: NonZeroU16,
    /// Maximum number of concurrent requests, across all providers
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with_all = ["log", "answers"])]
    pub concurrency: Option<usize>,
    /// Allow paid models when only time is capped
    #[arg(long, conflicts_with_all = ["log", "answers"])]
    pub yes: bool,
    #[command(flatten)]
    pub caps: CapArgs,
    /// Random seed of the order in which rows are gone through one by one
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "log")]
    pub seed: u64,
    /// Differences up to this count as none: of scores, such as 0.02, or in the unit of a log's outcome
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub margin: Option<f64>,
    #[command(flatten)]
    pub out: RunsDir,
    /// Log of an online test, of any format that rows come in: a line for each outcome
    #[arg(long, value_name = "FILE", help_heading = ONLINE)]
    pub log: Option<PathBuf>,
    /// Column of who was assigned: a user, a session
    #[arg(long, default_value = "unit", value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub unit: String,
    /// Column of the arm
    #[arg(long, default_value = "arm", value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub arm: String,
    /// Column of what came of it: a number, or true and false
    #[arg(long, default_value = "outcome", value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub outcome: String,
    /// Column of what it cost, in dollars
    #[arg(long, value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub cost: Option<String>,
    /// Column of the time, by which early and late units are compared
    #[arg(long, value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub time: Option<String>,
    /// Time from which on units are late, fixed before the test, such as 2026-11-30T00:00:00Z: then early and late units, too, may
    /// be compared at any number of looks (default: the second half of the units is late)
    #[arg(long, value_name = "TIME", requires = "time", conflicts_with = "task", help_heading = ONLINE)]
    pub late_from: Option<jiff::Timestamp>,
    /// Column by whose values units are divided (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "task", help_heading = ONLINE)]
    pub segment: Vec<String>,
    /// Arm that others are compared with (default: the first by name)
    #[arg(long, value_name = "ARM", conflicts_with = "task", help_heading = ONLINE)]
    pub control: Option<String>,
    /// Arms with the weights by which traffic was divided (default: the same for all)
    #[arg(long, value_name = "ARM=WEIGHT,…", value_delimiter = ',', value_parser = weight, conflicts_with = "task", help_heading = ONLINE)]
    pub arms: Vec<(String, f64)>,
    /// Effect that is looked for, in the unit of the outcome; intervals are narrowest for such effects
    /// (default: a tenth of the outcomes' standard deviation)
    #[arg(long, value_name = "SIZE", value_parser = size, conflicts_with = "task", help_heading = ONLINE)]
    pub effect: Option<f64>,
}

/// `assign`.
#[derive(Debug, Args)]
pub(crate) struct AssignArgs {
    /// Units to assign; without any, one a line of the standard input
    #[arg(value_name = "UNIT", conflicts_with = "code")]
    pub units: Vec<String>,
    /// Name of the experiment: others divide the same units in another way
    #[arg(long, value_name = "NAME")]
    pub experiment: String,
    /// Arms with their weights
    #[arg(long, required = true, value_name = "ARM=WEIGHT,…", value_delimiter = ',', value_parser = weight)]
    pub arms: Vec<(String, f64)>,
    /// Write the assignment as code of this language instead
    #[arg(long, value_enum)]
    pub code: Option<CodeLanguage>,
}

/// A language of `assign --code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CodeLanguage {
    /// Python 3.6 or later
    Python,
    /// Node.js
    Javascript,
    /// Java 8 or later
    Java,
}

fn weight(text: &str) -> Result<(String, f64), String> {
    let parsed = text.split_once('=').and_then(|(name, weight)| {
        let weight = weight.trim().parse().ok().filter(|it: &f64| it.is_finite() && *it > 0.0)?;
        Some((name.trim().to_owned(), weight))
    });
    parsed.ok_or_else(|| "write the arm and its weight above 0, as in control=1,new=1".to_owned())
}

fn size(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|it: &f64| it.is_finite() && *it > 0.0);
    number.ok_or_else(|| "it must be a number above 0".to_owned())
}
