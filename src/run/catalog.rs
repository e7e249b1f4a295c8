//! The runs of a results folder, from their `run.json` and `summary.json`.
//!
//! A list of a hundred runs is shown at once, also while some of them are running: the events of a run are read only
//! where it was killed, because its last summary is older than what it paid for.

use super::conclusion::Conclusion;
use super::dir::{RUN_FILE, RunDir, RunDirError, SUMMARY_FILE};
use super::figures::Gain;
use super::file::{RunFile, RunKind};
use super::guard::Flag;
use super::summary::{Status, Summary};
use crate::event::{Event, StopReason};
use crate::journal::{JournalError, read_events};
use crate::ledger::Wallet;
use crate::score_form::ScoreForm;
use crate::stats::Interval;
use crate::task::TaskSource;
use crate::units::Amount;
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A run in a list.
#[derive(Clone, Debug, Serialize)]
pub struct RunEntry {
    /// Its name.
    pub run: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its task.
    pub task: String,
    /// The task's file, if it has one.
    pub task_file: Option<PathBuf>,
    /// Its strategy; an evaluation has `eval:` and its rows.
    pub strategy: String,
    /// Its random seed.
    pub seed: u64,
    /// When it was created.
    pub created: Timestamp,
    /// Its status.
    pub status: Status,
    /// Why it ended, or what stopped it.
    pub stop_reason: Option<StopReason>,
    /// Its verdict, once it is finished; an evaluation has none.
    pub verdict: Option<Conclusion>,
    /// How its scores are written for people.
    #[serde(skip)]
    pub score_form: ScoreForm,
    /// The winner's mean on held-out rows.
    pub held_out: Option<Interval>,
    /// The winner's gain over the baseline on held-out rows.
    pub gain: Option<Gain>,
    /// What guards found in its winner, once it is finished.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Dollars spent.
    pub usd: f64,
    /// Calls made.
    pub calls: u64,
}

impl RunEntry {
    fn read(dir: &RunDir) -> Result<Self, RunDirError> {
        let file = RunFile::read(dir)?;
        check_pin(dir, &file)?;
        // A run that has just begun has none yet.
        let summary = match dir.file(SUMMARY_FILE).exists() {
            true => Some(dir.read_json::<Summary>(SUMMARY_FILE)?),
            false => None,
        };
        let is_search = file.kind == RunKind::Search;
        let status = match summary.as_ref().map(|summary| summary.status) {
            Some(Status::Finished) => Status::Finished,
            Some(Status::Paused) if dir.is_running() => Status::Paused,
            _ if dir.is_running() => Status::Running,
            Some(Status::Failed) => Status::Failed,
            _ => Status::Interrupted,
        };
        let was_killed = status == Status::Interrupted
            && summary.as_ref().is_none_or(|summary| summary.status.is_live());
        let (usd, calls) = match &summary {
            _ if was_killed => spent_by_events(dir)?,
            Some(summary) => (summary.spent.usd, summary.spent.calls()),
            None => (0.0, 0),
        };
        let of_search = summary.as_ref().filter(|_| is_search);
        Ok(Self {
            run: dir.name(),
            folder: dir.path().to_owned(),
            task: file.task_name,
            task_file: match file.task {
                TaskSource::Files(files) => Some(files.file),
                TaskSource::Memory(_) => None,
            },
            strategy: file.strategy,
            seed: file.seed.0,
            created: file.created,
            status,
            stop_reason: summary.as_ref().and_then(|summary| summary.stop_reason),
            verdict: of_search.and_then(Summary::conclusion),
            score_form: summary.as_ref().map_or_else(ScoreForm::default, |it| it.score_form),
            held_out: of_search.and_then(|summary| summary.best.as_ref()?.hold),
            gain: of_search.and_then(|summary| summary.gain),
            flags: of_search.map(|summary| summary.flags.clone()).unwrap_or_default(),
            usd,
            calls,
        })
    }

    /// Whether it is a run of a task: by its name, its folder or its file.
    fn is_of(&self, task: &str) -> bool {
        let path = std::path::absolute(task).ok();
        let is_file = |file: &PathBuf| {
            path.as_ref().is_some_and(|path| file == path || file.parent() == Some(path))
        };
        self.task == task || self.task_file.as_ref().is_some_and(is_file)
    }

