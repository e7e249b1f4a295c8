//! Earlier prompts that a proposal shows.

use super::super::State;
use super::super::population::{competes, fitness, ranked};
use super::super::selection::{ancestors, distance};
use crate::event::Told;
use crate::id::CandidateIx;
use crate::recipe::{
    EdaOperator, History, HistoryPick, Likeness, LineageOperator, Recipe, Schedule,
};
use crate::seed::Seed;
use rand::seq::SliceRandom;

/// The prompts that a history names, in the order in which they are shown: those that were there when
/// the generation began, so that all its children see the same ones. Where parts take turns, only
/// prompts in which something is new of this part.
pub(super) fn told(
    history: &History,
    recipe: &Recipe,
    state: &State,
    parent: CandidateIx,
    part: Option<u16>,
) -> Vec<Told> {
    let is_there = |candidate: &CandidateIx| {
        let of = state.standing(*candidate).part;
        let is_earlier = match recipe.schedule {
            Schedule::Generation(_) => candidate.index() < state.parents,
            _ => true,
        };
        is_earlier && (part.is_none() || of.is_none() || of == part)
    };
    let score = |candidate: CandidateIx| fitness(recipe, state, candidate);
    let reaches = |candidate: &CandidateIx| {
        is_there(candidate)
            && score(*candidate).is_some_and(|score| score >= history.min_score - 1e-9)
    };
    let chosen: Vec<CandidateIx> = match history.pick {
        HistoryPick::Best => {
            let ranked: Vec<CandidateIx> =
                ranked(recipe, state).into_iter().filter(reaches).collect();
            let best = history.k.min(ranked.len());
            let worst = ranked.len().saturating_sub(history.bottom).max(best);
            // Ascending: the best stands last, nearest to where the reply begins.
            ranked[..best].iter().chain(&ranked[worst..]).rev().copied().collect()
        }
        HistoryPick::Last => {
            let mut last: Vec<CandidateIx> = state
                .numbered()
                .map(|(candidate, _)| candidate)
                .filter(|candidate| reaches(candidate))
                .collect();
            last.drain(..last.len().saturating_sub(history.k));
            last
        }
        HistoryPick::Path => {
            let mut path = ancestors(state, parent);
            path.retain(reaches);
            path.truncate(history.k);
            path.reverse();
            path
        }
    };
    chosen.into_iter().map(|candidate| Told { candidate, score: score(candidate) }).collect()
}

/// A list of prompts that are unlike each other, without scores (PromptBreeder; arXiv:2309.16797,
/// section 3.2.2). Likeness is the cosine of hashed n-grams where the paper takes an embedding.
pub(super) fn distribution(
    kind: &EdaOperator,
    recipe: &Recipe,
    state: &State,
    seed: Seed,
) -> Vec<Told> {
    let mut members = super::members(recipe, state, None);
    // Whatever order the population has says nothing here.
    members.shuffle(&mut seed.rng());
    if kind.ranked {
        // In ascending order of score, although the request says otherwise: the paper's own trick.
        members.sort_by(|a, b| {
            let score = |candidate: &CandidateIx| fitness(recipe, state, *candidate).unwrap_or(0.0);
            score(a).total_cmp(&score(b)).then(a.cmp(b))
        });
    }
    let mut listed: Vec<CandidateIx> = Vec::new();
    for candidate in members {
        let like = |other: &CandidateIx| {
            let likeness = match kind.likeness {
                Likeness::Texts => state.views.likeness.between(state, candidate, *other),
                Likeness::Answers => 1.0 - distance(state, candidate, *other),
            };
            likeness > kind.max_similarity
        };
        if listed.len() < kind.most && !listed.iter().any(like) {
            listed.push(candidate);
        }
    }
    listed.into_iter().map(|candidate| Told { candidate, score: None }).collect()
}

/// Those of the parent's line that were the best of their time, oldest first (PromptBreeder;
/// arXiv:2309.16797, section 3.2.2).
pub(super) fn lineage(
    kind: &LineageOperator,
    recipe: &Recipe,
    state: &State,
    parent: CandidateIx,
) -> Vec<Told> {
    let line = ancestors(state, parent);
    let of_line = |candidate: &CandidateIx| *candidate == parent || line.contains(candidate);
    // A seed that is not in the population is nobody's rival.
    let of_seed = state.baseline().dev().mean().filter(|_| competes(recipe, CandidateIx::BASELINE));
    let led = state.views.best.leaders().iter();
    let mut elites: Vec<CandidateIx> = of_seed
        .map(|_| CandidateIx::BASELINE)
        .into_iter()
        .chain(led.filter(|(_, mean)| of_seed.is_none_or(|seed| *mean > seed)).map(|(led, _)| *led))
        .filter(of_line)
        .collect();
    elites.drain(..elites.len().saturating_sub(kind.most));
    elites.into_iter().map(|candidate| Told { candidate, score: None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe;
    use crate::strategy::tests::grown;

    fn numbers(told: &[Told]) -> Vec<u32> {
        assert!(told.iter().all(|told| told.score.is_none()), "scores are not told");
        told.iter().map(|told| told.candidate.0).collect()
    }

    #[test]
    fn a_list_holds_one_of_each_likeness_and_a_ranking_begins_with_the_worst() {
        let recipe = recipe::load("promptbreeder", &[]).unwrap();
        let long = "Read the message and name the one department that has to deal with it, however \
                    many things it speaks of; where two could, take the one that is named first.";
        let nearly = long.replace("named first", "named last");
        let children = [
            (long, 0, 0.9),
            (&*nearly, 0, 0.8),
            ("Sort by what is asked for.", 0, 0.2),
            ("Think of the person who wrote it.", 0, 0.5),
        ];
        let state = grown(&children, &[1]);
        let list = |ranked: bool, max_similarity: f64, most: usize| {
            let kind = EdaOperator { ranked, max_similarity, most, ..EdaOperator::default() };
            numbers(&distribution(&kind, &recipe, &state, Seed(7)))
        };
        let sorted = |mut list: Vec<u32>| {
            list.sort_unstable();
            list
        };
        assert_eq!(sorted(list(false, 0.9999, 9)), [1, 2, 3, 4]);
        let few = sorted(list(false, 0.95, 9));
        assert!(few == [1, 3, 4] || few == [2, 3, 4], "{few:?}");
        assert_eq!(list(false, 0.9999, 2).len(), 2);
        assert_eq!(list(true, 0.9999, 9), [3, 4, 2, 1]);
        // Filtered in the order of the list.
        assert_eq!(list(true, 0.95, 9), [3, 4, 2]);
    }

    #[test]
    fn a_line_of_elites_is_that_of_the_parent_alone() {
        let recipe = recipe::load("promptbreeder", &[]).unwrap();
        let children = [
            ("a", 0, 0.1),
            ("b", 1, 0.2),
            ("c", 0, 0.3),
            ("d", 2, 0.4),
            ("e", 4, 0.0),
            ("f", 0, 0.0),
        ];
        let state = grown(&children, &[1, 2, 3, 4]);
        let line = |parent: u32, most: usize| {
            let kind = LineageOperator { most, ..LineageOperator::default() };
            numbers(&lineage(&kind, &recipe, &state, CandidateIx(parent)))
        };
        // e comes from d, b and a; c was the best of another line. The seed is not of the population.
        assert_eq!(line(5, 9), [1, 2, 4]);
        assert_eq!(line(4, 2), [2, 4]);
        assert_eq!(line(3, 9), [3]);
        assert_eq!(line(6, 9), Vec::<u32>::new());
    }
}
