//! Assembles a search from providers, limits, strategy and evaluator. The only place that does so.

use super::control::Control;
use super::error::RunError;
use super::file::{RunFile, RunKind};
use super::history::History;
use super::models::Access;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::engine::{CallRunner, EarlierAnswers, Search, SearchParts};
use crate::evaluate::Evaluator;
use crate::evaluate::JUDGE_TRIES;
use crate::event::Event;
use crate::journal::Journal;
use crate::ledger::Limits;
use crate::program::Surroundings;
use crate::provider::Llm;
use crate::provider::registry::{Client, Connection, Providers, connect, limits_file};
use crate::recipe::Recipe;
use crate::sim::world::WorldParameters;
use crate::sim::{self, CLERK, EDITOR, EMBEDDER, JUDGE, MODEL_SEED, SimLlm, world_of};
use crate::source::SourceError;
use crate::strategy::{Composed, Fixed, Searched, Strategy, Versus};
use crate::task::Task;
use crate::task::model::{ModelRole, Provider, ProviderKind};
use crate::text;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Assembles the search of a run with its journal.
pub(super) fn search(
    (file, task, recipe): (&RunFile, &Arc<Task>, &Recipe),
    access: &Access,
    journal: &Arc<Journal<Event>>,
    history: History,
    earlier: EarlierAnswers,
    control: &Control,
) -> Result<(Search, Arc<CallRunner>), RunError> {
    let running = history.running();
    let History { state, mut wallet, .. } = history;
    let caps = state.caps.unwrap_or(file.caps);
    wallet.set_caps(caps);
    let concurrency = access.concurrency.or(file.concurrency);
    let answering = |name: &str, provider: &Provider| answering(name, provider, task, access);
    let Providers { by_name, concurrency, dial } = Providers::new(task, concurrency, answering)?;
    let models = task.models().map(|(role, model)| (role, model.clone())).collect();
    let runner = CallRunner::new(
        by_name,
        models,
        Arc::clone(journal),
        wallet,
        concurrency,
        running,
        file.seed,
    )
    .abandoning_batches(access.abandons_batches)
    .with_dial(dial);
    for role in task.roles() {
        runner.learn(role, state.plan.ratios());
    }
    runner.know_texts(state.scored_rows());
    runner.leave_out(&state.refused_fields);
    runner.adopt(&state.batches);
    let runner = Arc::new(runner);
    let evaluator = Arc::new(Evaluator::new(Arc::clone(task), &access.environment));
    let search = Search::new(SearchParts {
        task: Arc::clone(task),
        recipe: recipe.clone(),
        strategy: strategy(file, task, recipe),
        caps,
        seed: file.seed,
        state,
        journal: Arc::clone(journal),
        runner: Arc::clone(&runner),
        earlier,
        evaluator,
        clock: Clock::System,
        cancel: control.stopped(),
        steering: control.steering(),
    })?;
    Ok((search, runner))
}

fn strategy(file: &RunFile, task: &Task, recipe: &Recipe) -> Box<dyn Strategy> {
    match file.kind {
        RunKind::Evaluation { .. } => Box::new(Fixed),
        // It has one: this is for a file that was changed by hand.
        RunKind::Comparison { .. } => match &file.comparison {
            Some(comparison) => {
                let weights = task.splits.dev.iter().map(|row| row.weight);
                let heaviest = weights.fold(f64::MIN_POSITIVE, f64::max);
                Box::new(Versus::new(comparison.clone(), heaviest))
            }
            None => Box::new(Fixed),
        },
        RunKind::Search => {
            let train = u32::try_from(task.splits.train.len()).unwrap_or(u32::MAX);
            let searched = Searched::of(&task.layout);
            let seed = file.seed.child("strategy", 0);
            let mutators = task.mutators().map(|(_, model)| model.weight).collect();
            let composed = Composed::new(recipe.phases(), task.goal.clone(), train, searched, seed);
            Box::new(composed.with_mutators(mutators))
        }
    }
}

/// The providers of a task that can be asked, and why the others cannot.
#[must_use]
pub fn providers(task: &Task, access: &Access) -> (Providers, BTreeMap<String, RunError>) {
    let mut failed = BTreeMap::new();
    let providers = Providers::of(task, access.concurrency, |name, provider| {
        let answering = answering(name, provider, task, access);
        answering.map_err(|error| failed.insert(name.to_owned(), error)).ok()
    });
    (providers, failed)
}

