//! Creates, opens, searches, controls and reads a run.
//!
//! This room replays the journal, records the calls that a kill lost, and assembles a search from
//! task, recipe, providers and journal. The command line, the benches, the tests and programs that
//! use this crate all start a run here. The search itself is in `engine`; what people see is in
//! `report` and `ui`.

mod dir; // The folder and the lock on it.
mod error; // The errors of a run.
mod source; // Runs that another one takes something from.
mod file; // `run.json`.
mod find; // Finds a run by its name.
mod free_seed; // The smallest seed that no run of a task has.
mod control; // Stops a search.
mod models; // Keys, environment, models of the caller.
mod spending_over_time; // What each role had spent at moments.
mod history; // The journal, folded.
mod dollars; // Money as `summary.json` shows it.
mod figures; // Prompts with their figures.
mod certificate; // How a judge's grades compare with those of people.
mod judged; // The judge of a task, and whether it is certified.
mod answers; // What candidates answered.
mod guard; // What a prompt should not bring along.
mod summary; // `summary.json`.
mod reuse; // Answers of earlier runs.
mod warm; // Prompts of an earlier run.
mod journaled_looks; // Looks that the journals of a folder have.
mod conclusion; // The verdict in a word.
mod eta; // How long a search may still take.
mod meter; // Live figures.
mod requests; // What another process asks of a search.
mod asking; // Asks it, and waits.
mod catalog; // The runs of a folder.
mod summary_writer; // Writes `summary.json` while a search runs.
mod ended; // The end of a search.
mod given; // What a program made in memory.
mod binding; // Which caps can be reached.
mod lengths; // What calls are assumed to use.
mod affordable; // What caps pay for.
mod estimate; // What a run would do and cost.
mod width; // How many children a run tries side by side.
mod rounds; // How many rounds of batches a night has.
mod fit; // Checks that a recipe and a task fit together.
mod wiring; // Assembles a search.
mod invalid; // Why answers are invalid.
mod loaded; // A run, read from its files.
mod followed; // A run, read on as it grows.
mod reopening; // Whether a finished run goes on.
mod candidates; // Which candidates of a finished run may be confirmed.

pub use answers::{AnswerFigures, RowAnswer, answers};
pub use asking::NotCarriedOut;
pub use binding::{binding, is_paid, no_cap_binds};
pub use candidates::{ConfirmationPlan, MOST_CANDIDATES};
pub use catalog::{Catalog, RunEntry, most_spent};
pub use certificate::{
    Bias, CERTIFICATE, Certificate, CertificateFigures, CriterionAgreement, JudgeCounts,
    JudgeModel, JudgeSettings, Labels, LevelCounts, PassCounts, PlaceBias, Required,
};
pub use conclusion::Conclusion;
pub use control::Control;
pub use dir::{NIGHT_FILE, RUN_FILE, RunDir, RunDirError, RunLock, SCHEMA, SUMMARY_FILE};
pub use dollars::in_dollars;
pub use ended::Ended;
pub use error::RunError;
pub use estimate::{Estimate, KnownUsage, RoleEstimate, estimate};
pub use eta::{Eta, Progressed};
pub use figures::{
    ConfirmedCandidate, FamilyResult, Gain, Prompted, dev_interval, prompt_tokens, score_interval,
};
pub use file::{RunFile, RunInfo, RunKind, Settings, scorer_programs, task_programs};
pub use fit::{check_mutator, check_searched_parts, fitted};
pub use followed::FollowedRun;
pub use free_seed::free_seed;
pub use given::Given;
pub use guard::{Flag, Guard};
pub use history::{History, Moment};
pub use invalid::InvalidOfRun;
pub use judged::{Certified, Corrected, Judged};
pub use lengths::usage_of_row;
pub use loaded::LoadedRun;
pub use meter::{Meter, Reading};
pub use models::{Access, async_model, model, rewrite};
pub use reopening::way_on;
pub use requests::{Answer, Asked, Inbox, Progress, Received, Request};
pub use rounds::{NIGHT, Rounds, time_of, without_batches};
pub use source::{ReuseSource, WarmStart};
pub use spending_over_time::{RoleSpentBy, SpendingOverTime, SpentBy};
pub use summary::{
    Counts, EarlierResult, FailedCalls, FrontPoint, MutatorEarned, OpenBatch, Recommendation,
    ReusedFrom, RoleSpent, Spent, Status, Summary,
};
pub use width::{Latencies, expected_seconds, frozen, slots};
pub use wiring::{
    check_first_block, check_models, check_simulated, most_calls_per_answer, providers,
};

