//! The search as its operators see it: the recipe's population and selection.

use super::search::{Pool, Search};
use super::select::by_fitness;
use crate::id::CandidateIx;
use crate::operator::{Breeding, Draw, Parents, PlannedRun};
use crate::seed::Seed;

/// One use of an operator or an init in the search.
pub(super) struct Use<'a> {
    pub(super) search: Search<'a>,
    /// The seed of this use alone.
    pub(super) seed: Seed,
    /// The island whose turn it is.
    pub(super) island: Option<u16>,
}

impl<'a> Use<'a> {
    /// One that is of no island.
    pub(super) fn new(search: &Search<'a>, seed: Seed) -> Self {
        Self { search: *search, seed, island: None }
    }

    /// What an operator or an init draws from, by its place in the recipe.
    pub(super) fn draw(&'a self, place: Option<u16>) -> Draw<'a> {
        let Search { slots, state, setting, .. } = self.search;
        let operator = place.and_then(|place| slots.operator.get(usize::from(place)));
        Draw {
            state,
            setting,
            seed: self.seed,
            uses: place.map_or(0, |place| state.memory.uses.of(place)),
            is_occasional: operator.is_some_and(crate::operator::Used::is_occasional),
            breeding: self,
        }
    }
}

impl Search<'_> {
    /// Uses of operators on each parent.
    pub(super) fn uses_per_parent(&self) -> usize {
        self.slots.choose.turns(&self.slots.operator).map_or(1, |turns| turns.len())
    }
}

impl Breeding for Use<'_> {
    fn parents(&self, count: usize) -> Option<Parents> {
        let search = &self.search;
        let uses = search.state.memory.uses.in_generation() as usize;
        let pool = Pool {
            members: &search.members(self.island),
            index: uses / search.uses_per_parent().max(1),
            count,
            seed: self.seed.child("parent", 0),
        };
        search.slots.select.parents(search, &pool)
    }

    fn mate(&self, parent: CandidateIx, island: Option<u16>, seed: Seed) -> Option<CandidateIx> {
        let mut others = self.search.members(island);
        others.retain(|candidate| *candidate != parent);
        by_fitness(&self.search, &others, &mut seed.rng())
    }

    fn members(&self) -> Vec<CandidateIx> {
        self.search.members(None)
    }

    fn fitness(&self, candidate: CandidateIx) -> Option<f64> {
        self.search.fitness(candidate)
    }

    fn ranked(&self) -> Vec<CandidateIx> {
        self.search.ranked()
    }

    fn front(&self) -> Vec<CandidateIx> {
        self.search.front().into_iter().map(|(candidate, _)| candidate).collect()
    }

    fn competes(&self, candidate: CandidateIx) -> bool {
        self.search.competes(candidate)
    }

    fn has_generations(&self) -> bool {
        self.search.slots.schedule.children().is_some()
    }

    fn has_combinations(&self) -> bool {
        self.search.slots.schedule.combines()
    }

    fn runs(&self) -> Option<Vec<Vec<PlannedRun>>> {
        self.search.slots.schedule.planned_runs(&self.search)
    }

    fn is_judged(&self) -> bool {
        let state = self.search.state;
        state.open.is_empty() && state.is_quiet() && state.drafts.is_empty()
    }

    fn best_of_init(&self, before: u16, take: usize) -> Vec<CandidateIx> {
        self.search.best_of_init(before, take)
    }
}
