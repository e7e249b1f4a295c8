//! How often operators and inits were used, and which uses may be tried once more.

use crate::event::{Draft, Event, ProposalOutcome, Rejection};
use crate::state::Facts;
use std::collections::BTreeMap;

/// Uses of operators and inits. Operators and inits are named by their places in the phase's lists.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    of: BTreeMap<u16, u32>,
    at_incumbent: BTreeMap<u16, u32>,
    in_generation: u32,
    of_init: BTreeMap<u16, u32>,
    combinations: u32,
    refused: Vec<Draft>,
}

impl Uses {
    /// Uses of an operator in this phase.
    #[must_use]
    pub fn of(&self, operator: u16) -> u32 {
        self.of.get(&operator).copied().unwrap_or(0)
    }

    /// Uses of all operators in this phase.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.of.values().sum()
    }

    /// Uses of an operator in this phase before the incumbent last changed.
    #[must_use]
    pub fn at_incumbent(&self, operator: u16) -> u32 {
        self.at_incumbent.get(&operator).copied().unwrap_or(0)
    }

    /// Uses of operators in the generation that is bred: drafts of first steps.
    #[must_use]
    pub fn in_generation(&self) -> u32 {
        self.in_generation
    }

    /// Drafts of an init in this phase.
    #[must_use]
    pub fn of_init(&self, init: u16) -> u32 {
        self.of_init.get(&init).copied().unwrap_or(0)
    }

    /// Combinations that were drafted.
    #[must_use]
    pub fn combinations(&self) -> u32 {
        self.combinations
    }

    /// Drafts whose children were nothing new, since anything else was bred.
    #[must_use]
    pub fn refused(&self) -> &[Draft] {
        &self.refused
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            // A later step belongs to the use that its first step began.
            Event::ProposalDrafted(draft) if draft.from.is_none() => self.drafted(draft),
            Event::ProposalFolded { outcome, .. } | Event::CandidateComposed { outcome, .. } => {
                let is_known = matches!(
                    outcome,
                    ProposalOutcome::Rejected {
                        reason: Rejection::Novelty | Rejection::Dedup | Rejection::Unchanged,
                        ..
                    }
                );
                let closed = facts.closed_proposal.as_ref().filter(|_| is_known);
                self.refused.extend(closed.map(|closed| closed.draft.clone()));
            }
            Event::IncumbentChanged { .. } => self.at_incumbent.clone_from(&self.of),
            Event::GenerationStarted(_) => self.in_generation = 0,
            Event::PhaseStarted { .. } => {
                self.in_generation = 0;
                self.of.clear();
                self.at_incumbent.clear();
                self.of_init.clear();
            }
            _ => {}
        }
    }

    fn drafted(&mut self, draft: &Draft) {
        if draft.attempt > 0 {
            // The same use once more.
            let is_same = |refused: &Draft| {
                (refused.operator, refused.island, refused.attempt + 1)
                    == (draft.operator, draft.island, draft.attempt)
            };
            if let Some(place) = self.refused.iter().position(is_same) {
                self.refused.remove(place);
            }
            return;
        }
        if let Some(operator) = draft.operator {
            self.refused.clear();
            *self.of.entry(operator).or_default() += 1;
            self.in_generation += 1;
        }
        if let Some(init) = draft.init {
            *self.of_init.entry(init).or_default() += 1;
        }
        if draft.operator.is_none() && draft.init.is_none() {
            self.combinations += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Source;
    use crate::id::CandidateIx;
    use crate::memory::tests::Script;

    #[test]
    fn uses_are_counted_by_first_steps_and_begin_anew_with_a_phase() {
        let mut script = Script::new(2);
        let first = script.draft(|draft| draft.then = 1);
        script.compose(first, ProposalOutcome::Noted { notes: vec!["a hint".into()] });
        script.draft(|draft| draft.from = Some(Source { proposal: first, item: 0 }));
        script.draft(|draft| draft.operator = Some(1));
        script.lead(CandidateIx::BASELINE);
        script.draft(|draft| draft.operator = Some(1));
        script.draft(|draft| (draft.operator, draft.init) = (None, Some(0)));
        script.draft(|draft| draft.operator = None);
        let uses = &script.state.memory.uses;
        assert_eq!([uses.of(0), uses.of(1), uses.of(2), uses.total()], [1, 2, 0, 3]);
        assert_eq!([uses.at_incumbent(0), uses.at_incumbent(1)], [1, 1]);
        assert_eq!((uses.of_init(0), uses.combinations(), uses.in_generation()), (1, 1, 3));
        script.generation(0, &[0], 0);
        assert_eq!(script.state.memory.uses.in_generation(), 0);
        assert_eq!(script.state.memory.uses.total(), 3);
        script.phase(1);
        let uses = &script.state.memory.uses;
        assert_eq!([uses.total(), uses.at_incumbent(1), uses.of_init(0)], [0, 0, 0]);
    }

    #[test]
    fn a_use_that_brought_nothing_new_may_be_tried_again_until_another_is_bred() {
        let mut script = Script::new(2);
        let too_long = script.draft(|_| {});
        script.reject(too_long, Rejection::TooLong);
        assert!(script.state.memory.uses.refused().is_empty(), "that is no repetition");
        let known = script.draft(|draft| draft.island = Some(1));
        script.reject(known, Rejection::Dedup);
        assert_eq!(script.state.memory.uses.refused().len(), 1);
        // Of another island: not the same use.
        script.draft(|draft| draft.attempt = 1);
        assert_eq!(script.state.memory.uses.refused().len(), 1);
        script.draft(|draft| (draft.attempt, draft.island) = (1, Some(1)));
        assert!(script.state.memory.uses.refused().is_empty());
        assert_eq!(script.state.memory.uses.total(), 2, "an attempt is no use of its own");
        let known = script.draft(|_| {});
        script.reject(known, Rejection::Unchanged);
        script.draft(|draft| draft.operator = Some(1));
        assert!(script.state.memory.uses.refused().is_empty());
    }
}
