//! The parts of a search: those that it is given, and those of the loop.

use super::budget::Budget;
use super::call::CallRunner;
use super::earlier::EarlierAnswers;
use super::embeddings::Embeddings;
use super::error::{SearchError, StopCause};
use super::inbox::Inbox;
use super::judging::Judge;
use super::next::Planner;
use super::programs::Programs;
use super::proposals::ProposalBuilder;
use super::requests::Requests;
use super::scoring::Scoring;
use super::steering::Steering;
use super::workers::Workers;
use crate::caps::Caps;
use crate::clock::Clock;
use crate::evaluate::Evaluator;
use crate::event::Event;
use crate::journal::Journal;
use crate::looks::{Looker, Looks, LooksError};
use crate::memory::{Observer, State};
use crate::recipe::Recipe;
use crate::seed::Seed;
use crate::strategy::Strategy;
use crate::task::Task;
use crate::task::example::RowHash;
use crate::task::model::ModelRole;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long calls in flight are awaited when a run is interrupted.
const DRAIN: Duration = Duration::from_secs(30);

/// What a search is given.
pub struct SearchParts {
    /// What "better" means.
    pub task: Arc<Task>,
    /// How to search.
    pub recipe: Recipe,
    /// The recipe's decisions.
    pub strategy: Box<dyn Strategy>,
    /// What it may spend.
    pub caps: Caps,
    /// Where its randomness comes from.
    pub seed: Seed,
    /// The journal, folded.
    pub state: State,
    /// The journal.
    pub journal: Arc<Journal<Event>>,
    /// Makes its calls.
    pub runner: Arc<CallRunner>,
    /// Answers of earlier runs.
    pub earlier: EarlierAnswers,
    /// Asks and scores.
    pub evaluator: Arc<Evaluator>,
    /// The time.
    pub clock: Clock,
    /// Becomes true when the run must stop.
    pub cancel: watch::Receiver<bool>,
    /// Where changes are asked for.
    pub steering: Steering,
}

/// Where the looks of a run at held-out rows are counted.
pub struct LookCounter {
    /// The ledger of the results folder.
    pub looks: Looks,
    /// The run's name.
    pub run: String,
    /// When it was created.
    pub created: Timestamp,
    /// What an evaluation or a comparison shows of held-out rows, in words.
    pub shows: &'static str,
}

impl LookCounter {
    /// Takes the run's look for this claim, and returns its number; `known`: looks that the run itself has had.
    ///
    /// # Errors
    /// As for [`Looks::take`].
    pub fn take(
        &self,
        claim: String,
        rows: &[RowHash],
        known: u32,
        at: Timestamp,
    ) -> Result<u32, LooksError> {
        let by = Looker { run: self.run.clone(), created: self.created, claim };
        self.looks.take(&by, rows, known, at)
    }
}

/// One run.
pub struct Search {
    pub(super) task: Arc<Task>,
    pub(super) state: State,
    pub(super) journal: Arc<Journal<Event>>,
    pub(super) runner: Arc<CallRunner>,
    pub(super) planner: Planner,
    pub(super) scoring: Scoring,
    pub(super) workers: Workers,
    pub(super) inbox: Inbox,
    pub(super) clock: Clock,
    pub(super) observers: Vec<Box<dyn Observer>>,
    pub(super) cancel: watch::Receiver<bool>,
    pub(super) steering: Steering,
    /// `None`: the run alone counts its looks.
    pub(super) look_counter: Option<LookCounter>,
    /// How long calls in flight are awaited when the run stops.
    pub(super) drain: Duration,
    /// Whether it was said that providers billed more than the budget.
    pub(super) is_over_budget: bool,
    /// Why the run must stop, once it must.
    pub(super) stop: Option<StopCause>,
}

impl Search {
    /// A run with its journal: new, or as far as the journal has it.
    ///
    /// # Errors
    /// A replaced meta-prompt with a mistake in it.
    pub fn new(parts: SearchParts) -> Result<Self, SearchError> {
        let SearchParts { task, recipe, strategy, caps, seed, state, .. } = parts;
        let SearchParts { journal, runner, earlier, evaluator, clock, cancel, steering, .. } =
            parts;
        let dev_rows = u32::try_from(task.splits.dev.len()).unwrap_or(u32::MAX);
        let finale = strategy.finale(dev_rows);
        let programs = Programs::new(&recipe, &evaluator, &task.folder());
        let (inbox, post) = Inbox::new();
        runner.report_to(&post);
        let judge = (evaluator.most_judgements() > 0).then(|| {
            let (runner, evaluator) = (Arc::clone(&runner), Arc::clone(&evaluator));
            Judge::new(runner, evaluator, Arc::clone(&journal), post.clone())
        });
        let scoring = Scoring::new(Arc::clone(&evaluator), Arc::clone(&journal), judge);
        let workers = Workers::new(
            Arc::clone(&runner),
            programs,
            scoring.clone(),
            Arc::clone(&journal),
            post,
        );
        // An evaluation compares nothing.
        let model = task.model(ModelRole::Embed).filter(|_| !strategy.is_evaluation());
        let embeddings = Embeddings::new(model, recipe.compared_texts());
        let is_over_budget = runner.wallet().passed_cap().is_some();
        let planner = Planner {
            lanes: runner.concurrency().min(strategy.lookahead().evaluations),
            lookahead: strategy.lookahead(),
            strategy,
            budget: Budget::new(caps, Arc::clone(&task), finale),
            requests: Requests::new(Arc::clone(&evaluator), Arc::clone(&journal), earlier),
            proposals: ProposalBuilder::new(
                Arc::clone(&task),
                recipe,
                evaluator,
                Arc::<Journal<Event>>::clone(&journal),
                seed,
            )?,
            embeddings,
        };
        Ok(Self {
            task,
            state,
            journal,
            runner,
            planner,
            scoring,
            workers,
            inbox,
            clock,
            observers: Vec::new(),
            cancel,
            steering,
            look_counter: None,
            drain: DRAIN,
            is_over_budget,
            stop: None,
        })
    }

    /// Adds an observer.
    pub fn observe(&mut self, observer: Box<dyn Observer>) {
        self.observers.push(observer);
    }

    /// Counts looks at held-out rows here, too.
    pub fn count_looks(&mut self, counter: LookCounter) {
        self.look_counter = Some(counter);
    }

    /// The state, from which the result is read.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state of a search that is over. Observers are dropped.
    #[must_use]
    pub fn into_state(self) -> State {
        self.state
    }
}
