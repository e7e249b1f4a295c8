//! A run, read from its files, whether or not a process works on it.

use super::answers::{AnswerFigures, figures_of_answers};
use super::dir::{RUN_FILE, RunDir, SUMMARY_FILE};
use super::error::RunError;
use super::figures::{Prompted, prompted, score_interval};
use super::file::{RunFile, RunKind};
use super::guard::{self, Flag};
use super::history::History;
use super::invalid::InvalidOfRun;
use super::summary::{Status, Summary};
use crate::caps::Caps;
use crate::id::{CandidateIx, RowIx};
use crate::journal::{EventIndex, Events};
use crate::memory::State;
use crate::operator::Operator;
use crate::recipe::{self, Recipe};
use crate::state::{Named, Phase};
use crate::stats::weighted::Weighted;
use crate::task::Task;
use crate::task::example::{Example, RowHash, Split, Splits};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A run that was read from its files.
pub struct LoadedRun {
    /// Its folder.
    pub dir: RunDir,
    /// The content of its `run.json`.
    pub file: RunFile,
    /// Its recipe; `None` where this version, or this program, does not know a kind of it.
    pub recipe: Option<Recipe>,
    /// Its task.
    pub task: Arc<Task>,
    /// Its history so far.
    pub history: History,
    /// Its summary so far.
    pub summary: Summary,
    /// Why answers of it are invalid.
    pub invalid: InvalidOfRun,
}

impl LoadedRun {
    /// Reads the plain copy of the journal, because a running process may hold the journal itself.
    pub(super) fn read(
        dir: RunDir,
        file: RunFile,
        task: Task,
        operators: &[Arc<dyn Operator>],
    ) -> Result<Self, RunError> {
        let recipe = recipe::parse_with(&dir.file(RUN_FILE), &file.recipe, operators).ok();
        if !dir.events().exists() && dir.file("journal").is_dir() && !dir.is_running() {
            return Err(RunError::NoEvents(file.run.to_string()));
        }
        let history = History::read(&dir.events(), Named::of(&task))?;
        let mut run = Self::of(dir, file, task, recipe, history);
        run.sum_up(None)?;
        Ok(run)
    }

    /// What is made of it is made by `sum_up`.
    pub(super) fn of(
        dir: RunDir,
        file: RunFile,
        task: Task,
        recipe: Option<Recipe>,
        history: History,
    ) -> Self {
        let (info, running) = (file.info(), history.running());
        let (state, wallet) = (&history.state, &history.wallet);
        let summary = Summary::of(&info, &task, state, wallet, running, Status::Interrupted);
        let task = Arc::new(task);
        Self { dir, file, recipe, task, history, summary, invalid: InvalidOfRun::default() }
    }

    /// Makes the summary of the history, and counts invalid answers.
    pub(super) fn sum_up(&mut self, index: Option<&EventIndex>) -> Result<(), RunError> {
        let state = &self.history.state;
        self.file.check_pin(state.pin.as_deref())?;
        check_emptied(&self.dir, &self.file, state.phase == Phase::New)?;
        let status = status(&self.dir, state);
        let (info, running) = (self.file.info(), self.history.running());
        let wallet = &self.history.wallet;
        self.summary = Summary::of(&info, &self.task, state, wallet, running, status);
        if status == Status::Running {
            // Only the process that works on the run knows.
            if let Ok(last) = self.dir.read_json::<Summary>(SUMMARY_FILE) {
                self.summary.waiting = last.waiting;
                if last.status == Status::Paused {
                    self.summary.status = Status::Paused;
                }
            }
        }
        let path = self.dir.events();
        let events = index.map_or(Events::from(&path), Events::from);
        if self.file.kind == RunKind::Search && state.winner.is_some() {
            self.summary.flags = guard::flags_of_winner(&self.task, state, events)?;
        }
        if self.history.events > 0 {
            self.invalid.read_new(events, &self.task, state)?;
        }
        Ok(())
    }
}

