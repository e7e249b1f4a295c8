//! The search as its operators see it: the recipe's population and selection.

use super::population::{self, members};
use super::ranking::{fitness, ranked};
use super::selection;
use crate::id::CandidateIx;
use crate::memory::State;
use crate::operator::{Breeding, Draw, Parents, PlannedRun, Setting, epoch_rows};
use crate::recipe::{Recipe, Schedule, Select};
use crate::seed::Seed;

/// One use of an operator or an init in the search.
pub(super) struct Search<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) state: &'a State,
    pub(super) setting: Setting,
    /// The seed of this use alone.
    pub(super) seed: Seed,
    /// The island whose turn it is.
    pub(super) island: Option<u16>,
}

impl<'a> Search<'a> {
    /// What an operator or an init draws from, by its place in the recipe.
    pub(super) fn draw(&'a self, place: Option<u16>) -> Draw<'a> {
        let operator = place.and_then(|place| self.recipe.operator.get(usize::from(place)));
        Draw {
            state: self.state,
            setting: self.setting,
            seed: self.seed,
            uses: place.map_or(0, |place| self.state.memory.uses.of(place)),
            is_occasional: operator.is_some_and(crate::operator::Used::is_occasional),
            breeding: self,
        }
    }
}

impl Breeding for Search<'_> {
    fn parents(&self, count: usize) -> Option<Parents> {
        let each = super::choosing::operators_per_parent(self.recipe).max(1);
        selection::parents(
            self.recipe,
            self.state,
            &members(self.recipe, self.state, self.island),
            count,
            self.state.memory.uses.in_generation() as usize / each,
            self.setting.seed,
            self.seed.child("parent", 0),
        )
    }

    fn mate(&self, parent: CandidateIx, island: Option<u16>, seed: Seed) -> Option<CandidateIx> {
        let pool = members(self.recipe, self.state, island);
        selection::mate(self.recipe, self.state, &pool, parent, seed)
    }

    fn members(&self) -> Vec<CandidateIx> {
        members(self.recipe, self.state, None)
    }

    fn fitness(&self, candidate: CandidateIx) -> Option<f64> {
        fitness(self.recipe, self.state, candidate)
    }

    fn ranked(&self) -> Vec<CandidateIx> {
        ranked(self.recipe, self.state)
    }

    fn front(&self) -> Vec<CandidateIx> {
        let front = population::front(&self.recipe.archive, self.state);
        front.into_iter().map(|(candidate, _)| CandidateIx(candidate)).collect()
    }

    fn competes(&self, candidate: CandidateIx) -> bool {
        super::ranking::competes(self.recipe, candidate)
    }

    fn has_generations(&self) -> bool {
        matches!(self.recipe.schedule, Schedule::Generation(_))
    }

    fn has_combinations(&self) -> bool {
        matches!(self.recipe.schedule, Schedule::Product(_))
    }

    fn runs(&self) -> Option<Vec<Vec<PlannedRun>>> {
        planned_runs(self.recipe, self.state, self.setting)
    }

    fn is_judged(&self) -> bool {
        self.state.open.is_empty() && self.state.is_quiet() && self.state.drafts.is_empty()
    }

    fn best_of_init(&self, before: u16, take: usize) -> Vec<CandidateIx> {
        population::top_of_init(self.recipe, self.state, before, take)
    }
}

/// The runs before the generation is bred: the next minibatch, each row several times, each time by a
/// member drawn as `select` draws. Row by row; `None` where the schedule plans no runs.
pub(super) fn planned_runs(
    recipe: &Recipe,
    state: &State,
    setting: Setting,
) -> Option<Vec<Vec<PlannedRun>>> {
    let Schedule::Generation(schedule) = &recipe.schedule else { return None };
    let kind = schedule.runs.as_ref()?;
    let Some(generation) = state.memory.generations.current() else { return Some(Vec::new()) };
    let (members, weights) = match &recipe.select {
        Select::Softmax(select) => selection::softmax(select, recipe, state, &generation.members),
        _ => (generation.members.clone(), vec![1.0; generation.members.len()]),
    };
    let mut rng = setting.seed.child("runs", u64::from(generation.number)).rng();
    let batches = (setting.train_rows as usize).div_ceil(kind.rows).max(1);
    // Each time round, the rows get other answers.
    let epoch = generation.number as usize / batches;
    let rows = epoch_rows(setting.train_rows, kind.rows, generation.number, setting.seed);
    let mut draw = |row| -> Vec<PlannedRun> {
        (0..kind.times)
            .filter_map(|run| {
                let place = crate::stats::weighted(&weights, &mut rng)?;
                let replicate = u16::try_from(epoch * kind.times + run).unwrap_or(u16::MAX);
                Some((row, members[place], replicate))
            })
            .collect()
    };
    Some(rows.into_iter().map(&mut draw).collect())
}
