//! Combinations of ingredients: an instruction with a set of demonstrations, as a sampler says.
//!
//! `init` brings the ingredients. An instruction without demonstrations is its own candidate; any other
//! combination is composed when a sampler asks for it. What is tried is a *round* that journals who
//! takes part; which rows they get follows from it. A round from 0 is a trial, later ones give more
//! rows to whoever did well.

mod hyperband;
mod minibatch;
mod sampling;

use super::drafting;
use super::{Plan, State};
use crate::candidate::Demo;
use crate::event::{Event, Round, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::operator::Setting;
use crate::recipe::{BLOCK, Evaluate, Recipe, Schedule, StopRule};
use crate::state::{Cell, Column};
use crate::task::example::Split;

/// All combinations.
pub(super) struct Space {
    /// Candidates whose texts are combined.
    texts: Vec<CandidateIx>,
    /// Sets of demonstrations; one empty set where none are searched.
    sets: Vec<Vec<Demo>>,
}

/// A text and a set, by their places in their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Combination {
    text: usize,
    set: usize,
}

/// What became of a combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// Nobody asked for it yet.
    No,
    /// It was refused, and will be again.
    Refused,
    /// It is this candidate.
    Is(CandidateIx),
}

impl Space {
    /// What there is to combine: the texts that `init` brought, the seed's where it is named.
    fn of(recipe: &Recipe, state: &State) -> Self {
        let texts = super::ranking::pool(recipe, state)
            .into_iter()
            .filter(|candidate| state.standing(*candidate).candidate.demos.is_empty())
            .collect();
        let sets = match state.memory.demo_sets.collected() {
            Some(sets) if !sets.is_empty() => sets.to_vec(),
            _ => vec![Vec::new()],
        };
        Self { texts, sets }
    }

    fn all(&self) -> impl Iterator<Item = Combination> + '_ {
        (0..self.texts.len())
            .flat_map(|text| (0..self.sets.len()).map(move |set| Combination { text, set }))
    }

    fn made(&self, state: &State, combination: Combination) -> Made {
        let (text, set) = (self.texts[combination.text], &self.sets[combination.set]);
        if set.is_empty() {
            return Made::Is(text);
        }
        match state.memory.trials.combined(text, set) {
            None => Made::No,
            Some(None) => Made::Refused,
            Some(Some(candidate)) => Made::Is(candidate),
        }
    }

    /// The combination that a candidate is.
    fn combination(&self, state: &State, candidate: CandidateIx) -> Option<Combination> {
        let standing = state.standing(candidate);
        let demos = &standing.candidate.demos;
        let parent = standing.candidate.parents.first().copied();
        let text = if demos.is_empty() { candidate } else { parent? };
        let text = self.texts.iter().position(|other| *other == text)?;
        let set = self.sets.iter().position(|other| other == demos)?;
        Some(Combination { text, set })
    }

    /// Combinations that were not tried; when there are none, those that have not had all of dev.
    /// `busy` are left out of these.
    fn untried(&self, state: &State, busy: &[CandidateIx]) -> Vec<Combination> {
        let trials = &state.memory.trials;
        let fresh: Vec<Combination> = self
            .all()
            .filter(|combination| match self.made(state, *combination) {
                Made::No => true,
                Made::Refused => false,
                Made::Is(candidate) => !trials.is_tried(candidate) && !is_full(state, candidate),
            })
            .collect();
        if !fresh.is_empty() {
            return fresh;
        }
        let unfinished = |combination: &Combination| match self.made(state, *combination) {
            Made::Is(candidate) => !is_full(state, candidate) && !busy.contains(&candidate),
            _ => false,
        };
        self.all().filter(unfinished).collect()
    }

    /// What leads to a trial of a combination: it is composed first where that was not done yet.
    fn try_out(&self, state: &State, combination: Combination, round: Round) -> Plan {
        match self.made(state, combination) {
            Made::Is(candidate) => trial(candidate, round),
            _ => {
                let demos = self.sets[combination.set].clone();
                let draft = drafting::combine(state, self.texts[combination.text], demos);
                Plan::Decide(Event::ProposalDrafted(draft))
            }
        }
    }
}

