//! The folder of a monitor: its history, the runs of its checks, and what these have spent or may spend.

use super::{Fact, History, HistoryError, left};
use crate::caps::Caps;
use crate::clock::Clock;
use crate::night::Spending;
use crate::run::{RunDir, RunDirError, SUMMARY_FILE, Summary, most_spent};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder, whose name belongs to the record: a prompt that is exported anew has a history of its own.
#[derive(Clone, Debug)]
pub struct MonitorFolder(RunDir);

impl MonitorFolder {
    /// The folder of a record's seal in a results folder.
    #[must_use]
    pub fn of(out: &Path, seal: &str) -> Self {
        Self(RunDir::at(out.join(format!("monitor-{}", seal.get(..12).unwrap_or_default()))))
    }

    /// The folder itself, with its lock.
    #[must_use]
    pub fn dir(&self) -> &RunDir {
        &self.0
    }

    /// What is written in it.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn history(&self) -> Result<History, HistoryError> {
        History::open(&self.0)
    }

    /// The next check, which is written down before anything is asked: a new one, or one that was not measured.
    ///
    /// # Errors
    /// The history cannot be written.
    pub fn begin(&self, history: &mut History, every: Duration) -> Result<u32, HistoryError> {
        let now = Clock::System.now();
        let (check, has_begun) = history.next(every, now);
        if !has_begun || !history.is_interrupted() {
            history.append(Fact::Begun { check, at: now })?;
        }
        Ok(check)
    }

    /// The runs of a check.
    #[must_use]
    pub fn check(&self, check: u32) -> PathBuf {
        self.0.file(&format!("check-{check}"))
    }

    /// What the runs of a check have or may have spent, but for one of them.
    ///
    /// # Errors
    /// The events of a run cannot be read.
    pub fn spent_by_check(
        &self,
        check: u32,
        but: Option<&RunDir>,
    ) -> Result<Spending, RunDirError> {
        let mut all = Spending::default();
        for run in RunDir::list(&self.check(check))? {
            if but.is_none_or(|but| but.path() != run.path()) {
                all = all.plus(&spent_by(&run)?);
            }
        }
        Ok(all)
    }

    /// What the checks so far have or may have spent, also those that were given up.
    ///
    /// # Errors
    /// The events of a run cannot be read.
    pub fn spent(&self, history: &History) -> Result<Spending, RunDirError> {
        let abandoned = history.abandoned().iter();
        abandoned
            .map(|check| self.spent_by_check(*check, None))
            .try_fold(history.spent(), |all, spent| Ok(all.plus(&spent?)))
    }

    /// What is left for a run of a check, of what a check may spend and of what all of them may.
    ///
    /// # Errors
    /// The events of a run cannot be read.
    pub fn allowance(
        &self,
        (check, run): (u32, &RunDir),
        earlier: &Spending,
        [of_check, of_all]: [Caps; 2],
    ) -> Result<Allowance, RunDirError> {
        let others = self.spent_by_check(check, Some(run))?;
        Ok(Allowance {
            of_check: left(of_check, &others),
            of_all: left(of_all, &earlier.plus(&others)),
            spent: spent_by(run)?,
        })
    }
}

/// What a run of a check may spend.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    of_check: Caps,
    of_all: Caps,
    spent: Spending,
}

/// Which cap a run of a check met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapOf {
    /// That on a check.
    Check,
    /// That on all checks.
    All,
}

impl Allowance {
    /// The caps of the run.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.of_check.lower(self.of_all)
    }

    /// The cap that leaves nothing beside what the run has spent.
    #[must_use]
    pub fn exhausted(&self) -> Option<CapOf> {
        let (all, check) =
            (is_exhausted(&self.of_all, &self.spent), is_exhausted(&self.of_check, &self.spent));
        all.then_some(CapOf::All).or(check.then_some(CapOf::Check))
    }

    /// Whose cap ended the run, if it was that on dollars, on calls, or another one.
    #[must_use]
    pub fn ended_by(&self, is_usd: bool, is_calls: bool) -> CapOf {
        let caps = self.caps();
        let is_total = is_usd && self.of_all.usd.is_some() && caps.usd == self.of_all.usd
            || is_calls && self.of_all.calls.is_some() && caps.calls == self.of_all.calls;
        if is_total { CapOf::All } else { CapOf::Check }
    }
}

/// Whether a cap leaves nothing beside what was spent.
fn is_exhausted(caps: &Caps, spent: &Spending) -> bool {
    caps.usd.is_some_and(|cap| spent.usd >= cap)
        || caps.calls.is_some_and(|cap| spent.calls >= cap)
        || caps.tokens.is_some_and(|cap| spent.tokens >= cap)
        || caps.wall.is_some_and(|cap| spent.running >= cap)
}

fn spent_by(run: &RunDir) -> Result<Spending, RunDirError> {
    let (amount, calls) = most_spent(run)?;
    let running = run.read_json::<Summary>(SUMMARY_FILE).map(|summary| summary.spent.time());
    Ok(Spending {
        usd: amount.usd,
        calls,
        tokens: amount.tokens,
        proposals: 0,
        running: running.unwrap_or_default(),
    })
}
