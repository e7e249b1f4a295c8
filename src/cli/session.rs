//! Opens a run: task, recipe, journal, models, and puts them together.

use super::Screen;
use super::error::{CliError, Kind};
use crate::clock::Clock;
use crate::engine::{CallRunner, Outcome, Search, SearchParts};
use crate::evaluate::Evaluator;
use crate::event::Event;
use crate::journal::Journal;
use crate::memory::{Observer, State};
use crate::provider::registry::{Providers, connect_all};
use crate::recipe::{self, Recipe};
use crate::report::{History, Report, RunInfo, Status, Summary};
use crate::run_dir::{RunDir, RunFile, RunLock, SUMMARY_FILE};
use crate::sim::world::WorldParameters;
use crate::sim::{MODEL_SEED, SimLlm, world_of};
use crate::state::Phase;
use crate::strategy::{Composed, Fixed, Searched, Strategy};
use crate::task::Task;
use crate::task::model::ModelRole;
use crate::ui::Watcher;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The strategy's name of a run that only evaluates.
pub(super) const EVAL: &str = "eval";

/// Between two writings of the summary.
const SUMMARY_EVERY: Duration = Duration::from_secs(2);

/// A run that this process holds.
pub(super) struct Session {
    pub(super) dir: RunDir,
    pub(super) file: RunFile,
    pub(super) task: Arc<Task>,
    _lock: RunLock,
}

impl Session {
    /// Takes a run: its frozen task with unchanged rows.
    pub(super) fn open(dir: RunDir) -> Result<Self, CliError> {
        let lock = dir.lock()?;
        super::log::to_file_of(&dir);
        let file = dir.run_file()?;
        let task = frozen_task(&file)?;
        Ok(Self { dir, file, task: Arc::new(task), _lock: lock })
    }

    fn info(&self) -> RunInfo {
        RunInfo {
            run: self.file.run.to_string(),
            strategy: self.file.strategy.clone(),
            seed: self.file.seed,
        }
    }

    /// Runs to the end or to an interruption, showing progress; returns how it left the loop.
    pub(super) fn search(
        &self,
        keys: &BTreeMap<String, SecretString>,
        concurrency: Option<usize>,
        screen: &Screen,
    ) -> Result<Outcome, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::unexpected(format!("no runtime: {error}")))?;
        let outcome = runtime.block_on(self.search_async(keys, concurrency, screen));
        // Workers that hang in a provider's connection must not keep the program.
        runtime.shutdown_timeout(Duration::from_millis(200));
        outcome
    }

    async fn search_async(
        &self,
        keys: &BTreeMap<String, SecretString>,
        concurrency: Option<usize>,
        screen: &Screen,
    ) -> Result<Outcome, CliError> {
        let (journal, recovery) = Journal::<Event>::open(self.dir.path())?;
        for repair in &recovery.repairs {
            screen.warn(repair);
        }
        let journal = Arc::new(journal);
        let mut history = History::new(dev_rows(&self.task));
        journal.replay(|number, event: Event| {
            history.apply(number, &event);
            Ok::<_, CliError>(())
        })?;
        let clock = Clock::System;
        let History { mut state, mut wallet, ran_ms, .. } = history;
        if state.phase == Phase::Over {
            return Ok(Outcome::Finished);
        }
        if state.phase != Phase::New {
            let mut events: Vec<Event> =
                wallet.open_calls().iter().map(|(call, ..)| Event::Lost { call: *call }).collect();
            events.push(Event::Resumed { at: clock.now(), ran_ms });
            for event in events {
                let number = journal.append(event.clone())?;
                wallet.apply(&event);
                state.apply(number, &event);
            }
            journal.flush().await?;
        }
        wallet.set_caps(self.file.caps);
        let recipe = recipe::parse(&self.dir.file("run.json"), &self.file.recipe)?;
        let concurrency = concurrency.or(self.file.concurrency);
        let Providers { by_name, concurrency } = providers(&self.task, keys, concurrency)?;
        let models = ModelRole::ALL
            .into_iter()
            .filter_map(|role| Some((role, self.task.model(role)?.clone())))
            .collect();
        let runner = Arc::new(CallRunner::new(
            by_name,
            models,
            Arc::clone(&journal),
            wallet,
            concurrency,
            Duration::from_millis(ran_ms),
            self.file.seed,
        ));
        for role in ModelRole::ALL {
            if let Some(ratio) = state.plan.largest_ratio(role) {
                runner.learn_ratio(role, ratio);
            }
        }
        let environment: Vec<_> = std::env::vars_os().collect();
        let evaluator = Arc::new(Evaluator::new(Arc::clone(&self.task), &environment));
        evaluator.check_rows()?;
        let (cancel, cancelled) = watch::channel(false);
        let strategy = strategy_of(&self.file, &recipe, &self.task);
        let mut search = Search::new(SearchParts {
            task: Arc::clone(&self.task),
            recipe,
            strategy,
            caps: self.file.caps,
            seed: self.file.seed,
            state,
            journal: Arc::clone(&journal),
            runner: Arc::clone(&runner),
            evaluator,
            clock,
            cancel: cancelled,
        })?;
        search.observe(Box::new(SummaryWriter {
            dir: self.dir.clone(),
            info: self.info(),
            task: Arc::clone(&self.task),
            runner: Arc::clone(&runner),
            last: None,
        }));
        if !screen.quiet {
            let is_terminal = std::io::stderr().is_terminal();
            let lines = Box::new(std::io::stderr());
            let runner = Arc::clone(&runner);
            search.observe(Box::new(Watcher::new(is_terminal, lines, runner, self.file.caps)));
        }
        let signals = tokio::spawn(stop_on_signal(cancel));
        let outcome = search.run().await;
        signals.abort();
        let status = match &outcome {
            Ok(Outcome::Finished) => Status::Finished,
            Ok(_) => Status::Interrupted,
            Err(_) => Status::Failed,
        };
        let summary = Summary::of(
            &self.info(),
            &self.task,
            search.state(),
            &runner.wallet(),
            runner.running(),
            status,
        );
        write_summary(&self.dir, &summary)?;
        drop(search);
        drop(runner);
        if let Some(journal) = Arc::into_inner(journal) {
            journal.close()?;
        }
        Ok(outcome?)
    }
}