use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::{EarlierAnswers, LookCounter, Outcome, SearchError};
use crate::evaluate::Evaluator;
use crate::event::{Confirmation, Event};
use crate::id::{CandidateIx, EventNumber};
use crate::journal::Journal;
use crate::ledger::{Finale, Least, Limits, Wallet};
use crate::looks::Looks;
use crate::memory::{Observer, State};
use crate::provider::Llm;
use crate::recipe::{self, Recipe, RecipeError};
use crate::seed::Seed;
use crate::source::SourceError;
use crate::state::{Named, Phase};
use crate::strategy::Comparison;
use crate::task::example::{RowHash, Split};
use crate::task::model::ModelRole;
use crate::task::{ProviderChange, Task, TaskSource};
use free_seed::FreeSeed;
use reopening::{End, earlier_end};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use summary_writer::SummaryWriter;
use tokio::task::JoinSet;

/// A run that this process has locked until it is dropped.
pub struct Run {
    file: RunFile,
    task: Arc<Task>,
    recipe: Recipe,
    access: Access,
    journal: Arc<Journal<Event>>,
    repairs: Vec<String>,
    meter: Meter,
    caps: Caps,
    is_over: bool,
    /// The caps that it was found to go on with, although it is over.
    reopened_for: Option<Caps>,
    /// The answers of its sources, once they were read.
    earlier: Option<EarlierAnswers>,
    /// Changes of the way in which models are asked that were not accepted.
    provider_changes: Vec<ProviderChange>,
    /// Keys of the task file that have changed and have no effect.
    without_effect: Vec<SourceError>,
    /// `None` for a run in memory.
    folder: Option<(RunDir, RunLock)>,
}

/// A run's journal with what opening it tells.
struct OpenedJournal {
    journal: Journal<Event>,
    repairs: Vec<String>,
    caps: Caps,
    is_over: bool,
    /// The accepted changes of where and how models are asked, by key.
    accepted: BTreeMap<String, ProviderChange>,
}

impl OpenedJournal {
    fn open(dir: &RunDir, file: &RunFile) -> Result<Self, RunError> {
        let (journal, recovery) = Journal::open(dir.path())?;
        loaded::check_emptied(dir, file, journal.is_empty())?;
        let (mut caps, mut is_over, mut accepted) = (file.caps, false, BTreeMap::new());
        let mut pinned = None;
        journal.replay(|_, event| {
            match event {
                Event::Pinned { blake3 } => pinned = Some(blake3),
                Event::CapsChanged { caps: changed } => caps = changed,
                Event::ProvidersChanged { changes } => {
                    accepted.extend(changes.into_iter().map(|it| (it.key.clone(), it)));
                }
                Event::Finished { .. } => is_over = true,
                Event::Reopened { caps: raised, .. }
                | Event::ConfirmationAsked { caps: raised, .. } => {
                    (caps, is_over) = (raised, false);
                }
                _ => {}
            }
            Ok::<_, RunError>(())
        })?;
        // Before anything is appended.
        file.check_pin(pinned.as_deref())?;
        Ok(Self { journal, repairs: recovery.repairs, caps, is_over, accepted })
    }
}

