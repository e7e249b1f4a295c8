//! A run: made, opened, searched, controlled and read.
//!
//! Here the journal is replayed, calls that a kill lost are written down, and a search is put
//! together from its task, its recipe, its providers and its journal. The command line, the benches,
//! the tests and programs that use this crate all start a run here. Not the search itself, which is
//! `search`, and nothing that is shown to people.

mod dir; // The folder, and who holds it.
mod error; // What can go wrong with a run.
mod file; // `run.json`.
mod find; // A run by its name.
mod control; // Stop.
mod models; // Keys, environment, models of the runner's own.
mod history; // The journal, folded.
mod meter; // Spending and time, live.
mod summary; // `summary.json`.
mod summary_writer; // Writes it while a search runs.
mod ended; // What a search leaves.
mod fit; // Whether a recipe and a task fit together.
mod wiring; // A search, put together.
mod loaded; // A run, read from its files.

pub use control::Control;
pub use dir::{RUN_FILE, RunDir, RunDirError, RunLock, SCHEMA, SUMMARY_FILE};
pub use ended::Ended;
pub use error::RunError;
pub use file::{RunFile, RunInfo, RunKind, Settings};
pub use fit::{check_mutator, check_searched_parts, fitted};
pub use history::{History, Moment};
pub use loaded::LoadedRun;
pub use meter::{Meter, Reading};
pub use models::{Access, async_model, model, rewrite};
pub use summary::{
    Counts, FrontPoint, Gain, Prompted, Recommendation, RoleSpent, Spent, Status, Summary,
    dev_interval, prompt_tokens,
};
pub use wiring::{check_models, check_simulated, dev_rows};

use crate::clock::Clock;
use crate::engine::{Outcome, SearchError};
use crate::event::Event;
use crate::id::EventNumber;
use crate::journal::Journal;
use crate::ledger::Wallet;
use crate::memory::{Observer, State};
use crate::provider::Llm;
use crate::recipe::{self, Recipe};
use crate::state::Phase;
use crate::task::Task;
use crate::task::example::Split;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use summary_writer::SummaryWriter;

/// A run that this process holds: no other process can work on it until it is dropped.
pub struct Run {
    file: RunFile,
    task: Arc<Task>,
    recipe: Recipe,
    access: Access,
    journal: Arc<Journal<Event>>,
    repairs: Vec<String>,
    meter: Meter,
    /// `None` for a run that is kept in memory.
    folder: Option<(RunDir, RunLock)>,
}

impl Run {
    /// Starts a run that searches for a better prompt. `dir` becomes its folder, and the folder's
    /// name becomes the run's name.
    ///
    /// # Errors
    /// The folder is a run already, the recipe can do nothing with the task, or nothing limits the
    /// run. Then nothing is created.
    pub fn create(
        task: impl Into<Arc<Task>>,
        recipe: &Recipe,
        settings: Settings,
        dir: impl AsRef<Path>,
    ) -> Result<Self, RunError> {
        let task = task.into();
        check_searched_parts(&task)?;
        let (recipe, _) = fitted(recipe, &task)?;
        check_mutator(&recipe, &task)?;
        Self::begin(task, RunKind::Search, &recipe, settings, dir.as_ref())
    }

    /// Starts a run that measures the task's own prompt on the rows of one split, or on all rows.
    ///
    /// # Errors
    /// The folder is a run already, or nothing limits the run. Then nothing is created.
    pub fn evaluate(
        task: Task,
        split: Option<Split>,
        settings: Settings,
        dir: impl AsRef<Path>,
    ) -> Result<Self, RunError> {
        // Of a recipe, an evaluation uses the schedule alone.
        let recipe = recipe::load("random", &[])?;
        let task = Arc::new(task.for_evaluation(split));
        Self::begin(task, RunKind::Evaluation { split }, &recipe, settings, dir.as_ref())
    }

