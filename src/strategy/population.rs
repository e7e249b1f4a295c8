//! What is kept for selection, and what the next generation is bred from.

use super::State;
use super::ranking::{competes, fitness, rank};
use crate::event::Generation;
use crate::id::CandidateIx;
use crate::recipe::{Accept, Against, Archive, Evaluate, Recipe, Schedule};
use crate::state::{CandidateState, Status};
use crate::stats::frontier_weights;

/// How many candidates a population holds: what the archive says, or one where that may hold any
/// number.
pub(super) fn keeps(recipe: &Recipe) -> usize {
    match &recipe.archive {
        Archive::TopK(kind) => kind.capacity.max(1),
        Archive::Slots(kind) => kind.capacity.max(1),
        _ => 1,
    }
}

/// What a child may be bred from now: the population of the generation, or whatever is kept.
pub(super) fn members(recipe: &Recipe, state: &State, island: Option<u16>) -> Vec<CandidateIx> {
    let all = match (&recipe.schedule, state.memory.generations.current()) {
        (Schedule::Generation(_), Some(generation)) => generation.members.clone(),
        _ => kept(recipe, state),
    };
    let Some(island) = island else {
        return all;
    };
    // What `init` brought belongs to every island.
    let on_island: Vec<CandidateIx> = all
        .into_iter()
        .filter(|candidate| {
            let islands = state.memory.islands.of(*candidate);
            islands.is_empty() || islands.contains(&island)
        })
        .collect();
    match &recipe.archive {
        Archive::Islands(kind) => {
            let mut best = rank(recipe, state, on_island.iter().copied());
            best.truncate(kind.capacity);
            best
        }
        _ => on_island,
    }
}

/// What is kept of all that was judged.
pub(super) fn kept(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let judged = || {
        let finished = state.memory.fronts.finished().iter().copied();
        finished.filter(|candidate| {
            competes(recipe, *candidate) && state.standing(*candidate).status == Status::Finished
        })
    };
    match &recipe.archive {
        Archive::List(_) | Archive::Tree(_) | Archive::Islands(_) => judged().collect(),
        // Newest first: of equals, the one that was accepted last is the current one.
        Archive::Chain(_) => {
            state.incumbents.iter().rev().map(|(candidate, _)| *candidate).collect()
        }
        Archive::TopK(kind) => {
            let mut best = rank(recipe, state, judged());
            best.truncate(kind.capacity);
            best
        }
        Archive::Slots(kind) => {
            let mut best = rank(recipe, state, judged());
            best.truncate(kind.capacity);
            best
        }
        Archive::Pareto(_) => front(&recipe.archive, state)
            .into_iter()
            .map(|(candidate, _)| CandidateIx(candidate))
            .collect(),
        Archive::MapElites(kind) => super::cells::elites(kind, recipe, state),
    }
}

/// The candidates on the instance-wise front with the number of rows that each holds.
pub(super) fn front(archive: &Archive, state: &State) -> Vec<(u32, usize)> {
    let mean = |candidate: u32| {
        state.standing(CandidateIx(candidate)).dev().mean().unwrap_or(f64::NEG_INFINITY)
    };
    let mut weights = frontier_weights(state.memory.fronts.holders(), mean);
    if let Archive::Pareto(kind) = archive
        && weights.len() > kind.capacity
    {
        weights.sort_by(|a, b| mean(b.0).total_cmp(&mean(a.0)).then(a.0.cmp(&b.0)));
        weights.truncate(kind.capacity);
        weights.sort_by_key(|(candidate, _)| *candidate);
    }
    weights
}

/// The population of the next generation: called when everything of the last one is judged.
pub(super) fn next_generation(recipe: &Recipe, state: &State) -> Generation {
    let number = state.memory.generations.next_number();
    let iteration = state.memory.generations.current().map_or(0, |generation| generation.iteration);
    let members = match (&recipe.archive, state.memory.generations.current()) {
        (Archive::Tree(_), _) => return super::tree::next(recipe, state, number),
        // A contest has already said who is left.
        (Archive::TopK(kind), _)
            if recipe.evaluate.is_contest() && !state.memory.contests.survivors().is_empty() =>
        {
            state.memory.contests.survivors().iter().copied().take(kind.capacity).collect()
        }
        // Who holds the places is known from the phase before.
        (Archive::Slots(kind), None) if !state.memory.generations.carried().is_empty() => {
            state.memory.generations.carried().iter().copied().take(kind.capacity).collect()
        }
        (Archive::TopK(kind), Some(last)) => {
            let children = born(state).map(|(child, _)| child);
            let mut best = rank(recipe, state, last.members.iter().copied().chain(children));
            best.truncate(kind.capacity);
            best
        }
        (Archive::Slots(_), Some(last)) => replaced(recipe, state, &last.members),
        (_, None) => first(recipe, state),
        _ => kept(recipe, state),
    };
    Generation { number, members, iteration }
}

