//! The finished candidate with the best mean, now and before.

use super::judged::judged;
use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;

/// The finished candidate with the best mean; the earlier one of equals.
#[derive(Clone, Debug, Default)]
pub struct BestMean {
    best: Option<(f64, CandidateIx)>,
    /// Those that were the best of their time among all but the baseline, with their means.
    leaders: Vec<(CandidateIx, f64)>,
}

impl BestMean {
    /// Which candidate it is.
    #[must_use]
    pub fn candidate(&self) -> Option<CandidateIx> {
        self.best.map(|(_, candidate)| candidate)
    }

    /// Those that were the best of their time among all but the baseline, oldest first, with their means.
    #[must_use]
    pub fn leaders(&self) -> &[(CandidateIx, f64)] {
        &self.leaders
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        for &candidate in judged(event, facts) {
            self.add(candidate, facts);
        }
    }

    fn add(&mut self, candidate: CandidateIx, facts: &Facts) {
        let standing = facts.standing(candidate);
        if standing.misses_too_much() {
            return;
        }
        let Some(mean) = standing.dev().mean() else { return };
        if self.best.is_none_or(|(best, _)| mean > best) {
            self.best = Some((mean, candidate));
        }
        let leads = self.leaders.last().is_none_or(|(_, best)| mean > *best);
        if candidate != CandidateIx::SEED && leads {
            self.leaders.push((candidate, mean));
        }
    }
}
