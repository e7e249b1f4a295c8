//! Earlier prompts that a proposal shows.

use super::super::State;
use super::super::population::{competes, fitness, ranked};
use super::super::selection::{ancestors, distance};
use crate::event::Told;
use crate::id::CandidateIx;
use crate::recipe::{
    EdaOperator, History, HistoryPick, Likeness, LineageOperator, Recipe, Schedule,
};

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
pub(super) fn distribution(kind: &EdaOperator, recipe: &Recipe, state: &State) -> Vec<Told> {
    let mut members = super::members(recipe, state, None);
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
    let mut elites: Vec<CandidateIx> = state
        .incumbents
        .iter()
        .map(|(candidate, _)| *candidate)
        .filter(|candidate| competes(recipe, *candidate) && of_line(candidate))
        .collect();
    elites.drain(..elites.len().saturating_sub(kind.most));
    elites.into_iter().map(|candidate| Told { candidate, score: None }).collect()
}
