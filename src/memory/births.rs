//! How each candidate came to be drafted: in which generation, by what, and for which part or place.

use crate::event::Event;
use crate::id::CandidateIx;
use crate::state::Facts;

/// How a candidate came to be drafted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Birth {
    /// In which generation it was born; 0 for what `init` brought.
    pub generation: u32,
    /// The operator that made it, by its place in the recipe.
    pub operator: Option<u16>,
    /// The init that made it, by its place in the recipe.
    pub init: Option<u16>,
    /// The one searched part that it was written for, where parts take turns.
    pub part: Option<u16>,
    /// The place in the population that it competes for.
    pub place: Option<u16>,
}

/// The births of all candidates.
#[derive(Clone, Debug, Default)]
pub struct Births {
    births: Vec<Birth>,
    /// One more than the number of the last generation that began; 0 before the first.
    generation: u32,
}

impl Births {
    /// How a candidate came to be drafted.
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> Birth {
        self.births.get(candidate.index()).copied().unwrap_or_default()
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        if let Event::GenerationStarted(generation) = event {
            self.generation = generation.number + 1;
        }
        if self.births.len() < facts.candidates.len() {
            let draft = facts.closed_proposal.as_ref().map(|closed| &closed.draft);
            self.births.push(Birth {
                generation: self.generation,
                operator: draft.and_then(|draft| draft.operator),
                init: draft.and_then(|draft| draft.init),
                part: draft.and_then(|draft| draft.part),
                place: draft.and_then(|draft| draft.place),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn a_birth_is_what_the_draft_says_in_the_generation_that_is_bred() {
        let mut script = Script::new(2);
        let first = script.draft(|draft| (draft.operator, draft.init) = (None, Some(2)));
        let first = script.add(first, "first");
        script.generation(0, &[0], 0);
        let second = script.draft(|draft| {
            (draft.operator, draft.part, draft.place) = (Some(3), Some(1), Some(4));
        });
        let second = script.add(second, "second");
        script.generation(1, &[0], 0);
        script.phase(1);
        let third = script.child(CandidateIx::BASELINE, "third");
        let births = &script.state.memory.births;
        assert_eq!(births.of(CandidateIx::BASELINE), Birth::default());
        assert_eq!(births.of(first), Birth { init: Some(2), ..Birth::default() });
        let expected =
            Birth { generation: 1, operator: Some(3), init: None, part: Some(1), place: Some(4) };
        assert_eq!(births.of(second), expected);
        // Generations are counted over phases.
        assert_eq!(
            births.of(third),
            Birth { generation: 2, operator: Some(0), ..Birth::default() }
        );
    }
}
