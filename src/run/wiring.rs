//! The one place where a search is put together: providers, throttles, strategy, evaluator.

use super::error::RunError;
use super::file::{RunFile, RunKind};
use super::history::History;
use super::models::Access;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::{CallRunner, Search, SearchParts, ThrottledProvider};
use crate::evaluate::Evaluator;
use crate::event::Event;
use crate::journal::Journal;
use crate::provider::Llm;
use crate::provider::registry::connect;
use crate::provider::throttle::{Global, Throttle};
use crate::recipe::Recipe;
use crate::sim::world::WorldParameters;
use crate::sim::{CLERK, EDITOR, MODEL_SEED, SimLlm, world_of};
use crate::source::SourceError;
use crate::strategy::{Composed, Fixed, Searched, Strategy};
use crate::task::Task;
use crate::task::model::{ModelRole, Protocol, Provider};
use crate::text;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Puts a search together from a run and its journal.
pub(super) fn search(
    (file, task, recipe): (&RunFile, &Arc<Task>, &Recipe),
    access: &Access,
    journal: &Arc<Journal<Event>>,
    history: History,
    stopped: watch::Receiver<bool>,
) -> Result<(Search, Arc<CallRunner>), RunError> {
    let running = history.running();
    let History { state, mut wallet, .. } = history;
    wallet.set_caps(file.caps);
    let (lines, total) = lines(task, access, access.concurrency.or(file.concurrency))?;
    let models = ModelRole::ALL
        .into_iter()
        .filter_map(|role| Some((role, task.model(role)?.clone())))
        .collect();
    let runner =
        CallRunner::new(lines, models, Arc::clone(journal), wallet, total, running, file.seed);
    for role in ModelRole::ALL {
        if let Some(ratio) = state.plan.largest_ratio(role) {
            runner.learn_ratio(role, ratio);
        }
    }
    let runner = Arc::new(runner);
    let evaluator = Arc::new(Evaluator::new(Arc::clone(task), &access.environment));
    evaluator.check_rows()?;
    let search = Search::new(SearchParts {
        task: Arc::clone(task),
        recipe: recipe.clone(),
        strategy: strategy(file, task, recipe),
        caps: file.caps,
        seed: file.seed,
        state,
        journal: Arc::clone(journal),
        runner: Arc::clone(&runner),
        evaluator,
        clock: Clock::System,
        cancel: stopped,
    })?;
    Ok((search, runner))
}

/// How many rows of dev there are, which is all that a state has to know of a task.
#[must_use]
pub fn dev_rows(task: &Task) -> u32 {
    u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX)
}

fn strategy(file: &RunFile, task: &Task, recipe: &Recipe) -> Box<dyn Strategy> {
    match file.kind {
        RunKind::Evaluation { .. } => Box::new(Fixed),
        RunKind::Search => {
            let train = u32::try_from(task.splits.train.len()).unwrap_or(u32::MAX);
            let searched = Searched::of(&task.layout);
            let seed = file.seed.child("strategy", 0);
            Box::new(Composed::new(recipe.clone(), task.goal, train, searched, seed))
        }
    }
}

/// The providers of a task with their limits, and how many requests all of them take at a time.
fn lines(
    task: &Task,
    access: &Access,
    concurrency: Option<usize>,
) -> Result<(BTreeMap<String, ThrottledProvider>, usize), RunError> {
    let global = concurrency.map(|most| Global::new(most.max(1)));
    let mut lines = BTreeMap::new();
    let mut total = 0;
    for (name, provider) in task.providers() {
        // A limit on the whole may also be above what the provider has by default.
        let limit = match (provider.concurrency, concurrency) {
            (None, Some(asked)) => asked.max(1),
            _ => provider.concurrency(),
        };
        total += limit;
        let throttle = match &global {
            Some(global) => Throttle::within(global, limit, provider.rpm),
            None => Throttle::new(limit, provider.rpm),
        };
        let llm = match access.models.get(name) {
            Some(llm) => Arc::clone(llm),
            None => connected(name, provider, task, access)?,
        };
        lines.insert(name.clone(), ThrottledProvider { llm, throttle });
    }
    Ok((lines, concurrency.map_or(total, |most| most.min(total)).max(1)))
}

fn connected(
    name: &str,
    provider: &Provider,
    task: &Task,
    access: &Access,
) -> Result<Arc<dyn Llm>, RunError> {
    let failed = |message: String| RunError::Provider { name: name.to_owned(), message };
    if provider.kind.is_none() {
        return Err(failed("it has no protocol, and the caller gave no model for it".to_owned()));
    }
    let key = access.keys.get(name).cloned();
    let llm = connect(name, provider, key).map_err(|error| failed(error.to_string()))?;
    let simulated = || {
        let world = world_of(task, MODEL_SEED, WorldParameters::default());
        Arc::new(SimLlm::new(Arc::new(world))) as Arc<dyn Llm>
    };
    Ok(llm.unwrap_or_else(simulated))
}

/// Whether every simulated model is one that there is.
///
/// # Errors
/// The first one that there is not, with its place in the task.
pub fn check_simulated(task: &Task) -> Result<(), SourceError> {
    for role in ModelRole::ALL {
        let Some(model) = task.model(role) else { continue };
        let provider = &task.providers()[model.name.provider()];
        let known = [CLERK, EDITOR];
        if provider.kind == Some(Protocol::Sim) && !known.contains(&model.name.model()) {
            let message = format!("there is no simulated model `{}`", model.name.model());
            return Err(task
                .mistake(&["models", &role.to_string()], message)
                .help(text::suggestion(model.name.model(), &known)));
        }
    }
    Ok(())
}

/// Whether every model can be talked to as it is written down, before anything is created.
///
/// # Errors
/// The first one that cannot, with its place in the task.
pub fn check_models(task: &Task, access: &Access) -> Result<(), SourceError> {
    check_simulated(task)?;
    for (name, provider) in task.providers() {
        if provider.kind.is_none() {
            continue;
        }
        connect(name, provider, access.keys.get(name).cloned())
            .map_err(|error| task.mistake(&["providers", name, "base_url"], error.to_string()))?;
    }
    Ok(())
}

/// Whether a run is limited, and every price that its caps need is known.
pub(super) fn check_caps(task: &Task, caps: Caps) -> Result<(), RunError> {
    if caps.is_empty() {
        return Err(RunError::Unlimited);
    }
    if caps.usd.is_some() {
        task.check_prices()?;
    }
    Ok(())
}
