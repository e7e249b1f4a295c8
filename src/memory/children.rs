//! How many children each candidate has: for novelty among parents.

use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;

/// How many children each candidate has.
#[derive(Clone, Debug, Default)]
pub struct Children {
    counts: Vec<u32>,
    seen: usize,
}

impl Children {
    /// Those that a candidate is the first parent of.
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> u32 {
        self.counts.get(candidate.index()).copied().unwrap_or(0)
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, _event: &Event, facts: &Facts) {
        while let Some(standing) = facts.candidates.get(self.seen) {
            self.seen += 1;
            self.counts.resize(facts.candidates.len(), 0);
            if let Some(parent) = standing.candidate.parents.first() {
                self.counts[parent.index()] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn a_child_counts_for_its_first_parent() {
        let mut script = Script::new(1);
        let child = script.child(CandidateIx::BASELINE, "child");
        let merge = script.draft(|draft| draft.parents = vec![child, CandidateIx::BASELINE]);
        let merged = script.add(merge, "merged");
        let children = &script.state.memory.children;
        let counts = [CandidateIx::BASELINE, child, merged].map(|candidate| children.of(candidate));
        assert_eq!(counts, [1, 1, 0]);
    }
}