/// What a run asks beside what its kind says.
enum Asks {
    /// Nothing else.
    All,
    /// These rows alone.
    Rows(Vec<RowHash>),
    /// Further prompts.
    Prompts(Comparison),
}

/// The recipe of an evaluation, which uses its schedule alone.
pub(crate) fn evaluation_recipe() -> Result<Recipe, RecipeError> {
    recipe::load("random", &[])
}

impl Run {
    /// Starts a run that searches for a better prompt. `dir` becomes its folder, and the folder's
    /// name becomes the run's name. Operators of the recipe from outside of this crate must be given
    /// again when the run is opened.
    ///
    /// # Errors
    /// The folder already holds a run, the recipe cannot change anything, or the run has no cap.
    /// Nothing is created then.
    pub fn create(
        task: impl Into<Arc<Task>>,
        recipe: &Recipe,
        settings: Settings,
        dir: impl AsRef<Path>,
    ) -> Result<Self, RunError> {
        let task = task.into();
        check_searched_parts(&task)?;
        let warm = match &settings.warm {
            Some(warm) => Some(recipe.with_prompts(&warm.texts).map_err(RunError::Prompts)?),
            None => None,
        };
        let (recipe, _) = fitted(warm.as_ref().unwrap_or(recipe), &task)?;
        check_mutator(&recipe, &task)?;
        Self::begin(task, RunKind::Search, Asks::All, &recipe, settings, dir.as_ref())
    }

    /// Starts a run that measures the task's own prompt on the rows of one split, or on all rows; of these on `rows`
    /// alone, where they are given.
    ///
    /// # Errors
    /// The folder already holds a run, or the run has no cap. Nothing is created then.
    pub fn evaluate(
        task: Task,
        split: Option<Split>,
        rows: Option<Vec<RowHash>>,
        settings: Settings,
        dir: impl AsRef<Path>,
    ) -> Result<Self, RunError> {
        let recipe = evaluation_recipe()?;
        let task = Arc::new(file::evaluated(task, split, rows.as_deref()));
        let (kind, what) = (RunKind::Evaluation { split }, rows.map_or(Asks::All, Asks::Rows));
        Self::begin(task, kind, what, &recipe, settings, dir.as_ref())
    }

    /// Starts a run that compares the task's own prompt with others on the rows of one split, or on all rows, until it
    /// is decided.
    ///
    /// # Errors
    /// The folder already holds a run, or the run has no cap. Nothing is created then.
    pub fn compare(
        task: Task,
        split: Option<Split>,
        comparison: Comparison,
        settings: Settings,
        dir: impl AsRef<Path>,
    ) -> Result<Self, RunError> {
        let recipe = evaluation_recipe()?;
        let task = Arc::new(file::compared(task, split, settings.seed.unwrap_or(Seed(1))));
        let (kind, what) = (RunKind::Comparison { split }, Asks::Prompts(comparison));
        Self::begin(task, kind, what, &recipe, settings, dir.as_ref())
    }

