//! `run.json`: everything that a run was started with, except the rows.
//!
//! It is written first and never changed, and holds no key.

use super::dir::{RUN_FILE, RunDir, RunDirError, SCHEMA};
use super::error::RunError;
use super::source::{ReuseSource, WarmStart};
use crate::caps::Caps;
use crate::clock::Clock;
use crate::id::RunName;
use crate::recipe::{self, Recipe};
use crate::seed::Seed;
use crate::strategy::Comparison;
use crate::task::example::{RowHash, Split};
use crate::task::model::ModelRole;
use crate::task::{DataFile, Task, TaskSource};
use jiff::Timestamp;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The purpose of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// It searches for a better prompt.
    Search,
    /// It compares prompts on the same rows.
    Comparison {
        /// The split whose rows are used; `None`: all rows.
        split: Option<Split>,
    },
    /// It measures one prompt.
    Evaluation {
        /// The split whose rows are used; `None`: all rows.
        split: Option<Split>,
    },
}

impl RunKind {
    /// Whether a run of this kind with this task and recipe asks models of this role.
    #[must_use]
    pub fn asks(self, task: &Task, recipe: &Recipe, role: ModelRole) -> bool {
        match (self, role) {
            (_, ModelRole::Task) => true,
            (_, ModelRole::Judge(_)) => task.scorers.judgements() > 0,
            (_, ModelRole::Embed) if task.scorers.meanings() > 0 => true,
            (Self::Comparison { .. } | Self::Evaluation { .. }, _) => false,
            (Self::Search, ModelRole::Mutator(_)) => recipe.asks_mutator(),
            (Self::Search, ModelRole::Embed) => !recipe.compared_texts().is_empty(),
        }
    }
}

/// The settings of a new run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The random seed; `None`: the smallest that no search of the task beside it has.
    pub seed: Option<Seed>,
    /// What the run may spend; `None`: the caps of the task.
    pub caps: Option<Caps>,
    /// The maximum number of concurrent requests across all providers, if limited.
    pub concurrency: Option<usize>,
    /// Runs whose answers are taken over.
    pub reuse: Vec<ReuseSource>,
    /// The run whose prompts a search starts from.
    pub warm: Option<WarmStart>,
    /// The night that begins the run.
    pub night: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: Some(Seed(1)),
            caps: None,
            concurrency: None,
            reuse: Vec::new(),
            warm: None,
            night: None,
        }
    }
}

/// The content of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The version of this format.
    pub schema: u32,
    /// The run's name.
    pub run: RunName,
    /// The program's version.
    pub version: String,
    /// The time of its creation.
    pub created: Timestamp,
    /// The frozen task; paths are absolute.
    pub task: TaskSource,
    /// The task's name.
    pub task_name: String,
    /// The data files with their hashes; paths are absolute.
    pub data: Vec<DataFile>,
    /// The user's programs with their hashes: scorers, targets and operators. Paths are absolute.
    #[serde(default)]
    pub programs: Vec<DataFile>,
    /// The purpose of the run.
    pub kind: RunKind,
    /// The only rows that an evaluation asks; `None`: all of its split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<RowHash>>,
    /// What a comparison compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The strategy's name, for people; an evaluation has `eval:` and its rows, a comparison `ab:`.
    pub strategy: String,
    /// The recipe after `extends` and `--set`, as TOML.
    pub recipe: String,
    /// The random seed.
    pub seed: Seed,
    /// The caps from the task and the command line.
    pub caps: Caps,
    /// The maximum number of concurrent requests across all providers, if limited.
    pub concurrency: Option<usize>,
    /// Runs whose answers are taken over, as they were when this one began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reuse: Vec<ReuseSource>,
    /// The run whose prompts it starts from; the prompts are in the recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<WarmStart>,
    /// A hash of the rows that a search, or one that it descends from, had in sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The night that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub night: Option<String>,
}

/// Facts about a run that are not in its state.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The run's name.
    pub run: String,
    /// The strategy's name.
    pub strategy: String,
    /// The run's random seed.
    pub seed: Seed,
    /// The runs whose answers are taken over.
    pub reuse: Vec<RunName>,
}

