//! The length of the longest of the first candidates: what penalties on length are measured by.

use super::births::Births;
use crate::event::Event;
use crate::state::Facts;

/// The length of the longest of the candidates that no generation brought.
#[derive(Clone, Debug, Default)]
pub struct LongestFirst {
    bytes: usize,
    seen: usize,
}

impl LongestFirst {
    /// Bytes of its prompt.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in one event; `facts` and `births` have taken it in before.
    pub fn apply(&mut self, _event: &Event, facts: &Facts, births: &Births) {
        for (candidate, standing) in facts.numbered().skip(self.seen) {
            if births.of(candidate).generation == 0 {
                self.bytes = self.bytes.max(standing.candidate.prompt.bytes());
            }
        }
        self.seen = facts.candidates.len();
    }
}

#[cfg(test)]
mod tests {
    use crate::id::CandidateIx;
    use crate::memory::tests::Script;

    #[test]
    fn children_of_a_generation_do_not_count() {
        let mut script = Script::new(1);
        let bytes = |script: &Script| script.state.memory.longest_first.bytes();
        let baseline = bytes(&script);
        script.child(CandidateIx::BASELINE, "longer than the baseline");
        let longest = bytes(&script);
        assert_eq!(longest - baseline, "longer than the baseline".len() - "baseline".len());
        script.generation(0, &[0], 0);
        script.child(CandidateIx::BASELINE, "the longest of all, but bred in a generation");
        assert_eq!(bytes(&script), longest);
    }
}