    fn begin(
        task: Arc<Task>,
        kind: RunKind,
        asks: Asks,
        recipe: &Recipe,
        settings: Settings,
        dir: &Path,
    ) -> Result<Self, RunError> {
        RunDir::at(dir).check_name(settings.night.as_deref())?;
        wiring::check_caps(kind, &task, recipe, settings.caps.unwrap_or(task.caps))?;
        Evaluator::new(Arc::clone(&task), &[]).check_rows()?;
        let caps = settings.caps.unwrap_or(task.caps);
        let recipe = frozen(recipe, &task, caps, settings.concurrency, &dir.join(RUN_FILE))?;
        // Held until `run.json` says which seed is taken.
        let free = match settings.seed {
            Some(_) => None,
            None => Some(FreeSeed::take(dir.parent().unwrap_or(Path::new("")), &task)?),
        };
        let seed = settings.seed.or(free.as_ref().map(FreeSeed::seed));
        let settings = Settings { seed, ..settings };
        if let Some(warm) = &settings.warm {
            warm.bring_looks(&task, dir.parent().unwrap_or(Path::new("")))?;
        }
        let (dir, lock) = RunDir::create(dir)?;
        let seen = match kind {
            RunKind::Search => Some(warm::write_seen(&dir, &task, settings.warm.as_ref())?),
            RunKind::Comparison { .. } | RunKind::Evaluation { .. } => None,
        };
        let file = RunFile::new(&dir.name(), &task, kind, &recipe, settings)
            .map_err(|source| RunDirError::Io { path: dir.path().to_owned(), source })?;
        let file = RunFile { seen, ..file };
        let file = match asks {
            Asks::All => file,
            Asks::Rows(rows) => RunFile { rows: Some(rows), ..file },
            Asks::Prompts(comparison) => RunFile { comparison: Some(comparison), ..file },
        };
        dir.write_json(RUN_FILE, &file)?;
        drop(free);
        let opened = OpenedJournal::open(&dir, &file)?;
        Ok(Self::held(dir, lock, file, task, recipe, opened))
    }

    /// A run in memory only: its journal is gone when the run is dropped. What of the recipe has nothing
    /// to work on in the task is kept.
    ///
    /// # Errors
    /// The run has no cap, slots of the recipe do not go together, or the system has no thread for the
    /// journal.
    pub fn in_memory(
        task: impl Into<Arc<Task>>,
        recipe: &Recipe,
        settings: Settings,
    ) -> Result<Self, RunError> {
        let task = task.into();
        wiring::check_caps(RunKind::Search, &task, recipe, settings.caps.unwrap_or(task.caps))?;
        Evaluator::new(Arc::clone(&task), &[]).check_rows()?;
        let caps = settings.caps.unwrap_or(task.caps);
        let recipe = frozen(recipe, &task, caps, settings.concurrency, Path::new(RUN_FILE))?;
        let file = RunFile::new(&task.name, &task, RunKind::Search, &recipe, settings)
            .map_err(|source| RunDirError::Io { path: task.folder(), source })?;
        Ok(Self {
            caps: file.caps,
            is_over: false,
            reopened_for: None,
            earlier: None,
            file,
            task,
            recipe,
            access: Access::default(),
            journal: Arc::new(Journal::in_memory()?),
            repairs: Vec::new(),
            meter: Meter::default(),
            provider_changes: Vec::new(),
            without_effect: Vec::new(),
            folder: None,
        })
    }

