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
