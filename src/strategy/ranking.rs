//! What candidates are ranked by, and which of them take part.

use super::State;
use crate::id::CandidateIx;
use crate::recipe::Recipe;
use crate::state::Status;
use crate::task::example::Split;
use crate::task::goal::Goal;

/// What a candidate is ranked by: its mean over all its answers to dev, less what its length costs.
pub(super) fn fitness(recipe: &Recipe, state: &State, candidate: CandidateIx) -> Option<f64> {
    let mean = mean_of_all(state, candidate)?;
    Some(mean - length_penalty(recipe, state, candidate))
}

/// The penalty for length: the weight times the prompt's length, as a share of the longest of the
/// first candidates (CAPO; arXiv:2504.16005, section 3).
pub(super) fn length_penalty(recipe: &Recipe, state: &State, candidate: CandidateIx) -> f64 {
    let weight = recipe.objective.length_penalty;
    if weight == 0.0 {
        return 0.0;
    }
    let length = |candidate: CandidateIx| state.standing(candidate).candidate.prompt.bytes() as f64;
    weight * length(candidate) / (state.memory.longest_first.bytes() as f64).max(1.0)
}

/// All judged candidates, best first; the earlier one of equals.
pub(super) fn ranked(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    rank(recipe, state, state.memory.fronts.finished().iter().copied())
}

/// Candidates by their fitness, best first; those without an answer are left out.
pub(super) fn rank(
    recipe: &Recipe,
    state: &State,
    candidates: impl Iterator<Item = CandidateIx>,
) -> Vec<CandidateIx> {
    let mut ranked: Vec<(f64, CandidateIx)> = candidates
        .filter(|candidate| !state.standing(*candidate).misses_too_much())
        .filter_map(|candidate| Some((fitness(recipe, state, candidate)?, candidate)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Whether a candidate is part of the population: the seed only where the recipe names it, or where
/// there is nothing else to begin with.
pub(super) fn competes(recipe: &Recipe, candidate: CandidateIx) -> bool {
    candidate != CandidateIx::BASELINE || recipe.init.is_empty() || recipe.names_baseline()
}

/// The mean over all scored answers to dev, every replicate.
pub(super) fn mean_of_all(state: &State, candidate: CandidateIx) -> Option<f64> {
    let (mut sum, mut scored) = (0.0, 0_u32);
    for (_, column) in state.standing(candidate).replicates(Split::Dev) {
        sum += column.sum;
        scored += column.scored;
    }
    (scored > 0).then(|| sum / f64::from(scored))
}

/// The best of some candidates by the goal's rule: the highest quality, or the lowest cost among
/// those that are good enough; the earlier one of equals. None where the goal allows none.
pub(super) fn best_by_goal(
    goal: Goal,
    state: &State,
    candidates: impl Iterator<Item = CandidateIx>,
    quality: impl Fn(CandidateIx) -> Option<f64>,
) -> Option<CandidateIx> {
    let baseline = quality(CandidateIx::BASELINE).unwrap_or(0.0);
    let mut best: Option<(f64, CandidateIx)> = None;
    for candidate in candidates {
        let standing = state.standing(candidate);
        if standing.misses_too_much() {
            continue;
        }
        let (Some(quality), Some(usd)) = (quality(candidate), standing.used.usd_per_1k()) else {
            continue;
        };
        if !goal.allows(quality, usd, baseline) {
            continue;
        }
        let rank = match goal {
            Goal::MaxQuality { .. } => quality,
            Goal::MinCost { .. } => -usd,
        };
        if best.is_none_or(|(highest, _)| rank > highest + 1e-12) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Candidates that take part in a pool: all that init brought, and the baseline where it is named.
pub(super) fn pool(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let with_baseline = recipe.names_baseline();
    state
        .numbered()
        .filter(|(candidate, standing)| {
            (with_baseline || *candidate != CandidateIx::BASELINE)
                && !matches!(standing.status, Status::Dropped(_))
        })
        .map(|(candidate, _)| candidate)
        .collect()
}
