//! What makes a candidate the incumbent.

use super::belief::probability;
use super::ranking::{fitness, ranked};
use super::{Plan, State};
use crate::event::Event;
use crate::id::CandidateIx;
use crate::recipe::{Accept, Against, EvidenceAccept, ImproveAccept, Recipe};
use crate::task::goal::Goal;

/// A change of the incumbent that is due.
pub(super) fn change(recipe: &Recipe, goal: Goal, state: &State) -> Option<Plan> {
    match &recipe.accept {
        Accept::Improve(kind) if kind.against == Against::Incumbent => {
            improved(kind, recipe, goal, state)
        }
        Accept::Always(_) | Accept::Improve(_) => best_mean(recipe, goal, state),
        Accept::Evidence(kind) => by_evidence(kind, goal, state),
    }
}

/// A child that was judged and is better than the incumbent, or as good where that is enough. Nobody
/// becomes the incumbent twice, so this ends.
fn improved(kind: &ImproveAccept, recipe: &Recipe, goal: Goal, state: &State) -> Option<Plan> {
    if !kind.or_equal {
        return best_mean(recipe, goal, state);
    }
    let mine = fitness(recipe, state, state.incumbent)?;
    let next = state.memory.fronts.finished().iter().copied().find(|candidate| {
        let was = state.incumbents.iter().any(|(earlier, _)| earlier == candidate);
        !was && *candidate > state.incumbent
            && fitness(recipe, state, *candidate).is_some_and(|theirs| theirs >= mine - 1e-9)
    })?;
    let mean = fitness(recipe, state, next)?;
    Some(changed(next, format!("mean {mean:.4}, not below {mine:.4}")))
}

fn changed(candidate: CandidateIx, why: String) -> Plan {
    Plan::Decide(Event::IncumbentChanged { candidate, why })
}

/// The best mean over all of dev. Where the goal has a constraint, the best that keeps it.
fn best_mean(recipe: &Recipe, goal: Goal, state: &State) -> Option<Plan> {
    let best = match goal {
        Goal::MaxQuality { usd_per_1k_at_most: None } if recipe.objective.length_penalty > 0.0 => {
            *ranked(recipe, state).first()?
        }
        Goal::MaxQuality { usd_per_1k_at_most: None } => state.memory.best_mean.candidate()?,
        _ => {
            let finished = state.memory.fronts.finished();
            super::ranking::best_by_goal(goal, state, finished.iter().copied(), |candidate| {
                state.standing(candidate).dev().mean()
            })?
        }
    };
    if best == state.incumbent {
        return None;
    }
    let mean = state.standing(best).dev().mean()?;
    Some(changed(best, format!("mean {mean:.4} on dev")))
}

/// Likely better; or not worse, and cheaper. Nobody becomes the incumbent twice, so this ends.
fn by_evidence(kind: &EvidenceAccept, goal: Goal, state: &State) -> Option<Plan> {
    let cost = |candidate: CandidateIx| state.standing(candidate).used.usd_per_1k();
    let incumbent_cost = cost(state.incumbent)?;
    let baseline = state.baseline().dev().mean()?;
    let allowed = |candidate: CandidateIx| {
        let standing = state.standing(candidate);
        match (standing.dev().mean(), standing.used.usd_per_1k()) {
            (Some(mean), Some(usd)) => goal.allows(mean, usd, baseline),
            _ => false,
        }
    };
    let incumbent_allowed = allowed(state.incumbent);
    let mut best: Option<(f64, CandidateIx, String)> = None;
    for &candidate in state.memory.fronts.finished() {
        let was = state.incumbents.iter().any(|(earlier, _)| *earlier == candidate);
        if was || state.standing(candidate).misses_too_much() || !allowed(candidate) {
            continue;
        }
        let Some(cost) = cost(candidate) else {
            continue;
        };
        let better = probability(goal, state, candidate, 0.0);
        let not_worse = probability(goal, state, candidate, kind.margin);
        let cheaper = saves_enough(kind, state, candidate);
        let why = match goal {
            Goal::MaxQuality { .. } if better >= kind.posterior => {
                format!("P(better) = {better:.2} over {} common rows", rows(state, candidate))
            }
            Goal::MaxQuality { .. } if cheaper && not_worse >= kind.posterior => {
                format!(
                    "P(not worse) = {not_worse:.2}, at {cost:.4} USD per 1,000 calls instead of {incumbent_cost:.4}"
                )
            }
            Goal::MinCost { .. } if better >= kind.posterior && cost < incumbent_cost => {
                format!(
                    "P(good enough) = {better:.2}, at {cost:.4} USD per 1,000 calls instead of {incumbent_cost:.4}"
                )
            }
            // Whoever keeps the constraint is better than an incumbent that does not.
            _ if !incumbent_allowed => format!("keeps the goal's constraint ({goal})"),
            _ => continue,
        };
        let rank = match goal {
            Goal::MaxQuality { .. } => better,
            Goal::MinCost { .. } => -cost,
        };
        if best.as_ref().is_none_or(|(highest, ..)| rank > *highest) {
            best = Some((rank, candidate, why));
        }
    }
    best.map(|(_, candidate, why)| changed(candidate, why))
}

/// Whether a candidate's calls cost so much less than the incumbent's that it need not be better.
pub(super) fn saves_enough(kind: &EvidenceAccept, state: &State, candidate: CandidateIx) -> bool {
    let cost = |candidate: CandidateIx| state.standing(candidate).used.usd_per_1k();
    match (cost(candidate), cost(state.incumbent)) {
        (Some(mine), Some(theirs)) => mine <= theirs * (1.0 - kind.or_cheaper),
        _ => false,
    }
}

fn rows(state: &State, candidate: CandidateIx) -> usize {
    state.memory.pairs.against_incumbent(candidate).n
}