    fn begin(
        task: Arc<Task>,
        kind: RunKind,
        recipe: &Recipe,
        settings: Settings,
        dir: &Path,
    ) -> Result<Self, RunError> {
        wiring::check_caps(&task, settings.caps.unwrap_or(task.caps))?;
        let dir = RunDir::create(dir)?;
        let file = RunFile::new(&dir.name(), &task, kind, recipe, settings)
            .map_err(|source| RunDirError::Io { path: dir.path().to_owned(), source })?;
        dir.write_json(RUN_FILE, &file)?;
        let lock = dir.lock()?;
        Self::held(dir, lock, file, task)
    }

    /// A search that leaves nothing behind: its journal is gone when the run is dropped. The recipe
    /// is carried out as it is, whether or not it fits the task.
    ///
    /// # Errors
    /// Nothing limits the run, or the system gives no thread for the journal.
    pub fn in_memory(
        task: impl Into<Arc<Task>>,
        recipe: &Recipe,
        settings: Settings,
    ) -> Result<Self, RunError> {
        let task = task.into();
        wiring::check_caps(&task, settings.caps.unwrap_or(task.caps))?;
        let file = RunFile::new(&task.name, &task, RunKind::Search, recipe, settings)
            .map_err(|source| RunDirError::Io { path: task.folder(), source })?;
        Ok(Self {
            file,
            task,
            recipe: recipe.clone(),
            access: Access::default(),
            journal: Arc::new(Journal::in_memory()?),
            repairs: Vec::new(),
            meter: Meter::default(),
            folder: None,
        })
    }