/// What answers the requests to a provider: the caller's own model where there is one of its name. With
/// it comes the file in which the limits of its server are shared with other runs.
fn answering(
    name: &str,
    provider: &Provider,
    task: &Task,
    access: &Access,
) -> Result<(Client, Option<PathBuf>), RunError> {
    if let Some(llm) = access.models.get(name) {
        return Ok((Arc::clone(llm).into(), None));
    }
    let failed = |message: String| RunError::Provider { name: name.to_owned(), message };
    let key = access.keys.get(name).cloned();
    let limits = access.limits.as_ref().map(|it| limits_file(it, provider, key.as_ref()));
    let folder = task.folder();
    let surroundings = Surroundings { folder: &folder, environment: &access.environment };
    // A program has no server whose limits others could share.
    let limits = limits.filter(|_| provider.kind != Some(ProviderKind::Exec));
    match connect(name, provider, key, surroundings).map_err(|error| failed(error.to_string()))? {
        Connection::Client(client) => Ok((client, limits)),
        Connection::Simulated => {
            let world = world_of(task, MODEL_SEED, WorldParameters::default());
            let llm: Arc<dyn Llm> = Arc::new(SimLlm::new(Arc::new(world)));
            Ok((llm.into(), None))
        }
        Connection::OfProgram => {
            Err(failed("the program that made the task gave no model for it".to_owned()))
        }
    }
}

/// Checks that every simulated model that is asked exists.
///
/// # Errors
/// The first unknown one, with its place in the task.
pub fn check_simulated(
    task: &Task,
    is_asked: impl Fn(ModelRole) -> bool,
) -> Result<(), SourceError> {
    for (role, model) in task.models().filter(|(role, _)| is_asked(*role)) {
        let provider = &task.providers()[model.name.provider()];
        let known: &[&str] = match role {
            ModelRole::Embed => &[EMBEDDER],
            // A task may be about a judge.
            ModelRole::Judge(_) | ModelRole::Task
                if provider.is_simulated() && sim::judge::is_named(model.name.model()) =>
            {
                continue;
            }
            ModelRole::Judge(_) => &[JUDGE],
            _ => &[CLERK, EDITOR],
        };
        if provider.is_simulated() && !known.contains(&model.name.model()) {
            let message = format!("there is no simulated model `{}`", model.name.model());
            return Err(task
                .mistake(&["models", role.key()], message)
                .help(text::suggestion(model.name.model(), known)));
        }
    }
    Ok(())
}

/// Checks that every simulated model that is asked exists, and that a client can be made for every
/// provider of the task, before anything is created.
///
/// # Errors
/// The first unknown model or provider with unusable settings, with its place in the task.
pub fn check_models(
    task: &Task,
    access: &Access,
    is_asked: impl Fn(ModelRole) -> bool,
) -> Result<(), SourceError> {
    check_simulated(task, is_asked)?;
    let folder = task.folder();
    let surroundings = Surroundings { folder: &folder, environment: &access.environment };
    for (name, provider) in task.providers() {
        connect(name, provider, access.keys.get(name).cloned(), surroundings)
            .map_err(|error| task.mistake(&["providers", name, error.key()], error.to_string()))?;
    }
    Ok(())
}

/// The most calls that an answer may take: its own, and all that is set aside for grades of it.
#[must_use]
pub fn most_calls_per_answer(task: &Task) -> u64 {
    let questions = u64::from(task.scorers.judgements() + task.scorers.meanings());
    1 + questions * u64::from(JUDGE_TRIES) * task.graders().count()
}

/// Checks that the cap on calls has room for the first rows that are asked.
///
/// # Errors
/// It has not.
pub fn check_first_block(task: &Task, recipe: &Recipe, caps: Caps) -> Result<(), RunError> {
    let Some(cap) = caps.calls else { return Ok(()) };
    let phases = recipe.phases();
    let slots = phases.first().unwrap_or(&recipe.slots);
    let dev = task.splits.dev.len() as u64;
    let [_, most] = slots.evaluate.rows_per_child(dev, 0);
    let mut rows = dev.min(slots.evaluate.block() as u64);
    if most > 0 {
        rows = rows.min(most);
    }
    let finale = recipe.slots.finale.kept(u32::try_from(dev).unwrap_or(u32::MAX));
    let hold = task.held_out_answers();
    // The rest is set aside for the end.
    let left = |calls: u64| {
        let caps = Caps { calls: Some(calls), ..caps };
        let limits = Limits::new(caps, hold, finale).judged(task.judgements());
        calls.saturating_sub(limits.hold_calls(0) + limits.finale_calls())
    };
    let wanted = rows * most_calls_per_answer(task);
    if left(cap) >= wanted {
        return Ok(());
    }
    let needed = (cap..).find(|calls| left(*calls) >= wanted).unwrap_or(u64::MAX);
    Err(RunError::TooFewCalls { cap, rows, needed })
}

/// Checks that a search or a comparison has a cap, and that every price that the caps of a run need is known. An
/// evaluation asks its rows and no more.
pub(super) fn check_caps(
    kind: RunKind,
    task: &Task,
    recipe: &Recipe,
    caps: Caps,
) -> Result<(), RunError> {
    if caps.is_empty() && !matches!(kind, RunKind::Evaluation { .. }) {
        return Err(RunError::Unlimited);
    }
    if caps.usd.is_some() {
        task.check_prices(|role| kind.asks(task, recipe, role))?;
    }
    Ok(())
}
