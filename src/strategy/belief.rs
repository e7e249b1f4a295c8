//! How likely a candidate is what the goal asks for.

use super::search::Search;
use crate::id::CandidateIx;
use crate::stats::Posterior;
use crate::task::goal::Aim;

impl Search<'_> {
    /// The probability that a candidate is what the goal asks for, from paired rows and the prior:
    /// better than the incumbent, or good enough beside the baseline.
    pub(super) fn probability(&self, candidate: CandidateIx, margin: f64) -> f64 {
        let (belief, threshold) = self.belief(candidate, margin);
        belief.above(threshold)
    }

    /// What is believed of a candidate's difference, and what the goal asks of it.
    pub(super) fn belief(&self, candidate: CandidateIx, margin: f64) -> (Posterior, f64) {
        let state = self.state;
        let pairs = &state.memory.pairs;
        let parent = state.standing(candidate).candidate.parents.first().copied();
        let parent = parent.unwrap_or(CandidateIx::BASELINE);
        let (pair, parent, threshold) = match self.goal.aim {
            Aim::MaxQuality { .. } => {
                (pairs.against_incumbent(candidate), pairs.against_incumbent(parent), -margin)
            }
            Aim::MinCost { floor, .. } => {
                let baseline = state.baseline().dev().mean().unwrap_or(0.0);
                let threshold = floor.value(baseline) - baseline;
                (pairs.against_baseline(candidate), pairs.against_baseline(parent), threshold)
            }
        };
        (Posterior::of(pairs.prior_beside(&parent), &pair), threshold)
    }
}
