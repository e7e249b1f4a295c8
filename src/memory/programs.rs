//! Failures in a row of operators that are programs of the user's.

use crate::event::{Event, ProposalOutcome, Rejection};
use crate::state::Facts;
use std::collections::BTreeMap;

/// Failures in a row, by phase and by place in the phase's list.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    failures: BTreeMap<(u16, u16), u32>,
}

impl Programs {
    /// Failures in a row of the program of a phase's operator.
    #[must_use]
    pub fn failures(&self, phase: u16, operator: u16) -> u32 {
        self.failures.get(&(phase, operator)).copied().unwrap_or(0)
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        let (Event::ProposalFolded { outcome, .. } | Event::CandidateComposed { outcome, .. }) =
            event
        else {
            return;
        };
        let draft = facts.closed_proposal.as_ref().map(|closed| &closed.draft);
        let Some(draft) = draft.filter(|draft| draft.program) else { return };
        let Some(operator) = draft.operator else { return };
        let has_failed =
            matches!(outcome, ProposalOutcome::Rejected { reason: Rejection::Program, .. });
        let failures = self.failures.entry((draft.phase, operator)).or_default();
        *failures = if has_failed { *failures + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn failures_in_a_row_are_counted_for_each_program() {
        let mut script = Script::new(2);
        let mut run = |phase, operator, reason| {
            let proposal = script.draft(|draft| {
                (draft.program, draft.phase, draft.operator) = (true, phase, Some(operator));
            });
            script.reject(proposal, reason);
            let programs = &script.state.memory.programs;
            [programs.failures(0, 0), programs.failures(0, 1), programs.failures(1, 0)]
        };
        assert_eq!(run(0, 0, Rejection::Program), [1, 0, 0]);
        assert_eq!(run(0, 0, Rejection::Program), [2, 0, 0]);
        assert_eq!(run(1, 0, Rejection::Program), [2, 0, 1]);
        // A reply that the screens refuse is no failure of the program.
        assert_eq!(run(0, 0, Rejection::Dedup), [0, 0, 1]);
        assert_eq!(run(0, 1, Rejection::Program), [0, 1, 1]);
        // Models are not programs.
        let proposal = script.draft(|_| {});
        script.reject(proposal, Rejection::Program);
        assert_eq!(script.state.memory.programs.failures(0, 0), 0);
    }
}
