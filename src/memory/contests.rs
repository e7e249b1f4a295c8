//! Contests: the round that is on, the rounds before it, and the candidates that the last one left.

use crate::event::{Event, Round};
use crate::id::CandidateIx;
use crate::state::Facts;

/// The contest that is on, and what the last one came to.
#[derive(Clone, Debug, Default)]
pub struct Contests {
    is_on: bool,
    /// The rounds of the last contest that began, in order.
    played: Vec<Round>,
    ended: u32,
    survivors: Vec<CandidateIx>,
}

impl Contests {
    /// The last round of the contest that is on.
    #[must_use]
    pub fn round(&self) -> Option<&Round> {
        self.played.last().filter(|_| self.is_on)
    }

    /// The rounds of the last contest that began, in order.
    #[must_use]
    pub fn played(&self) -> &[Round] {
        &self.played
    }

    /// How many contests ended.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.ended
    }

    /// The candidates that the last contest left, best first.
    #[must_use]
    pub fn survivors(&self) -> &[CandidateIx] {
        &self.survivors
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, _facts: &Facts) {
        match event {
            Event::RoundStarted(round) => {
                if self.played.last().is_some_and(|last| last.contest != round.contest) {
                    self.played.clear();
                }
                self.played.push(round.clone());
                self.is_on = true;
            }
            Event::ContestEnded { survivors } => {
                self.is_on = false;
                self.ended += 1;
                self.survivors.clone_from(survivors);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn rounds_belong_to_a_contest_until_the_next_one_begins() {
        let mut script = Script::new(2);
        let child = script.child(CandidateIx::BASELINE, "child");
        assert!(script.state.memory.contests.round().is_none());
        script.round(0, 0, &[0, 1]);
        script.round(0, 1, &[1]);
        let contests = &script.state.memory.contests;
        assert_eq!(contests.round().map(|round| round.round), Some(1));
        assert_eq!(contests.played().len(), 2);
        script.apply(Event::ContestEnded { survivors: vec![child] });
        let contests = &script.state.memory.contests;
        assert!(contests.round().is_none());
        assert_eq!((contests.ended(), contests.survivors()), (1, &[child][..]));
        assert_eq!(contests.played().len(), 2);
        script.round(1, 0, &[0, 1]);
        let contests = &script.state.memory.contests;
        assert_eq!((contests.played().len(), contests.round().is_some()), (1, true));
        assert_eq!(contests.survivors(), [child]);
    }
}