/// The judged children of the generation that is on.
fn born(state: &State) -> impl Iterator<Item = (CandidateIx, &CandidateState)> {
    state
        .numbered()
        .skip(state.memory.generations.candidates_before())
        .filter(|(_, standing)| standing.status == Status::Finished)
}

/// The first population: the best of what `init` brought. Where that says the best in other words,
/// these and their paraphrases are the population, however the paraphrases fare (EvoPrompt's
/// `para_topk`); others only fill it up.
fn first(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let best = kept(recipe, state);
    let capacity = match &recipe.archive {
        Archive::TopK(kind) => kind.capacity,
        Archive::Slots(kind) => kind.capacity,
        _ => return best,
    };
    let of_top = recipe
        .init
        .iter()
        .zip(0_u16..)
        .find_map(|(init, place)| Some((place, init.rewrites_best()?)));
    let Some((place, take)) = of_top else {
        return best;
    };
    let mut members = top_of_init(recipe, state, place, take);
    let paraphrases = state.numbered().filter(|(candidate, standing)| {
        state.memory.births.of(*candidate).init == Some(place)
            && standing.status == Status::Finished
    });
    members.extend(paraphrases.map(|(candidate, _)| candidate));
    for candidate in best {
        if !members.contains(&candidate) {
            members.push(candidate);
        }
    }
    members.truncate(capacity);
    rank(recipe, state, members.into_iter())
}

/// The best of what stands before a place in the recipe's `init`, the seed included.
pub(super) fn top_of_init(
    recipe: &Recipe,
    state: &State,
    place: u16,
    take: usize,
) -> Vec<CandidateIx> {
    let earlier = state.numbered().filter(|(candidate, standing)| {
        let init = state.memory.births.of(*candidate).init;
        let is_earlier =
            *candidate == CandidateIx::BASELINE || init.is_some_and(|init| init < place);
        is_earlier && standing.status == Status::Finished
    });
    let mut best = rank(recipe, state, earlier.map(|(candidate, _)| candidate));
    best.truncate(take);
    best
}

/// Places after a generation: each child takes the place that it was bred for, unless `accept` wants
/// it to be better than who is there.
fn replaced(recipe: &Recipe, state: &State, members: &[CandidateIx]) -> Vec<CandidateIx> {
    let mut places = members.to_vec();
    for (child, _) in born(state) {
        let place = state.memory.births.of(child).place;
        let Some(place) = place.map(usize::from).filter(|place| *place < places.len()) else {
            continue;
        };
        let theirs = fitness(recipe, state, places[place]).unwrap_or(f64::NEG_INFINITY);
        let mine = fitness(recipe, state, child).unwrap_or(f64::NEG_INFINITY);
        let takes = match &recipe.accept {
            Accept::Improve(kind) if kind.against == Against::Slot => {
                if kind.or_equal {
                    mine >= theirs - 1e-9
                } else {
                    mine > theirs + 1e-9
                }
            }
            _ => true,
        };
        if takes {
            places[place] = child;
        }
    }
    places
}

/// Whether a recipe gives a candidate fewer rows than all of dev, and how many.
pub(super) fn quota(recipe: &Recipe, state: &State) -> u32 {
    match &recipe.evaluate {
        Evaluate::Full(kind) if kind.subset > 0 => {
            u32::try_from(kind.subset).unwrap_or(u32::MAX).min(state.dev_rows)
        }
        Evaluate::Minibatch(kind) => {
            u32::try_from(kind.size).unwrap_or(u32::MAX).min(state.dev_rows)
        }
        Evaluate::Race(kind) if kind.first_rows > 0 => {
            let first = u32::try_from(kind.first_rows).unwrap_or(u32::MAX);
            first.max(state.memory.widening.rows_in_use()).min(state.dev_rows)
        }
        _ => state.dev_rows,
    }
}