/// A round of one candidate.
fn trial(candidate: CandidateIx, round: Round) -> Plan {
    Plan::Decide(Event::RoundStarted(Round { candidates: vec![candidate], ..round }))
}

fn is_full(state: &State, candidate: CandidateIx) -> bool {
    state.standing(candidate).dev().folded >= state.dev_rows
}

/// The mean over some rows of dev, and how many of them have a score.
fn mean_on(column: &Column, rows: impl Iterator<Item = RowIx>) -> Option<(f64, usize)> {
    let (mut sum, mut scored) = (0.0, 0_usize);
    for score in rows.filter_map(|row| column.cell(row).score()) {
        sum += score;
        scored += 1;
    }
    (scored > 0).then(|| (sum / scored as f64, scored))
}

fn ended() -> Vec<Plan> {
    vec![Plan::Decide(Event::SearchEnded { reason: StopReason::PoolDone })]
}

/// What comes next when all ingredients are there and nothing is out.
pub(super) fn next(recipe: &Recipe, state: &State, setting: Setting) -> Vec<Plan> {
    let space = Space::of(recipe, state);
    let plan = match &recipe.evaluate {
        Evaluate::MinibatchPromote(kind) => minibatch::next(kind, recipe, state, &space, setting),
        Evaluate::Hyperband(kind) => hyperband::next(kind, recipe, state, &space, setting),
        _ => None,
    };
    plan.map_or_else(ended, |plan| vec![plan])
}

/// Rows of the round that is on, none where all that is left of them is out; `None`: all are in.
pub(super) fn under_way(recipe: &Recipe, state: &State, setting: Setting) -> Option<Vec<Plan>> {
    let round = state.memory.contests.round()?;
    let mut plans = Vec::new();
    let mut waiting = false;
    for &candidate in &round.candidates {
        let column = state.standing(candidate).dev();
        let unasked: Vec<RowIx> = rows(recipe, state, round, setting)
            .into_iter()
            .filter(|row| column.cell(*row) == Cell::Empty)
            .collect();
        waiting |= !column.is_quiet();
        plans.extend(unasked.chunks(BLOCK).map(|rows| Plan::Evaluate {
            candidate,
            split: Split::Dev,
            replicate: 0,
            rows: rows.to_vec(),
        }));
    }
    (waiting || !plans.is_empty()).then_some(plans)
}

/// The rows of a round.
fn rows(recipe: &Recipe, state: &State, round: &Round, setting: Setting) -> Vec<RowIx> {
    match &recipe.evaluate {
        Evaluate::MinibatchPromote(kind) => minibatch::rows(kind, state, round, setting),
        _ => hyperband::rows(round),
    }
}

/// What is owed before the search may end or go on with another trial.
pub(super) fn due(recipe: &Recipe, state: &State, setting: Setting) -> Option<Plan> {
    match (&recipe.schedule, &recipe.evaluate) {
        (Schedule::Product(_), Evaluate::MinibatchPromote(kind)) => {
            minibatch::promotion(kind, recipe, state, setting)
        }
        _ => None,
    }
}

/// The trials after which the search ends, where that is said.
fn limit(recipe: &Recipe, state: &State) -> Option<u32> {
    recipe.stop.when.iter().find_map(|rule| match rule {
        StopRule::Trials(most) => Some(most.unwrap_or_else(|| trials(recipe, state))),
        _ => None,
    })
}

/// ⌊max(2·V·log₂ n, 1.5·n)⌋, where V lists are searched and n is the length of the longer one
/// (MIPROv2, as DSPy sets its number of trials).
pub(super) fn trials(recipe: &Recipe, state: &State) -> u32 {
    let space = Space::of(recipe, state);
    let longest = space.sets.len().max(space.texts.len()).max(2) as f64;
    let lists = if space.sets.len() > 1 { 2.0 } else { 1.0 };
    (2.0 * lists * longest.log2()).max(1.5 * longest) as u32
}