impl RunFile {
    /// The content for a run that starts now.
    pub(super) fn new(
        name: &str,
        task: &Task,
        kind: RunKind,
        recipe: &Recipe,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let strategy = match kind {
            RunKind::Search => recipe.name.clone(),
            RunKind::Comparison { split: None } => "ab:all".to_owned(),
            RunKind::Comparison { split: Some(split) } => format!("ab:{split}"),
            RunKind::Evaluation { split: None } => "eval:all".to_owned(),
            RunKind::Evaluation { split: Some(split) } => format!("eval:{split}"),
        };
        let (source, data) = task.absolute()?;
        Ok(Self {
            schema: SCHEMA,
            run: RunName::new(name),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: Clock::System.now(),
            task: source,
            task_name: task.name.clone(),
            data,
            programs: programs_of(task, recipe)?,
            kind,
            rows: None,
            comparison: None,
            strategy,
            recipe: recipe::effective_table(recipe),
            seed: settings.seed.unwrap_or(Seed(1)),
            caps: settings.caps.unwrap_or(task.caps),
            concurrency: settings.concurrency,
            reuse: settings.reuse,
            warm: settings.warm,
            seen: None,
            night: settings.night,
        })
    }

    /// Reads `run.json`.
    ///
    /// # Errors
    /// It cannot be read, or a newer version wrote it.
    pub fn read(dir: &RunDir) -> Result<Self, RunDirError> {
        dir.read_json(RUN_FILE)
    }

    /// Reads the run's task from its files.
    ///
    /// # Errors
    /// The files cannot be read, their rows have changed, or the task was made in memory.
    pub(super) fn read_task(&self) -> Result<Task, RunError> {
        match &self.task {
            TaskSource::Files(files) => self.same_task(Task::rebuild(files.clone())?),
            TaskSource::Memory(_) => Err(RunError::TaskNeeded(self.run.to_string())),
        }
    }

    /// Returns the task if the run was started with the same one.
    ///
    /// # Errors
    /// The task differs; the error says where.
    pub(super) fn same_task(&self, task: Task) -> Result<Task, RunError> {
        let changed = |what: String| RunError::Changed { run: self.run.to_string(), what };
        if let Some(what) = self.task.difference(&task.source) {
            return Err(changed(what));
        }
        for place in 0..self.data.len().max(task.data.len()) {
            let (then, now) = (self.data.get(place), task.data.get(place));
            if then.map(|file| &file.blake3) != now.map(|file| &file.blake3) {
                let file = now.or(then).map_or(Path::new(""), |file| &file.path);
                return Err(changed(format!("{}: the rows have changed", file.display())));
            }
        }
        Ok(match self.kind {
            RunKind::Search => task,
            RunKind::Comparison { split } => compared(task, split, self.seed),
            RunKind::Evaluation { split } => evaluated(task, split, self.rows.as_deref()),
        })
    }

    /// Checks that the user's programs are those that the run was started with.
    ///
    /// # Errors
    /// One has changed, or cannot be read.
    pub(super) fn check_programs(&self, task: &Task, recipe: &Recipe) -> Result<(), RunError> {
        let now = programs_of(task, recipe)
            .map_err(|source| RunDirError::Io { path: task.folder(), source })?;
        let hashes = |programs: &[DataFile]| {
            programs.iter().map(|program| program.blake3.clone()).collect::<Vec<_>>()
        };
        let (then, is_now) = (hashes(&self.programs), hashes(&now));
        if self.programs.is_empty() || then == is_now {
            return Ok(());
        }
        let changed = now.iter().find(|program| !then.contains(&program.blake3));
        let changed = changed.or(self.programs.first()).map(|program| program.path.display());
        let what =
            changed.map_or_else(String::new, |path| format!("{path}: the program has changed"));
        Err(RunError::Changed { run: self.run.to_string(), what })
    }

    /// Checks that it is as its journal says that it was.
    ///
    /// # Errors
    /// It has changed.
    pub(super) fn check_pin(&self, pinned: Option<&str>) -> Result<(), RunError> {
        match pinned {
            Some(pinned) if pinned != self.pin() => {
                let (run, what) = (self.run.to_string(), format!("{RUN_FILE} has changed"));
                Err(RunError::Changed { run, what })
            }
            _ => Ok(()),
        }
    }