    /// Opens a run whose task was read from files, which must still hold the same rows. How providers are
    /// reached and paced and how calls are made is read afresh from the task file, if that is still there.
    ///
    /// # Errors
    /// Another process holds the run, its files cannot be read, or its rows have changed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, RunError> {
        Self::open_with(Given::default(), dir)
    }

    /// Opens a run of which something was made in memory: the same task, the same operators must be
    /// given again.
    ///
    /// # Errors
    /// As [`open`](Self::open); also a task that differs, or an operator that is missing.
    pub fn open_with(given: impl Into<Given>, dir: impl AsRef<Path>) -> Result<Self, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let lock = dir.lock()?;
        // They were meant for a process that has ended; one that is made from now on is for this one.
        dir.forget_requests();
        let file = RunFile::read(&dir)?;
        let (task, operators) = given.into().of(&file)?;
        let recipe = recipe::parse_with(&dir.file(RUN_FILE), &file.recipe, &operators)?;
        file.check_programs(&task, &recipe)?;
        let opened = OpenedJournal::open(&dir, &file)?;
        // A run that is over asks nothing more.
        let (without_effect, (task, changes)) = match opened.is_over {
            true => (Vec::new(), (task, Vec::new())),
            false => (task.keys_without_effect(), task.with_current_providers(&opened.accepted)?),
        };
        Ok(Self {
            provider_changes: changes,
            without_effect,
            ..Self::held(dir, lock, file, Arc::new(task), recipe, opened)
        })
    }

    fn held(
        dir: RunDir,
        lock: RunLock,
        file: RunFile,
        task: Arc<Task>,
        recipe: Recipe,
        opened: OpenedJournal,
    ) -> Self {
        Self {
            caps: opened.caps,
            is_over: opened.is_over,
            reopened_for: None,
            earlier: None,
            file,
            task,
            recipe,
            access: Access::default(),
            journal: Arc::new(opened.journal),
            repairs: opened.repairs,
            meter: Meter::default(),
            provider_changes: Vec::new(),
            without_effect: Vec::new(),
            folder: Some((dir, lock)),
        }
    }

    /// Reads a run whose task was read from files. Another process may work on it at the same time.
    ///
    /// # Errors
    /// Its files cannot be read, or its rows have changed.
    pub fn read(dir: impl AsRef<Path>) -> Result<LoadedRun, RunError> {
        Self::read_with(Given::default(), dir)
    }

    /// Reads a run of which something was made in memory; see [`open_with`](Self::open_with).
    ///
    /// # Errors
    /// As [`read`](Self::read); also a task that differs. An operator may be missing: then its
    /// proposals are explained by its name alone.
    pub fn read_with(
        given: impl Into<Given>,
        dir: impl AsRef<Path>,
    ) -> Result<LoadedRun, RunError> {
        let dir = RunDir::at(dir.as_ref());
        let file = RunFile::read(&dir)?;
        let (task, operators) = given.into().of(&file)?;
        LoadedRun::read(dir, file, task, &operators)
    }

    /// Gives the run what it needs from outside and never stores.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Answers the requests to a provider with a model of the caller; see [`model`].
    #[must_use]
    pub fn with_model(mut self, provider: &str, llm: Arc<dyn Llm>) -> Self {
        self.access.models.insert(provider.to_owned(), llm);
        self
    }

    /// Its folder; `None` for a run in memory.
    #[must_use]
    pub fn dir(&self) -> Option<&RunDir> {
        self.folder.as_ref().map(|(dir, _)| dir)
    }

    /// Keys of the task file that have changed since the run was started and have no effect in it.
    #[must_use]
    pub fn without_effect(&self) -> &[SourceError] {
        &self.without_effect
    }

    /// Its task.
    #[must_use]
    pub fn task(&self) -> &Arc<Task> {
        &self.task
    }

    /// Whether it asks models of this role.
    #[must_use]
    pub fn asks(&self, role: ModelRole) -> bool {
        self.file.kind.asks(&self.task, &self.recipe, role)
    }

    /// The content of `run.json`.
    #[must_use]
    pub fn file(&self) -> &RunFile {
        &self.file
    }

    /// What the run may spend.
    #[must_use]
    pub fn caps(&self) -> Caps {
        self.caps
    }

    /// Whether it was over when it was opened, so that a search changes nothing.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// How long it has been running, over all its sessions.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn running(&self) -> Result<Duration, RunError> {
        Ok(History::of(&self.journal, Named::of(&self.task))?.running())
    }

    /// What has changed of where and how models are asked since the run was started, or since such a
    /// change was accepted: a search refuses it.
    #[must_use]
    pub fn provider_changes(&self) -> &[ProviderChange] {
        &self.provider_changes
    }

    /// Accepts these changes, which are written down: answers from now on may come from another server, or
    /// from a model that is asked otherwise.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn accept_provider_changes(&mut self) -> Result<(), RunError> {
        let changes = std::mem::take(&mut self.provider_changes);
        if !changes.is_empty() {
            self.journal.append(Event::ProvidersChanged { changes })?;
        }
        Ok(())
    }

    /// Checks that models are asked as they were, or that the change was accepted.
    ///
    /// # Errors
    /// What has changed.
    pub fn check_providers(&self) -> Result<(), RunError> {
        let (run, changes) = (self.file.run.to_string(), self.provider_changes.clone());
        match changes.is_empty() {
            true => Ok(()),
            false => Err(RunError::ProvidersChanged { run, changes }),
        }
    }

    /// Opens a finished run again for a search with these caps: `set_caps` then writes them down, and until
    /// then nothing has happened. How its providers are reached and paced is read afresh, as for an
    /// interrupted run. Does nothing for a run that is not over.
    ///
    /// # Errors
    /// The run does not go on with these caps, a cap is not above what was spent, or a file has a mistake.
    pub fn reopen(&mut self, caps: Caps) -> Result<(), RunError> {
        let history = History::of(&self.journal, Named::of(&self.task))?;
        if history.state.phase != Phase::Over || self.reopened_for == Some(caps) {
            return Ok(());
        }
        let (file, task, recipe) = (&self.file, &self.task, &self.recipe);
        let (caps_before, running) = (self.caps, history.running());
        let end = End { file, task, recipe, state: &history.state, caps: caps_before, running };
        end.check(caps, Clock::System.now())?;
        self.check_above(caps, &history)?;
        self.read_providers_again(&history)?;
        (self.is_over, self.reopened_for) = (false, Some(caps));
        Ok(())
    }

    /// Reads afresh how providers are reached and paced: a run that is over was opened without.
    fn read_providers_again(&mut self, history: &History) -> Result<(), RunError> {
        if let (TaskSource::Files(_), Some(_)) = (&self.file.task, &self.folder) {
            let task = self.file.read_task()?;
            self.without_effect = task.keys_without_effect();
            let (task, changes) = task.with_current_providers(&history.state.provider_changes)?;
            (self.task, self.provider_changes) = (Arc::new(task), changes);
        }
        Ok(())
    }

    /// What there is to do to compare up to five candidates of a finished run with the baseline on held-out rows,
    /// within these caps; `confirm` then writes it down. How its providers are reached is read afresh.
    ///
    /// # Errors
    /// The run is not finished, its caps or its time have no room, or a file has a mistake.
    pub fn plan_confirmation(
        &mut self,
        candidates: &[CandidateIx],
        caps: Caps,
    ) -> Result<ConfirmationPlan, RunError> {
        let history = History::of(&self.journal, Named::of(&self.task))?;
        let plan = candidates::plan((&self.file, &self.task, &history.state), candidates, caps)?;
        if let ConfirmationPlan::Begins(_) = plan {
            self.check_above(caps, &history)?;
            let limits = Limits::new(caps, 0, Finale::default());
            let left = limits.time_left(history.running(), Clock::System.now());
            if left == Some(Duration::ZERO) {
                let (why, help) =
                    ("its time is over", "give it time: `--for 1h` or `--until 07:00`");
                let (run, why, help) = (self.file.run.to_string(), why.into(), help.into());
                return Err(RunError::Unconfirmable { run, why, help });
            }
            self.read_providers_again(&history)?;
        }
        Ok(plan)
    }

    /// Begins a confirmation that was planned with these caps: the next search makes it. The run's result stays.
    ///
    /// # Errors
    /// A price is unknown that a cap needs, the run's providers have changed, or the journal cannot be written.
    pub fn confirm(&mut self, confirmation: Confirmation, caps: Caps) -> Result<(), RunError> {
        wiring::check_caps(self.file.kind, &self.task, &self.recipe, caps)?;
        self.check_providers()?;
        let at = Clock::System.now();
        self.journal.append(Event::ConfirmationAsked { at, caps, confirmation })?;
        (self.caps, self.is_over) = (caps, false);
        Ok(())
    }

    /// Changes what the run may spend, from its next search on. A finished run goes on with caps that make it
    /// go on: its search continues where it ended, and its winner is confirmed again.
    ///
    /// # Errors
    /// The run would have no cap, a cap is not above what was spent, a price is unknown that a cap needs, a
    /// finished run does not go on, its providers have changed, or the journal cannot be written.
    pub fn set_caps(&mut self, caps: Caps) -> Result<(), RunError> {
        wiring::check_caps(self.file.kind, &self.task, &self.recipe, caps)?;
        let history = History::of(&self.journal, Named::of(&self.task))?;
        self.check_above(caps, &history)?;
        let event = if history.state.phase == Phase::Over {
            self.reopen(caps)?;
            self.check_providers()?;
            let running = history.running();
            let (info, state, wallet) = (self.file.info(), &history.state, &history.wallet);
            let summary = Summary::of(&info, &self.task, state, wallet, running, Status::Finished);
            let (at, earlier) = (Clock::System.now(), earlier_end(state, &summary, wallet));
            Event::Reopened { at, caps, earlier }
        } else {
            Event::CapsChanged { caps }
        };
        self.journal.append(event)?;
        self.caps = caps;
        Ok(())
    }

    /// Checks that the caps that change are above what was spent, and what issued calls may spend.
    fn check_above(&self, caps: Caps, history: &History) -> Result<(), RunError> {
        let least = Least::of_stopped(&history.state.plan, &history.wallet);
        match least.exceeds(caps.other_than(self.caps)) {
            Some((used, cap)) => Err(RunError::Spent { run: self.file.run.to_string(), used, cap }),
            None => Ok(()),
        }
    }

    /// What was repaired when the journal was opened, for people.
    #[must_use]
    pub fn repairs(&self) -> &[String] {
        &self.repairs
    }

    /// Reads the answers of its sources; what of them is gone, for people: what it would have answered is asked. A
    /// search does so itself where it was not done before.
    ///
    /// # Errors
    /// A run that has not begun needs all of its sources.
    pub fn read_sources(&mut self) -> Result<Vec<String>, RunError> {
        let (earlier, gone) = reuse::answers_of(&self.file.reuse, &self.task);
        if self.journal.is_empty() && !gone.is_empty() {
            return gone.into_iter().next().map_or(Ok(Vec::new()), Err);
        }
        self.earlier = Some(earlier);
        Ok(gone.iter().map(|why| format!("{why}; what is not copied yet is asked")).collect())
    }

    /// Spending and time of the search while it runs.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// One event of the run's journal.
    ///
    /// # Errors
    /// There is no event with this number, or it cannot be read.
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

    /// How many rows of a search must pass, where some must: they are the first ones of their split.
    fn rows_that_must_pass(&self) -> Option<Event> {
        let dev = self.task.splits.dev.iter().filter(|row| row.must_pass).count();
        let hold = self.task.splits.hold.must_pass();
        let of = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        let is_any = self.file.kind == RunKind::Search && dev + hold > 0;
        let of_hold = of(self.task.splits.hold.len());
        is_any.then(|| Event::RowsMustPass { dev: of(dev), hold: of(hold), of_hold })
    }

    /// Runs the search from the end of the journal until it is finished or stopped. Call it again, in
    /// this process or another, to continue a stopped search.
    ///
    /// # Errors
    /// The journal cannot be written, a provider has unusable settings or was changed, or a request cannot
    /// be written.
    pub async fn search(
        &mut self,
        observers: Vec<Box<dyn Observer>>,
        control: &Control,
    ) -> Result<Ended, RunError> {
        // What was appended since the run was opened is part of its history.
        self.journal.flush().await?;
        let mut history = History::of(&self.journal, Named::of(&self.task))?;
        if history.state.phase == Phase::Over {
            let running = history.running();
            return Ok(self.ended(Outcome::Finished, history.state, history.wallet, running));
        }
        self.check_providers()?;
        if self.earlier.is_none() {
            for gone in self.read_sources()? {
                tracing::warn!("{gone}");
            }
        }
        let counter = self.look_counter()?;
        let is_pinned = history.state.pin.is_some();
        let pinned = (!is_pinned).then(|| Event::Pinned { blake3: self.file.pin() });
        let must_pass = self.rows_that_must_pass().filter(|_| !is_pinned);
        let first = pinned.into_iter().chain(must_pass);
        for event in first.chain(history.resumption(Clock::System.now())) {
            let number = self.journal.append(event.clone())?;
            history.apply(number, &event);
        }
        self.journal.flush().await?;
        self.tell_that_it_goes_on(&history)?;
        let parts = (&self.file, &self.task, &self.recipe);
        // Another search of this value reads them again.
        let earlier = self.earlier.take().unwrap_or_default();
        let (mut search, runner) =
            wiring::search(parts, &self.access, &self.journal, history, earlier, control)?;
        self.meter.watch(&runner);
        if let Some((dir, _)) = &self.folder {
            let (dir, task) = (dir.clone(), Arc::clone(&self.task));
            let writer = SummaryWriter::new(dir, self.file.info(), task, Arc::clone(&runner));
            search.observe(Box::new(writer));
        }
        if let Some(counter) = counter {
            search.count_looks(counter);
        }
        for observer in observers {
            search.observe(observer);
        }
        // It ends with this search, also where that is dropped.
        let mut serving = JoinSet::new();
        if let Some((dir, _)) = &self.folder {
            let (task, recipe, kind) =
                (Arc::clone(&self.task), self.recipe.clone(), self.file.kind);
            let check = move |caps| {
                wiring::check_caps(kind, &task, &recipe, caps).map_err(|error| error.to_string())
            };
            serving.spawn(requests::serve(dir.clone(), control.clone(), check));
        }
        control.steering().begin();
        let outcome = search.run().await;
        control.steering().end();
        drop(serving);
        // Observers that draw are dropped here, before anything else is shown.
        let state = search.into_state();
        if let Ok(Outcome::Finished) = outcome {
            // What is read from the events then is all there.
            self.journal.flush().await?;
        }
        let wallet = runner.wallet().clone();
        self.wrap_up(outcome, state, wallet, runner.running())
    }

    /// What counts the run's looks at held-out rows.
    fn look_counter(&self) -> Result<Option<LookCounter>, RunError> {
        let Some((dir, _)) = &self.folder else { return Ok(None) };
        let (run, created) = (self.file.run.to_string(), self.file.created);
        let shows = match self.file.kind {
            RunKind::Comparison { .. } => "the scores of prompts side by side",
            RunKind::Search | RunKind::Evaluation { .. } => "the score of a prompt",
        };
        let counter = LookCounter { looks: Looks::beside(dir.path()), run, created, shows };
        counter.looks.check()?;
        let results = dir.path().parent().unwrap_or(Path::new(""));
        journaled_looks::put_back(results, &counter.looks, &self.task)?;
        Ok(Some(counter))
    }

    /// Replaces the summary of a finished run that goes on, so that no list shows it as finished.
    fn tell_that_it_goes_on(&self, history: &History) -> Result<(), RunError> {
        let Some((dir, _)) = self.folder.as_ref().filter(|_| {
            !history.state.earlier.is_empty() || history.state.compared().next().is_some()
        }) else {
            return Ok(());
        };
        let (info, state, wallet) = (self.file.info(), &history.state, &history.wallet);
        let running = history.running();
        Summary::of(&info, &self.task, state, wallet, running, Status::Running).write(dir)?;
        Ok(())
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
                let summary = match &self.folder {
                    Some((dir, _)) if self.file.kind == RunKind::Search => {
                        let events = dir.events();
                        let (task, state) = (&self.task, &ended.state);
                        let flags = guard::flags_of_winner(task, state, (&events).into());
                        Some(Summary { flags: flags?, ..ended.summary() })
                    }
                    Some(_) => Some(ended.summary()),
                    None => None,
                };
                (summary, Ok(ended))
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
