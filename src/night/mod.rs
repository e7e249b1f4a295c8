//! Several runs under one budget, one after the other: which is next, and what it may spend.
//!
//! A night is a folder beside those of its runs. What is spent is counted by the runs' own journals, and each
//! run keeps the caps that it was given; the night's ledger says what these were, and how the runs ended. So the
//! budget holds whatever is killed: what a run was given counts as spent until the run has ended. The ledger also
//! says where the total was changed, or a run was given more of it.

mod share; // What the next run may spend.
mod ledger; // What was given to whom, durably.
mod migration; // A night that moves one prompt to other models.
mod budget; // Changes of the total and of the shares.
mod found; // Its runs as they are found in their folders.
mod work; // Its runs, one after the other.

pub use budget::{BudgetError, BudgetRequest};
pub use found::FoundRun;
pub use ledger::Fact;
pub use migration::{Migration, of_model};
pub use share::{RunState, Spending, left, share};
pub use work::{Carried, Worked, locked, work};

use crate::caps::Caps;
use crate::clock::Clock;
use crate::run::{NIGHT_FILE, ReuseSource, RunDir, RunDirError, RunFile, RunLock};
use crate::seed::Seed;
use crate::task::TaskSource;
use jiff::Timestamp;
use ledger::Ledger;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of this format.
pub const SCHEMA: u32 = 1;

/// The content of `night.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NightFile {
    /// The version of this format.
    pub schema: u32,
    /// The night's name.
    pub night: String,
    /// When it was created.
    pub created: Timestamp,
    /// What all of its runs together may spend.
    pub caps: Caps,
    /// Its runs, in order.
    pub runs: Vec<NightRun>,
    /// The strategy of its runs.
    pub strategy: String,
    /// Keys of the recipe that are set.
    pub sets: Vec<String>,
    /// The random seed of its runs; `None`: each takes the smallest that no run of its task has.
    #[serde(default)]
    pub seed: Option<Seed>,
    /// The maximum number of concurrent requests, over all providers.
    pub concurrency: Option<usize>,
    /// What its runs have in common, where it moves a prompt to other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
}

/// One run of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightRun {
    /// The task's folder or file, absolute.
    pub task: PathBuf,
    /// The run's name: its folder lies beside the night's.
    pub run: String,
    /// Earlier runs whose answers it takes over, as they were when the night was created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reuse: Vec<ReuseSource>,
    /// The folder of the earlier run whose prompts it starts from, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm: Option<PathBuf>,
}

/// This name, or with a number behind it where one of these runs has it.
#[must_use]
pub fn free_name(name: String, runs: &[NightRun]) -> String {
    let is_free = |name: &String| runs.iter().all(|run| run.run != *name);
    // There is one more name than there are runs, so that one of them is free.
    let numbered = (2..runs.len() + 2).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(is_free);
    free.unwrap_or(name)
}

impl NightRun {
    /// A run that takes nothing from earlier ones.
    #[must_use]
    pub fn new(task: PathBuf, run: String) -> Self {
        Self { task, run, reuse: Vec::new(), warm: None }
    }
}

impl NightFile {
    /// Checks that one of its runs was begun by this night. Runs of earlier versions do not say so: theirs is the same
    /// task, after the night was created.
    ///
    /// # Errors
    /// Why it was not.
    pub fn check_begun(&self, number: usize, run: &RunFile) -> Result<(), String> {
        if let Some(night) = &run.night {
            let other = || format!("the night `{night}` began it");
            return (*night == self.night).then_some(()).ok_or_else(other);
        }
        let TaskSource::Files(files) = &run.task else {
            return Err("its task was made in memory".to_owned());
        };
        let task = self.runs.get(number).map(|run| run.task.as_path());
        let is_task = task.is_some_and(|it| it == files.file || it.join("task.toml") == files.file);
        if !is_task {
            return Err(format!("its task is {}", files.file.display()));
        }
        match run.created < self.created {
            true => Err("it is older than the night".to_owned()),
            false => Ok(()),
        }
    }

    /// A hash of all that it says.
    fn pin(&self) -> String {
        // All of it can be written as JSON.
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }
}

/// A night that is read from its folder.
pub struct Night {
    dir: RunDir,
    file: NightFile,
    ledger: Ledger,
}

impl Night {
    /// Creates a night, and locks it.
    ///
    /// # Errors
    /// The folder exists already, another night has a run of its name or of one of its runs' names, or it cannot be
    /// written.
    pub fn create(dir: &Path, file: NightFile) -> Result<(Self, RunLock), RunDirError> {
        let runs = file.runs.iter().map(|run| dir.with_file_name(&run.run));
        for name in runs.chain([dir.to_owned()]) {
            RunDir::at(name).check_name(None)?;
        }
        let (dir, lock) = RunDir::create(dir)?;
        dir.write_json(NIGHT_FILE, &file)?;
        let mut ledger = Ledger::open(&dir, file.runs.len())?;
        ledger.append(&Fact::Pinned { blake3: file.pin() })?;
        Ok((Self { dir, file, ledger }, lock))
    }