    /// Takes up a run whose task was read from files, which must still hold the same rows.
    ///
    /// # Errors
    /// Another process holds the run, its files cannot be read, or its rows have changed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let lock = dir.lock()?;
        let file = RunFile::read(&dir)?;
        let task = Arc::new(file.read_task()?);
        Self::held(dir, lock, file, task)
    }

    /// Takes up a run whose task was made in memory, given the same task again.
    ///
    /// # Errors
    /// As [`open`](Self::open), and where the task is another one: what has changed.
    pub fn open_with(task: Task, dir: impl AsRef<Path>) -> Result<Self, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let lock = dir.lock()?;
        let file = RunFile::read(&dir)?;
        let task = Arc::new(file.same_task(task)?);
        Self::held(dir, lock, file, task)
    }

    fn held(dir: RunDir, lock: RunLock, file: RunFile, task: Arc<Task>) -> Result<Self, RunError> {
        // Parsed again also where it was just written, so that every session has the same recipe.
        let recipe = recipe::parse(&dir.file(RUN_FILE), &file.recipe)?;
        let (journal, recovery) = Journal::open(dir.path())?;
        Ok(Self {
            file,
            task,
            recipe,
            access: Access::default(),
            journal: Arc::new(journal),
            repairs: recovery.repairs,
            meter: Meter::default(),
            folder: Some((dir, lock)),
        })
    }

    /// Reads a run whose task was read from files. Another process may work on it meanwhile.
    ///
    /// # Errors
    /// Its files cannot be read, or its rows have changed.
    pub fn read(dir: impl AsRef<Path>) -> Result<LoadedRun, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let file = RunFile::read(&dir)?;
        let task = file.read_task()?;
        LoadedRun::read(dir, file, task)
    }

    /// Reads a run whose task was made in memory, given the same task again.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where the task is another one: what has changed.
    pub fn read_with(task: Task, dir: impl AsRef<Path>) -> Result<LoadedRun, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let file = RunFile::read(&dir)?;
        let task = file.same_task(task)?;
        LoadedRun::read(dir, file, task)
    }

    /// Hands the run what it needs from its surroundings and never keeps.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Answers the requests to a provider by a model of the runner's own; see [`model`].
    #[must_use]
    pub fn with_model(mut self, provider: &str, llm: Arc<dyn Llm>) -> Self {
        self.access.models.insert(provider.to_owned(), llm);
        self
    }

    /// Its folder; `None` for a run that is kept in memory.
    #[must_use]
    pub fn dir(&self) -> Option<&RunDir> {
        self.folder.as_ref().map(|(dir, _)| dir)
    }

    /// Its task.
    #[must_use]
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// What the run was started with.
    #[must_use]
    pub fn file(&self) -> &RunFile {
        &self.file
    }

    /// What had to be put right when the journal was opened, for people.
    #[must_use]
    pub fn repairs(&self) -> &[String] {
        &self.repairs
    }

    /// Spending and time of the search while it runs.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// One event of the run's journal.
    ///
    /// # Errors
    /// There is none of this number, or it cannot be read.
    pub fn event(&self, number: EventNumber) -> Result<Event, RunError> {
        Ok(self.journal.read(number)?)
    }

    /// All events so far, in order.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn events(&self) -> Result<Vec<(EventNumber, Event)>, RunError> {
        let mut events = Vec::new();
        self.journal.replay(|number, event| {
            events.push((number, event));
            Ok::<_, RunError>(())
        })?;
        Ok(events)
    }

    /// Searches from where the journal ends to the end of the search, or until it is stopped. A
    /// search that was stopped goes on when this is called again, in this process or in another.
    ///
    /// # Errors
    /// The journal cannot be written, a provider cannot be reached as it is written down, or no
    /// request can be written.
    pub async fn search(
        &mut self,
        observers: Vec<Box<dyn Observer>>,
        control: &Control,
    ) -> Result<Ended, RunError> {
        let mut history = History::of(&self.journal, dev_rows(&self.task))?;
        if history.state.phase == Phase::Over {
            let running = history.running();
            return Ok(self.ended(Outcome::Finished, history.state, history.wallet, running));
        }
        for event in history.resumption(Clock::System.now()) {
            let number = self.journal.append(event.clone())?;
            history.apply(number, &event);
        }
        self.journal.flush().await?;
        let parts = (&self.file, &self.task, &self.recipe);
        let (mut search, runner) =
            wiring::search(parts, &self.access, &self.journal, history, control.stopped())?;
        self.meter.watch(&runner);
        if let Some((dir, _)) = &self.folder {
            let (dir, task) = (dir.clone(), Arc::clone(&self.task));
            let writer = SummaryWriter::new(dir, self.file.info(), task, Arc::clone(&runner));
            search.observe(Box::new(writer));
        }
        for observer in observers {
            search.observe(observer);
        }
        let outcome = search.run().await;
        let (state, wallet) = (search.state().clone(), runner.wallet().clone());
        // Observers that draw are done before anything else is shown.
        drop(search);
        self.wrap_up(outcome, state, wallet, runner.running())
    }

    /// Writes the last summary of this session.
    fn wrap_up(
        &self,
        outcome: Result<Outcome, SearchError>,
        state: State,
        wallet: Wallet,
        running: Duration,
    ) -> Result<Ended, RunError> {
        let (summary, ended) = match outcome {
            Ok(outcome) => {
                let ended = self.ended(outcome, state, wallet, running);
                (self.folder.as_ref().map(|_| ended.summary()), Ok(ended))
            }
            Err(error) => {
                let info = self.file.info();
                let failed =
                    Summary::of(&info, &self.task, &state, &wallet, running, Status::Failed);
                (Some(failed), Err(error.into()))
            }
        };
        if let (Some((dir, _)), Some(summary)) = (&self.folder, summary) {
            summary.write(dir)?;
        }
        ended
    }

    fn ended(&self, outcome: Outcome, state: State, wallet: Wallet, running: Duration) -> Ended {
        let (info, task) = (self.file.info(), Arc::clone(&self.task));
        Ended { outcome, state, wallet, running, info, task }
    }
}

#[cfg(test)]
mod tests;
