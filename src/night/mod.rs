//! Several runs under one budget, one after the other: which is next, and what it may spend.
//!
//! A night is a folder beside those of its runs. What is spent is counted by the runs' own journals, and each
//! run keeps the caps that it was given; the night's ledger says what these were, and how the runs ended. So the
//! budget holds whatever is killed: what a run was given counts as spent until the run has ended.

mod share; // What the next run may spend.
mod ledger; // What was given to whom, durably.

pub use ledger::Fact;
pub use share::{RunState, Spending, share};

use crate::caps::Caps;
use crate::clock::Clock;
use crate::run::{NIGHT_FILE, RunDir, RunDirError, RunLock};
use crate::seed::Seed;
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
}

/// One run of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NightRun {
    /// The task's folder or file, absolute.
    pub task: PathBuf,
    /// The run's name: its folder lies beside the night's.
    pub run: String,
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
    /// The folder exists already, or cannot be written.
    pub fn create(dir: &Path, file: NightFile) -> Result<(Self, RunLock), RunDirError> {
        let (dir, lock) = RunDir::create(dir)?;
        dir.write_json(NIGHT_FILE, &file)?;
        let ledger = Ledger::open(&dir, file.runs.len())?;
        Ok((Self { dir, file, ledger }, lock))
    }

    /// The folder of a night of this name, if there is one: a folder, or a name in `out`.
    #[must_use]
    pub fn find(out: &Path, asked: &str) -> Option<RunDir> {
        let direct = Path::new(asked).to_owned();
        let mut places = [direct, out.join(asked)].into_iter();
        // An empty name is no name.
        let found = places.find(|it| !asked.is_empty() && it.join(NIGHT_FILE).is_file());
        found.map(RunDir::at)
    }

    /// Opens a night, and locks it.
    ///
    /// # Errors
    /// Another process works on it, or a file cannot be read.
    pub fn open(dir: &RunDir) -> Result<(Self, RunLock), RunDirError> {
        let lock = dir.lock()?;
        Ok((Self::read(dir)?, lock))
    }

    /// Reads a night. Another process may work on it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read(dir: &RunDir) -> Result<Self, RunDirError> {
        let file: NightFile = dir.read_json(NIGHT_FILE)?;
        let ledger = Ledger::open(dir, file.runs.len())?;
        Ok(Self { dir: dir.clone(), file, ledger })
    }

    /// What it was started with.
    #[must_use]
    pub fn file(&self) -> &NightFile {
        &self.file
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
    /// first. `None`: nothing is left for it. A deadline is shared anew each time.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn give(&mut self, run: usize) -> Result<Option<Caps>, RunDirError> {
        let now = Clock::System.now();
        let Some(caps) = share::share(self.file.caps, self.runs(), run, now) else {
            return Ok(None);
        };
        if self.runs().get(run) == Some(&RunState::Waiting) {
            self.ledger.append(&self.dir, &Fact::Given { run, caps })?;
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
            _ => self.ledger.append(&self.dir, &Fact::Ended { run, spent }),
        }
    }
}
