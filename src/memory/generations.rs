//! The generation that is bred, what it is bred from, and how generations are counted over phases.

use crate::event::{Event, Generation};
use crate::id::CandidateIx;
use crate::state::Facts;

/// The generation that is bred, and those before it.
#[derive(Clone, Debug, Default)]
pub struct Generations {
    current: Option<Generation>,
    candidates_before: usize,
    bred_from: CandidateIx,
    first_of_phase: u32,
    carried: Vec<CandidateIx>,
    improved_in: u32,
}

impl Generations {
    /// The generation that is bred; none before a phase's first one.
    #[must_use]
    pub fn current(&self) -> Option<&Generation> {
        self.current.as_ref()
    }

    /// The number of the generation that is bred; before a phase's first one, that of the first one.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.current.as_ref().map_or(self.first_of_phase, |generation| generation.number)
    }

    /// The number of the generation after the one that is bred.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.current.as_ref().map_or(self.first_of_phase, |generation| generation.number + 1)
    }

    /// How many candidates there were when the generation began: later ones are its children.
    #[must_use]
    pub fn candidates_before(&self) -> usize {
        self.candidates_before
    }

    /// The incumbent when the generation began.
    #[must_use]
    pub fn bred_from(&self) -> CandidateIx {
        self.bred_from
    }

    /// The number of the phase's first generation: they are counted on from phase to phase.
    #[must_use]
    pub fn first_of_phase(&self) -> u32 {
        self.first_of_phase
    }

    /// The population that the phase before left.
    #[must_use]
    pub fn carried(&self) -> &[CandidateIx] {
        &self.carried
    }

    /// The first generation after the one in which the incumbent last changed.
    #[must_use]
    pub fn improved_in(&self) -> u32 {
        self.improved_in
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::GenerationStarted(generation) => {
                self.current = Some(generation.clone());
                self.candidates_before = facts.candidates.len();
                self.bred_from = facts.incumbent;
            }
            Event::IncumbentChanged { .. } => self.improved_in = self.next_number(),
            Event::PhaseStarted { .. } => {
                if let Some(last) = self.current.take() {
                    self.first_of_phase = last.number + 1;
                    self.carried = last.members;
                }
                // Rules that count towards an end count for each phase anew.
                self.improved_in = self.first_of_phase;
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
    fn generations_are_counted_over_phases_and_remember_what_they_began_with() {
        let mut script = Script::new(2);
        let numbers = |script: &Script| {
            let generations = &script.state.memory.generations;
            (generations.number(), generations.next_number(), generations.first_of_phase())
        };
        assert_eq!(numbers(&script), (0, 0, 0));
        let child = script.child(CandidateIx::BASELINE, "child");
        script.lead(child);
        assert_eq!(script.state.memory.generations.improved_in(), 0);
        script.generation(0, &[0, 1], 0);
        script.child(child, "grandchild");
        assert_eq!(numbers(&script), (0, 1, 0));
        let generations = &script.state.memory.generations;
        assert_eq!((generations.candidates_before(), generations.bred_from()), (2, child));
        script.lead(CandidateIx::BASELINE);
        assert_eq!(script.state.memory.generations.improved_in(), 1);
        assert_eq!(
            script.state.memory.generations.bred_from(),
            child,
            "as it was at the beginning"
        );

        script.phase(1);
        assert_eq!(numbers(&script), (1, 1, 1));
        let generations = &script.state.memory.generations;
        assert!(generations.current().is_none());
        assert_eq!(generations.carried(), [CandidateIx(0), CandidateIx(1)]);
        assert_eq!(generations.improved_in(), 1);
        script.generation(1, &[2], 0);
        assert_eq!(numbers(&script), (1, 2, 1));
    }
}