impl LoadedRun {
    /// A candidate's first answers' scores on a split by row, with the weight of the row; rows that hold the same count as
    /// one, with their mean.
    #[must_use]
    pub fn scores(&self, candidate: CandidateIx, split: Split) -> BTreeMap<RowHash, Weighted> {
        let Some(standing) = self.history.state.candidates.get(candidate.index()) else {
            return BTreeMap::new();
        };
        let mut sums: BTreeMap<RowHash, (f64, f64, f64)> = BTreeMap::new();
        for (row, hash) in (0..).map(RowIx).zip(self.hashes(split)) {
            if let Some(score) = standing.column(split, 0).cell(row).score() {
                let (sum, count, weight) = sums.entry(hash).or_default();
                *sum += score;
                *count += 1.0;
                // What a row holds includes its weight.
                *weight = self.history.state.weights.of(split, row);
            }
        }
        let of = |(sum, count, weight)| Weighted { value: sum / count, weight };
        sums.into_iter().map(|(hash, sums)| (hash, of(sums))).collect()
    }

    /// What guards find in a candidate; nothing in the baseline, which is the user's own.
    ///
    /// # Errors
    /// Its events cannot be read.
    pub fn flags(&self, candidate: CandidateIx) -> Result<Vec<Flag>, RunError> {
        if candidate == self.winner() && !self.summary.flags.is_empty() {
            return Ok(self.summary.flags.clone());
        }
        let events = self.dir.events();
        Ok(guard::flags(&self.task, &self.history.state, (&events).into(), candidate)?)
    }

    /// The figures of a candidate's first answers on a split, each with its row.
    ///
    /// # Errors
    /// Its events cannot be read.
    pub fn answer_figures(
        &self,
        candidate: CandidateIx,
        split: Split,
    ) -> Result<Vec<(RowHash, AnswerFigures)>, RunError> {
        let (events, state) = (self.dir.events(), &self.history.state);
        let figures = figures_of_answers((&events).into(), state, candidate, split)?;
        let rows = (0..).map(RowIx).zip(self.hashes(split));
        Ok(rows.filter_map(|(row, hash)| Some((hash, *figures.get(&row)?))).collect())
    }

    /// What the rows of a split hold, as hashes.
    fn hashes(&self, split: Split) -> Vec<RowHash> {
        let Splits { train, dev, hold } = &self.task.splits;
        match split {
            Split::Train => train.iter().map(Example::content_hash).collect(),
            Split::Dev => dev.iter().map(Example::content_hash).collect(),
            Split::Hold => hold.content_hashes(),
        }
    }

    /// The figures of a candidate: those of the summary, or of one that is not in it, on held-out rows that it has a
    /// score for.
    #[must_use]
    pub fn prompted(&self, candidate: CandidateIx) -> Prompted {
        let (state, seed) = (&self.history.state, self.file.seed);
        let standing = state.standing(candidate);
        let known = [&self.summary.best, &self.summary.baseline].into_iter().flatten();
        if let Some(known) = known.into_iter().find(|it| it.candidate == standing.candidate.id) {
            return known.clone();
        }
        let scores: Vec<Weighted> = self.scores(candidate, Split::Hold).into_values().collect();
        prompted(&self.task, state, standing, score_interval(&scores, seed), seed)
    }

    /// The winner; while there is none, the incumbent.
    #[must_use]
    pub fn winner(&self) -> CandidateIx {
        let state = &self.history.state;
        state.winner.map_or(state.incumbent, |(winner, ..)| winner)
    }

    /// What the run may spend.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.history.state.caps.unwrap_or(self.file.caps)
    }
}

/// Refuses a run whose journal is empty although it had paid for calls, by its summary.
pub(super) fn check_emptied(dir: &RunDir, file: &RunFile, is_empty: bool) -> Result<(), RunError> {
    let paid = || {
        dir.read_json::<Summary>(SUMMARY_FILE)
            .is_ok_and(|last| last.spent.by_role.values().any(|role| role.calls > 0))
    };
    if is_empty && paid() { Err(RunError::Emptied(file.run.to_string())) } else { Ok(()) }
}

fn status(dir: &RunDir, state: &State) -> Status {
    if state.phase == Phase::Over {
        Status::Finished
    } else if dir.is_running() {
        Status::Running
    } else {
        Status::Interrupted
    }
}
