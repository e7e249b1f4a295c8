//! How likely a candidate is what the goal asks for.

use super::search::Search;
use crate::id::CandidateIx;
use crate::stats::{Paired, Posterior};
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
        let threshold = match self.goal.aim {
            Aim::Least { floor, .. } if !self.seeks_quality() => {
                let baseline = state.baseline().dev().mean().unwrap_or(0.0);
                floor.value(baseline) - baseline
            }
            _ => -margin,
        };
        let prior = pairs.prior_beside(&self.deciding_pair(parent));
        (Posterior::of(prior, &self.deciding_pair(candidate)), threshold)
    }

    /// A candidate's rows beside those of whom it has to be better than, or as good as: the incumbent, or the baseline.
    pub(super) fn deciding_pair(&self, candidate: CandidateIx) -> Paired {
        let pairs = &self.state.memory.pairs;
        match self.seeks_quality() {
            true => pairs.against_incumbent(candidate),
            false => pairs.against_baseline(candidate),
        }
    }
}
