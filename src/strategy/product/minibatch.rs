//! Minibatch trials with promotions (MIPROv2, arXiv:2406.11695, section 3.3): each trial sees a random
//! minibatch; after every few, the combination with the best mean over its minibatches that has not
//! had all of dev gets the rest, and so does one more at the end.
//!
//! The first trial of all is the seed on all of dev, which every run begins with.

use super::super::{Plan, State};
use super::{Made, Space, is_full, limit, mean_on, sampling, trial};
use crate::event::Round;
use crate::id::{CandidateIx, RowIx};
use crate::operator::Setting;
use crate::recipe::{MinibatchPromoteEvaluate, Recipe, Sampler};
use rand::seq::SliceRandom;

/// Trials for each combination after which a sampler that only repeats itself has nothing to add.
const MOST_REPEATS: usize = 10;

fn round(series: u32, number: u32) -> Round {
    Round {
        contest: series,
        group: 0,
        round: number,
        first: 0,
        pool: 1,
        candidates: Vec::new(),
        pulls: 0,
        budget: 0,
        each: Vec::new(),
    }
}

/// Whether trials see all of dev.
fn is_small(kind: &MinibatchPromoteEvaluate, state: &State) -> bool {
    state.dev_rows as usize <= kind.full_below.max(kind.size)
}

/// The rows of a round: a minibatch for a trial, all for a promotion.
pub(super) fn rows(
    kind: &MinibatchPromoteEvaluate,
    state: &State,
    round: &Round,
    setting: Setting,
) -> Vec<RowIx> {
    if round.round > 0 { all(state) } else { minibatch(kind, state, round.contest, setting) }
}

fn all(state: &State) -> Vec<RowIx> {
    (0..state.dev_rows).map(RowIx).collect()
}

/// The rows of a trial.
fn minibatch(
    kind: &MinibatchPromoteEvaluate,
    state: &State,
    number: u32,
    setting: Setting,
) -> Vec<RowIx> {
    let mut rows = all(state);
    if !is_small(kind, state) {
        rows.shuffle(&mut setting.seed.child("minibatch", u64::from(number)).rng());
        rows.truncate(kind.size);
    }
    rows
}

/// Trials in their order with the mean of each.
pub(super) fn results(
    kind: &MinibatchPromoteEvaluate,
    state: &State,
    setting: Setting,
) -> Vec<(CandidateIx, f64)> {
    let trials = state.memory.trials.tried().iter();
    trials
        .filter_map(|trial| {
            let column = state.standing(trial.candidate).dev();
            let rows = minibatch(kind, state, trial.series, setting);
            Some((trial.candidate, mean_on(column, rows.into_iter())?.0))
        })
        .collect()
}

/// The full evaluation that is due.
pub(super) fn promotion(
    kind: &MinibatchPromoteEvaluate,
    recipe: &Recipe,
    state: &State,
    setting: Setting,
) -> Option<Plan> {
    let trials = state.memory.trials.count();
    let every = u32::try_from(kind.promote_every).unwrap_or(u32::MAX);
    let is_last = limit(recipe, state).is_some_and(|limit| trials >= limit);
    let is_due = trials > 0 && (trials.is_multiple_of(every) || is_last);
    if !is_due || is_small(kind, state) || state.memory.trials.promoted_at() == Some(trials) {
        return None;
    }
    let mut means: Vec<(CandidateIx, f64, u32)> = Vec::new();
    for (candidate, mean) in results(kind, state, setting) {
        match means.iter_mut().find(|(other, ..)| *other == candidate) {
            Some((_, sum, count)) => {
                *sum += mean;
                *count += 1;
            }
            None => means.push((candidate, mean, 1)),
        }
    }
    let mut best: Option<(f64, CandidateIx)> = None;
    for (candidate, sum, count) in means {
        let mean = sum / f64::from(count);
        // Of equals, the one that was tried first.
        if !is_full(state, candidate) && best.is_none_or(|(highest, _)| mean > highest + 1e-12) {
            best = Some((mean, candidate));
        }
    }
    Some(trial(best?.1, round(trials, 1)))
}

/// The next trial; `None`: there is nothing left to learn.
pub(super) fn next(
    kind: &MinibatchPromoteEvaluate,
    recipe: &Recipe,
    state: &State,
    space: &Space,
    setting: Setting,
) -> Option<Plan> {
    let trials = &state.memory.trials;
    if let Some(candidate) = trials.waiting() {
        return Some(trial(candidate, round(trials.count(), 0)));
    }
    let untried = space.untried(state, &[]);
    if untried.is_empty() || trials.tried().len() >= MOST_REPEATS * space.all().count() {
        return None;
    }
    let choices = match &recipe.sampler {
        // The estimator may ask for what was tried before: it gets other rows.
        Sampler::Tpe(_) => space.all().filter(|c| space.made(state, *c) != Made::Refused).collect(),
        _ => untried,
    };
    let known = match &recipe.sampler {
        Sampler::Tpe(_) => each_trial(kind, state, space, setting),
        _ => each_candidate(recipe, state, space),
    };
    let chosen = sampling::suggest(recipe, state, space, &choices, &known, setting)?;
    Some(space.try_out(state, chosen, round(trials.count(), 0)))
}

/// The seed's full evaluation, each trial, and each promotion, as observations of their own.
fn each_trial(
    kind: &MinibatchPromoteEvaluate,
    state: &State,
    space: &Space,
    setting: Setting,
) -> Vec<sampling::Observation> {
    let mut found: Vec<(CandidateIx, f64)> = Vec::new();
    let full_mean = |candidate: CandidateIx| state.standing(candidate).dev().mean();
    found.extend(full_mean(CandidateIx::BASELINE).map(|mean| (CandidateIx::BASELINE, mean)));
    found.extend(results(kind, state, setting));
    for candidate in state.memory.trials.promoted() {
        found.extend(full_mean(*candidate).map(|mean| (*candidate, mean)));
    }
    found
        .into_iter()
        .filter_map(|(candidate, mean)| {
            let combination = space.combination(state, candidate)?;
            Some(sampling::Observation { combination, mean, rows: 1 })
        })
        .collect()
}

/// What is known of each combination that has answers.
fn each_candidate(recipe: &Recipe, state: &State, space: &Space) -> Vec<sampling::Observation> {
    state
        .numbered()
        .filter_map(|(candidate, standing)| {
            let combination = space.combination(state, candidate)?;
            let mean = super::super::ranking::fitness(recipe, state, candidate)?;
            let rows = standing.dev().scored as usize;
            Some(sampling::Observation { combination, mean, rows })
        })
        .collect()
}
