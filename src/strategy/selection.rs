//! Which candidate is changed next.

use super::State;
use crate::id::CandidateIx;
use crate::recipe::{Archive, MixKind, Select};
use crate::seed::Seed;
use crate::state::Status;
use crate::stats::frontier_weights;
use rand::Rng;

/// Draws a parent.
pub(super) fn parent(
    select: &Select,
    archive: &Archive,
    state: &State,
    seed: Seed,
) -> Option<CandidateIx> {
    let mut rng = seed.rng();
    match select {
        Select::None(_) => None,
        Select::Best(_) => Some(state.incumbent),
        Select::Uniform(_) => uniform(state, &mut rng),
        Select::Pareto(kind) => Some(pareto(archive, state, kind.min_unique, &mut rng)),
        Select::Mix(mix) => {
            let weights: Vec<f64> = mix.parts.iter().map(|part| part.weight).collect();
            let part = &mix.parts[weighted(&weights, &mut rng)?];
            match part.kind {
                MixKind::Best => Some(state.incumbent),
                MixKind::Uniform => archived_uniform(archive, state, &mut rng),
                MixKind::Pareto => Some(pareto(archive, state, part.min_unique, &mut rng)),
            }
        }
    }
}

/// Any earlier candidate, dropped ones included.
fn uniform(state: &State, rng: &mut impl Rng) -> Option<CandidateIx> {
    let count = u32::try_from(state.candidates.len()).ok()?;
    (count > 0).then(|| CandidateIx(rng.random_range(0..count)))
}

/// Any candidate that is kept.
fn archived_uniform(archive: &Archive, state: &State, rng: &mut impl Rng) -> Option<CandidateIx> {
    let kept = kept(archive, state);
    if kept.is_empty() {
        return Some(CandidateIx::SEED);
    }
    Some(kept[rng.random_range(0..kept.len())])
}

/// By the number of rows on which a candidate is among the best, dominated candidates removed
/// (GEPA, arXiv:2507.19457, algorithm 2). The incumbent while nothing is finished.
fn pareto(archive: &Archive, state: &State, min_unique: usize, rng: &mut impl Rng) -> CandidateIx {
    let weights = front(archive, state);
    let strong: Vec<(u32, usize)> =
        weights.iter().copied().filter(|(_, rows)| *rows >= min_unique).collect();
    let pool = if strong.is_empty() { weights } else { strong };
    let counts: Vec<f64> = pool.iter().map(|(_, rows)| *rows as f64).collect();
    match weighted(&counts, rng) {
        Some(place) => CandidateIx(pool[place].0),
        None => state.incumbent,
    }
}

/// The candidates on the instance-wise front with the number of rows that each holds.
pub(super) fn front(archive: &Archive, state: &State) -> Vec<(u32, usize)> {
    let mean = |candidate: u32| {
        state.standing(CandidateIx(candidate)).dev().mean().unwrap_or(f64::NEG_INFINITY)
    };
    let mut weights = frontier_weights(state.views.fronts.holders(), mean);
    if let Archive::Pareto(kind) = archive
        && weights.len() > kind.capacity
    {
        weights.sort_by(|a, b| mean(b.0).total_cmp(&mean(a.0)).then(a.0.cmp(&b.0)));
        weights.truncate(kind.capacity);
        weights.sort_by_key(|(candidate, _)| *candidate);
    }
    weights
}

/// What is kept for selection.
pub(super) fn kept(archive: &Archive, state: &State) -> Vec<CandidateIx> {
    match archive {
        Archive::List(_) => state
            .views
            .fronts
            .finished()
            .iter()
            .copied()
            .filter(|candidate| state.standing(*candidate).status == Status::Finished)
            .collect(),
        Archive::Pareto(_) => {
            front(archive, state).into_iter().map(|(candidate, _)| CandidateIx(candidate)).collect()
        }
    }
}

/// A place drawn by weight; `None` where nothing has any.
pub(super) fn weighted(weights: &[f64], rng: &mut impl Rng) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if total.is_nan() || total <= 0.0 {
        return None;
    }
    let mut draw = rng.random::<f64>() * total;
    for (place, weight) in weights.iter().enumerate() {
        if draw < *weight {
            return Some(place);
        }
        draw -= weight;
    }
    weights.iter().rposition(|weight| *weight > 0.0)
}

/// Whether `elder` is among the ancestors of `younger`.
pub(super) fn is_ancestor(state: &State, elder: CandidateIx, younger: CandidateIx) -> bool {
    ancestors(state, younger).contains(&elder)
}

/// All ancestors of a candidate, itself left out, youngest first.
pub(super) fn ancestors(state: &State, candidate: CandidateIx) -> Vec<CandidateIx> {
    let mut found: Vec<CandidateIx> = Vec::new();
    let mut open = state.standing(candidate).candidate.parents.clone();
    while let Some(next) = open.pop() {
        if !found.contains(&next) {
            found.push(next);
            open.extend(&state.standing(next).candidate.parents);
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found
}