    /// Which of two results of a task is better: a confirmed one, then the one with more on held-out rows.
    fn order(&self, other: &Self) -> Ordering {
        let key = |it: &Self| {
            let mean = it.held_out.map_or(f64::NEG_INFINITY, |interval| interval.mean);
            (it.verdict == Some(Conclusion::Confirmed), mean)
        };
        let (mine, theirs) = (key(self), key(other));
        let by_score = mine.0.cmp(&theirs.0).then(mine.1.total_cmp(&theirs.1));
        by_score.then(self.created.cmp(&other.created))
    }
}

/// What a run has or may have spent, by its events: calls that were out when it was killed count at their worst case.
/// Its rows need not be there.
///
/// # Errors
/// Its events cannot be read.
pub fn most_spent(dir: &RunDir) -> Result<(Amount, u64), RunDirError> {
    let wallet = wallet_of(dir)?;
    let open = wallet.open_calls();
    let reserved: Amount = open.iter().map(|(.., amount)| *amount).sum();
    Ok((wallet.spent() + reserved, wallet.calls() + open.len() as u64))
}

/// Events within which a run says what it was started with.
const FIRST_EVENTS: u64 = 8;

/// Why the first events are read no further.
enum Stop {
    Known,
    Unreadable(JournalError),
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Unreadable(error)
    }
}

/// Checks that `run.json` is what the run was started with, by the first of its events.
fn check_pin(dir: &RunDir, file: &RunFile) -> Result<(), RunDirError> {
    let (path, mut pinned) = (dir.events(), None);
    if !path.exists() {
        return Ok(());
    }
    let read = read_events(&path, |number, event: Event| {
        if let Event::Pinned { blake3 } = event {
            pinned = Some(blake3);
        }
        let is_known = pinned.is_some() || number.0 >= FIRST_EVENTS;
        if is_known { Err(Stop::Known) } else { Ok(()) }
    });
    if let Err(Stop::Unreadable(error)) = read {
        return Err(RunDirError::Malformed { path, message: error.to_string() });
    }
    file.check_pin(pinned.as_deref()).map_err(|error| RunDirError::Malformed {
        path: dir.file(RUN_FILE),
        message: error.to_string(),
    })
}

/// Dollars and calls of a run by its events.
fn spent_by_events(dir: &RunDir) -> Result<(f64, u64), RunDirError> {
    let wallet = wallet_of(dir)?;
    Ok((wallet.spent().usd.dollars(), wallet.calls()))
}

fn wallet_of(dir: &RunDir) -> Result<Wallet, RunDirError> {
    let (path, mut wallet) = (dir.events(), Wallet::default());
    if path.exists() {
        read_events(&path, |_, event: Event| {
            wallet.apply(&event);
            Ok::<_, JournalError>(())
        })
        .map_err(|error| RunDirError::Malformed { path, message: error.to_string() })?;
    }
    Ok(wallet)
}

/// The runs of a folder, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The runs.
    pub runs: Vec<RunEntry>,
    /// Runs that cannot be read, each with the reason.
    pub unreadable: Vec<String>,
}

impl Catalog {
    /// Reads the runs of a folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(out: &Path) -> Result<Self, RunDirError> {
        let mut catalog = Self::default();
        for dir in RunDir::list(out)? {
            match RunEntry::read(&dir) {
                Ok(entry) => catalog.runs.push(entry),
                Err(error) => catalog.unreadable.push(error.to_string()),
            }
        }
        catalog.runs.sort_by(|a, b| (a.created, &a.run).cmp(&(b.created, &b.run)));
        Ok(catalog)
    }

    /// Keeps the runs of a task: its name, its folder, or its file.
    pub fn keep_task(&mut self, task: &str) {
        self.runs.retain(|run| run.is_of(task));
    }

    /// Keeps the runs that were created at a moment or later.
    pub fn keep_since(&mut self, moment: Timestamp) {
        self.runs.retain(|run| run.created >= moment);
    }

    /// Keeps the best run of each task that has a result on held-out rows.
    pub fn keep_best(&mut self) {
        let mut best: BTreeMap<String, RunEntry> = BTreeMap::new();
        for run in self.runs.drain(..).filter(|run| run.held_out.is_some()) {
            let is_better =
                best.get(&run.task).is_none_or(|known| known.order(&run) == Ordering::Less);
            if is_better {
                best.insert(run.task.clone(), run);
            }
        }
        self.runs = best.into_values().collect();
    }
}