/// The task as a run has frozen it; its rows must be the same.
pub(super) fn frozen_task(file: &RunFile) -> Result<Task, CliError> {
    let task = Task::build(file.task.clone())?;
    for (now, then) in task.data.iter().zip(&file.data) {
        if now.blake3 != then.blake3 {
            return Err(CliError::invalid(format!(
                "{}: the rows have changed since the run `{}` was started",
                now.path.display(),
                file.run
            ))
            .hint("put the old file back, or start a new run"));
        }
    }
    Ok(match file.strategy.strip_prefix(EVAL) {
        Some(split) if file.strategy.starts_with("eval:") => {
            task.for_evaluation(super::eval::split_named(split.trim_start_matches(':')))
        }
        _ => task,
    })
}

fn strategy_of(file: &RunFile, recipe: &Recipe, task: &Task) -> Box<dyn Strategy> {
    if file.strategy.starts_with("eval:") {
        return Box::new(Fixed);
    }
    let train = u32::try_from(task.splits.train.len()).unwrap_or(u32::MAX);
    let seed = file.seed.child("strategy", 0);
    let searched = Searched::of(&task.layout);
    Box::new(Composed::new(recipe.clone(), task.goal, train, searched, seed))
}

pub(super) fn dev_rows(task: &Task) -> u32 {
    u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX)
}

/// The providers of a task with their limits.
fn providers(
    task: &Task,
    keys: &BTreeMap<String, SecretString>,
    concurrency: Option<usize>,
) -> Result<Providers, CliError> {
    let world = || Arc::new(world_of(task, MODEL_SEED, WorldParameters::default()));
    connect_all(task, keys, concurrency, || Arc::new(SimLlm::new(world())))
        .map_err(|(name, error)| CliError::invalid(format!("provider `{name}`: {error}")))
}

/// The first signal stops the run, the second the program.
async fn stop_on_signal(cancel: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    let mut asked = 0;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked += 1;
        if asked > 1 {
            // Everything that was acknowledged is durable already.
            std::process::exit(i32::from(Kind::Interrupted.exit_code()));
        }
        let _ = cancel.send(true);
    }
}

/// Keeps `summary.json` and `best/` up to date.
struct SummaryWriter {
    dir: RunDir,
    info: RunInfo,
    task: Arc<Task>,
    runner: Arc<CallRunner>,
    last: Option<Instant>,
}

impl Observer for SummaryWriter {
    fn observe(&mut self, _number: crate::id::EventNumber, _event: &Event, state: &State) {
        if self.last.is_some_and(|last| last.elapsed() < SUMMARY_EVERY) {
            return;
        }
        let running = self.runner.running();
        let wallet = self.runner.wallet().clone();
        let summary = Summary::of(&self.info, &self.task, state, &wallet, running, Status::Running);
        if let Err(error) = write_summary(&self.dir, &summary) {
            tracing::warn!(%error, "the summary was not written");
        }
        self.last = Some(Instant::now());
    }
}

/// Writes `summary.json`, and the recommended prompt's parts as text.
pub(super) fn write_summary(dir: &RunDir, summary: &Summary) -> Result<(), CliError> {
    dir.write_json(SUMMARY_FILE, summary)?;
    if let Some(prompt) = summary.recommended_prompt() {
        for (name, text) in &prompt.prompt {
            dir.write(&format!("best/{name}.md"), text.as_bytes())?;
        }
    }
    Ok(())
}

/// A run as its files tell it, whether or not a process works on it.
pub(super) struct Told {
    pub(super) dir: RunDir,
    pub(super) file: RunFile,
    pub(super) task: Task,
    pub(super) history: History,
    pub(super) summary: Summary,
}

impl Told {
    /// Reads a run from `events.jsonl`, never from what a running process holds.
    pub(super) fn read(dir: RunDir) -> Result<Self, CliError> {
        let file = dir.run_file()?;
        let task = frozen_task(&file)?;
        let mut history = History::new(dev_rows(&task));
        if dir.events().exists() {
            crate::journal::read_events(&dir.events(), |number, event: Event| {
                history.apply(number, &event);
                Ok::<_, CliError>(())
            })?;
        }
        let info =
            RunInfo { run: file.run.to_string(), strategy: file.strategy.clone(), seed: file.seed };
        let status = status(&dir, &history.state);
        let running = Duration::from_millis(history.ran_ms);
        let summary = Summary::of(&info, &task, &history.state, &history.wallet, running, status);
        Ok(Self { dir, file, task, history, summary })
    }

    /// For the report's writers.
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            summary: &self.summary,
            history: &self.history,
            task: &self.task,
            folder: self.dir.path(),
            run_file: Some(&self.file),
        }
    }
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