    /// A hash of all that decides the run's results; not of paths, which may change.
    #[must_use]
    pub(super) fn pin(&self) -> String {
        let task = match &self.task {
            TaskSource::Files(files) => json(&(&files.text, &files.parts)),
            TaskSource::Memory(facts) => json(facts),
        };
        let hashes =
            |files: &[DataFile]| files.iter().map(|file| file.blake3.clone()).collect::<Vec<_>>();
        let (data, programs) = (hashes(&self.data), hashes(&self.programs));
        let all = json(&(task, data, programs, self.kind, &self.recipe, self.seed, self.caps));
        let all = match &self.rows {
            Some(rows) => json(&(all, rows)),
            None => all,
        };
        let all = match &self.comparison {
            Some(comparison) => json(&(all, comparison)),
            None => all,
        };
        let sources: Vec<_> = self.reuse.iter().map(|it| (it.events, &it.blake3)).collect();
        let all = if sources.is_empty() { all } else { json(&(all, sources)) };
        let all = match &self.night {
            Some(night) => json(&(all, "night", night)),
            None => all,
        };
        let all = match &self.seen {
            Some(seen) => {
                let warm = self.warm.as_ref().map(|warm| (&warm.run, &warm.candidates));
                json(&(all, "seen", seen, warm))
            }
            None => all,
        };
        blake3::hash(all.as_bytes()).to_hex().to_string()
    }

    /// The facts that a summary needs.
    #[must_use]
    pub fn info(&self) -> RunInfo {
        RunInfo {
            run: self.run.to_string(),
            strategy: self.strategy.clone(),
            seed: self.seed,
            reuse: self.reuse.iter().map(|source| source.run.clone()).collect(),
        }
    }
}

/// The task of an evaluation: these rows of a split, or of all.
pub(super) fn evaluated(task: Task, split: Option<Split>, rows: Option<&[RowHash]>) -> Task {
    let task = task.for_evaluation(split);
    match rows {
        Some(rows) => task.with_only(rows),
        None => task,
    }
}

/// The task of a comparison: the rows of a split, or all, in a drawn order. In that of a file the first ones may be alike.
pub(super) fn compared(task: Task, split: Option<Split>, seed: Seed) -> Task {
    let mut task = task.for_evaluation(split);
    task.splits.dev.shuffle(&mut seed.child("order of rows", 0).rng());
    task
}

/// The files of the user's among the commands of a task's scorers, with their hashes. What the system
/// has installed, such as an interpreter, is not among them, nor is what a program loads.
///
/// # Errors
/// One of them cannot be read.
pub fn scorer_programs(task: &Task) -> std::io::Result<Vec<DataFile>> {
    let folder = std::path::absolute(task.folder())?;
    let files = task.scorers.programs().map(|(_, program)| files_in(program.argv(), &folder));
    Ok(files.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The same, with the programs that answer rows in place of a model.
///
/// # Errors
/// One of them cannot be read.
pub fn task_programs(task: &Task) -> std::io::Result<Vec<DataFile>> {
    let folder = std::path::absolute(task.folder())?;
    let mut programs = scorer_programs(task)?;
    for provider in task.providers().values() {
        programs.extend(files_in(&provider.command, &folder)?);
    }
    Ok(programs)
}

/// The same, with those of a recipe's operators.
fn programs_of(task: &Task, recipe: &Recipe) -> std::io::Result<Vec<DataFile>> {
    let mut programs = task_programs(task)?;
    let folder = std::path::absolute(task.folder())?;
    for phase in recipe.phases() {
        for program in phase.operator.iter().filter_map(|operator| operator.program()) {
            let own = if program.dir.is_empty() { &folder } else { Path::new(program.dir) };
            programs.extend(files_in(program.command, own)?);
        }
    }
    Ok(programs)
}

/// Where the system keeps its own programs, which it may renew at any time.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/opt", "/nix", "/snap"];

/// The files that a command names, by paths from a folder.
fn files_in(argv: &[String], folder: &Path) -> std::io::Result<Vec<DataFile>> {
    let paths = argv.iter().map(|word| folder.join(word));
    let files = paths
        .filter(|path| path.is_file() && !SYSTEM.iter().any(|system| path.starts_with(system)));
    files
        .map(|path| {
            let blake3 = blake3::hash(&crate::source::read(&path)?).to_hex().to_string();
            Ok(DataFile { path, blake3 })
        })
        .collect()
}

/// A value as text. All values here can be written as JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