    /// The folder of a night of this name, if there is one: a folder, a name in `out`, or a prefix that only this
    /// night and its runs have.
    #[must_use]
    pub fn find(out: &Path, asked: &str) -> Option<RunDir> {
        // An empty name is no name, and a prefix of all; `latest` is a run.
        if asked.is_empty() || asked == "latest" {
            return None;
        }
        let direct = RunDir::at(asked);
        let named = RunDir::at(out.join(asked));
        let is_night = |dir: &RunDir| dir.file(NIGHT_FILE).is_file();
        if let Some(exact) = [direct, named].into_iter().find(is_night) {
            return Some(exact);
        }
        let is_meant = |dir: &RunDir| dir.name().starts_with(asked);
        let mut nights = Self::list(out).into_iter().filter(is_meant);
        let (night, None) = (nights.next()?, nights.next()) else { return None };
        let own = Self::read(&night).ok()?.file.runs;
        let is_own = |dir: &RunDir| own.iter().any(|run| run.run == dir.name());
        let mut runs = RunDir::list(out).ok()?.into_iter().filter(is_meant);
        runs.all(|dir| is_own(&dir)).then_some(night)
    }

    /// The nights of a folder, by name; none where it cannot be read.
    #[must_use]
    pub fn list(out: &Path) -> Vec<RunDir> {
        let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
        let nights = entries.filter(|entry| entry.path().join(NIGHT_FILE).is_file());
        let mut nights: Vec<RunDir> = nights.map(|entry| RunDir::at(entry.path())).collect();
        nights.sort_by_key(RunDir::name);
        nights
    }

    /// The night of a run, and the run's number in it; `None` where it is a run of its own.
    ///
    /// # Errors
    /// A night beside the run cannot be read: whether the run is one of its runs is not known.
    pub fn of_run(run: &RunDir) -> Result<Option<(RunDir, usize)>, RunDirError> {
        // A link to a run leads to its night, too.
        let path = std::fs::canonicalize(run.path())
            .map_err(|source| RunDirError::Io { path: run.path().to_owned(), source })?;
        let name = RunDir::at(&path).name();
        for dir in path.parent().map(Self::list).unwrap_or_default() {
            let file: NightFile = dir.read_json(NIGHT_FILE)?;
            if let Some(number) = file.runs.iter().position(|it| it.run == name) {
                return Ok(Some((dir, number)));
            }
        }
        Ok(None)
    }

    /// Opens a night, and locks it.
    ///
    /// # Errors
    /// Another process works on it, or a file cannot be read.
    pub fn open(dir: &RunDir) -> Result<(Self, RunLock), RunDirError> {
        let lock = dir.lock()?;
        // They were meant for a process that has ended.
        dir.forget_requests();
        let mut night = Self::read(dir)?;
        if night.ledger.is_empty() {
            // A kill came between the two files.
            night.ledger.append(&Fact::Pinned { blake3: night.file.pin() })?;
        }
        Ok((night, lock))
    }

    /// Reads a night. Another process may work on it.
    ///
    /// # Errors
    /// A file cannot be read, or `night.json` was edited since.
    pub fn read(dir: &RunDir) -> Result<Self, RunDirError> {
        let file: NightFile = dir.read_json(NIGHT_FILE)?;
        let ledger = Ledger::open(dir, file.runs.len())?;
        if ledger.pin().is_some_and(|pinned| pinned != file.pin()) {
            let message = "it has changed since the night was started: put it back as it was";
            let (path, message) = (dir.file(NIGHT_FILE), message.to_owned());
            return Err(RunDirError::Malformed { path, message });
        }
        Ok(Self { dir: dir.clone(), file, ledger })
    }

    /// What it is called: a night, or a migration.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.file.migration {
            Some(_) => "migration",
            None => "night",
        }
    }

    /// Whether a run measures the bar of a migration.
    #[must_use]
    pub fn is_bar(&self, run: usize) -> bool {
        self.file.migration.is_some() && run == Migration::BAR
    }

    /// The names of its runs, for people.
    #[must_use]
    pub fn run_names(&self) -> String {
        self.file.runs.iter().map(|run| run.run.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// What it was started with.
    #[must_use]
    pub fn file(&self) -> &NightFile {
        &self.file
    }

    /// What all of its runs together may spend: as it was started, or as it was changed since.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.ledger.total().unwrap_or(self.file.caps)
    }

    /// What its runs have spent or were given.
    #[must_use]
    pub fn taken(&self) -> Spending {
        share::taken(self.runs())
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The folder of one of its runs.
    #[must_use]
    pub fn run_dir(&self, run: usize) -> PathBuf {
        let name = self.file.runs.get(run).map_or("", |run| run.run.as_str());
        self.dir.path().parent().unwrap_or(Path::new(".")).join(name)
    }

    /// What its runs were given, and what those that have ended have spent, in order.
    #[must_use]
    pub fn runs(&self) -> &[RunState] {
        self.ledger.runs()
    }

    /// What a run may spend: what it was given before, or its share of what is left, which is written down
    /// first. `None`: nothing is left for it. A deadline is shared anew each time. The bar of a migration, without which
    /// nothing can be said, may spend all that is left, also where the total was raised since.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn give(&mut self, run: usize) -> Result<Option<Caps>, RunDirError> {
        let now = Clock::System.now();
        let is_bar = self.is_bar(run);
        let given = match is_bar {
            true => share::rest(self.caps(), self.runs(), run, now),
            false => share::share(self.caps(), self.runs(), run, now),
        };
        let Some(caps) = given else { return Ok(None) };
        let is_new = match self.runs().get(run) {
            Some(RunState::Waiting) => true,
            Some(RunState::Given(before)) => is_bar && *before != caps,
            _ => false,
        };
        if is_new {
            self.ledger.append(&Fact::Given { run, caps })?;
        }
        Ok(Some(caps))
    }

    /// Writes down that a run is finished, and what it has spent: the rest of its share is free.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ended(&mut self, run: usize, spent: Spending) -> Result<(), RunDirError> {
        match self.runs().get(run) {
            Some(RunState::Ended(_)) => Ok(()),
            _ => self.ledger.append(&Fact::Ended { run, spent }),
        }
    }
}
