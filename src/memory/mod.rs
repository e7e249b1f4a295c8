//! What strategies and operators remember of a run, folded from the same events as the facts.
//!
//! A memory is one small struct in one file. Its `apply` takes in each event once, live and on replay
//! alike, after the facts took it in, in O(1) per result (amortised). Its readers name it:
//! `state.memory.turns`. A memory decides nothing, and nothing outside reads the fields it folds.

// A file uses only files declared above it.
mod births;
mod generations;
mod uses;
mod steps;
mod programs;
mod contests;
mod widening;
mod islands;
mod demo_sets;
mod judged;
mod fronts;
mod best_mean;
mod pairs;
mod longest_first;
mod texts;
mod niches;
mod children;
mod trials;
mod text_models;
mod rollouts;
mod turns;
mod gains;
mod mutators;

#[cfg(test)]
mod tests;

pub use best_mean::BestMean;
pub use births::{Birth, Births};
pub use children::Children;
pub use contests::Contests;
pub use demo_sets::DemoSets;
pub use fronts::Fronts;
pub use gains::{Gain, Gains};
pub use generations::Generations;
pub use islands::Islands;
pub use longest_first::LongestFirst;
pub use mutators::{Earned, MutatorOutcome, Mutators};
pub use niches::Niches;
pub use pairs::{Pairs, paired};
pub use programs::Programs;
pub use rollouts::{Path, Rollouts};
pub use steps::{Continuation, StepResult, Steps};
pub use text_models::{Observed, Prediction, TextModels};
pub use texts::{Texts, Vector, compared_text};
pub use trials::{Trial, Trials};
pub use turns::Turns;
pub use uses::Uses;
pub use widening::Widening;

use crate::event::Event;
use crate::id::EventNumber;
use crate::state::Facts;

/// One field per memory.
#[derive(Clone, Debug, Default)]
pub struct Memories {
    /// How each candidate came to be drafted.
    pub births: Births,
    /// The generation that is bred.
    pub generations: Generations,
    /// How often operators and inits were used.
    pub uses: Uses,
    /// Results that a next step continues from.
    pub steps: Steps,
    /// Failures of operators that are programs.
    pub programs: Programs,
    /// Rounds and their survivors.
    pub contests: Contests,
    /// Rows of dev in use.
    pub widening: Widening,
    /// The islands of candidates.
    pub islands: Islands,
    /// The sets of demonstrations.
    pub demo_sets: DemoSets,
    /// The best candidates per row.
    pub fronts: Fronts,
    /// The best mean.
    pub best_mean: BestMean,
    /// Paired differences.
    pub pairs: Pairs,
    /// The length that penalties are measured by.
    pub longest_first: LongestFirst,
    /// How near texts are to each other.
    pub texts: Texts,
    /// Places on a grid.
    pub niches: Niches,
    /// How many children candidates have.
    pub children: Children,
    /// Combinations that were tried.
    pub trials: Trials,
    /// Models fitted to the features of texts.
    pub text_models: TextModels,
    /// Rollouts of a tree search.
    pub rollouts: Rollouts,
    /// Operators and parts that take turns.
    pub turns: Turns,
    /// What each use of an operator brought.
    pub gains: Gains,
    /// What each mutator has earned.
    pub mutators: Mutators,
}

impl Memories {
    /// Folds one event into each memory. A memory that reads another one comes after it.
    fn apply(&mut self, event: &Event, facts: &Facts) {
        self.births.apply(event, facts);
        self.generations.apply(event, facts);
        self.uses.apply(event, facts);
        self.steps.apply(event, facts);
        self.programs.apply(event, facts);
        self.contests.apply(event, facts);
        self.widening.apply(event, facts);
        self.islands.apply(event, facts);
        self.demo_sets.apply(event, facts);
        self.fronts.apply(event, facts);
        self.best_mean.apply(event, facts);
        self.pairs.apply(event, facts);
        self.longest_first.apply(event, facts, &self.births);
        self.niches.apply(event, facts, &self.texts);
        self.children.apply(event, facts);
        self.trials.apply(event, facts);
        self.rollouts.apply(event, facts);
        self.turns.apply(event, facts, &self.births);
        self.gains.apply(event, facts);
        self.mutators.apply(event, facts);
    }
}

/// The fold of all events: the facts, and what strategies and operators remember.
#[derive(Clone, Debug, Default)]
pub struct State {
    facts: Facts,
    /// What strategies and operators remember.
    pub memory: Memories,
}

impl State {
    /// Before the first event.
    #[must_use]
    pub fn new(dev_rows: u32) -> Self {
        Self { facts: Facts::new(dev_rows), memory: Memories::default() }
    }

    /// Takes in one event: the only way that state changes.
    pub fn apply(&mut self, number: EventNumber, event: &Event) {
        self.facts.apply(number, event);
        self.memory.apply(event, &self.facts);
    }
}

impl std::ops::Deref for State {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

/// Watches a run: progress, summaries, tests. It cannot change anything.
pub trait Observer: Send {
    /// Something happened; `state` has taken it in before.
    fn observe(&mut self, number: EventNumber, event: &Event, state: &State);

    /// Nothing happened for a while; only the clock went on.
    fn tick(&mut self, state: &State) {
        let _ = state;
    }
}
