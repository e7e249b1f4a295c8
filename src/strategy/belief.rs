//! How likely a candidate is what the goal asks for.

use super::State;
use crate::id::CandidateIx;
use crate::stats::Posterior;
use crate::task::goal::Goal;

/// The probability that a candidate is what the goal asks for, from paired rows and the prior: better
/// than the incumbent, or good enough beside the seed.
pub(super) fn probability(goal: Goal, state: &State, candidate: CandidateIx, margin: f64) -> f64 {
    let pairs = &state.memory.pairs;
    let parent = state.standing(candidate).candidate.parents.first().copied();
    let parent = parent.unwrap_or(CandidateIx::BASELINE);
    let (pair, parent, threshold) = match goal {
        Goal::MaxQuality { .. } => {
            (pairs.against_incumbent(candidate), pairs.against_incumbent(parent), -margin)
        }
        Goal::MinCost { floor } => {
            let baseline = state.baseline().dev().mean().unwrap_or(0.0);
            let threshold = floor.quality(baseline) - baseline;
            (pairs.against_seed(candidate), pairs.against_seed(parent), threshold)
        }
    };
    Posterior::of(pairs.prior_beside(&parent), &pair).above(threshold)
}
