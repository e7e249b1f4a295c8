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
        if candidate != CandidateIx::BASELINE && leads {
            self.leaders.push((candidate, mean));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn the_earlier_one_of_equals_is_best_and_leaders_leave_out_the_baseline() {
        let mut script = Script::new(1);
        assert_eq!(script.state.memory.best_mean.candidate(), None);
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        for (text, score) in [("one", 0.25), ("two", 0.5), ("three", 0.75), ("four", 0.75)] {
            let child = script.child(CandidateIx::BASELINE, text);
            script.score(child, &[(0, score)]);
        }
        let best = &script.state.memory.best_mean;
        assert_eq!(best.candidate(), Some(CandidateIx(3)));
        let leaders = [(CandidateIx(1), 0.25), (CandidateIx(2), 0.5), (CandidateIx(3), 0.75)];
        assert_eq!(best.leaders(), leaders);
    }
}
