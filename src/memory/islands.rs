//! The islands that each candidate belongs to, and the migrations between them.

use crate::event::{Event, Migrant};
use crate::id::CandidateIx;
use crate::state::Facts;

/// The islands of all candidates.
#[derive(Clone, Debug, Default)]
pub struct Islands {
    of: Vec<Vec<u16>>,
    migrations: u32,
}

impl Islands {
    /// The islands that a candidate belongs to.
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> &[u16] {
        self.of.get(candidate.index()).map_or(&[], Vec::as_slice)
    }

    /// How many migrations there were.
    #[must_use]
    pub fn migrations(&self) -> u32 {
        self.migrations
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        if self.of.len() < facts.candidates.len() {
            let draft = facts.closed_proposal.as_ref().map(|closed| &closed.draft);
            self.of.push(draft.and_then(|draft| draft.island).into_iter().collect());
        }
        if let Event::Migrated { moves } = event {
            self.migrations += 1;
            for Migrant { candidate, island } in moves {
                let islands = &mut self.of[candidate.index()];
                if !islands.contains(island) {
                    islands.push(*island);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::tests::Script;

    #[test]
    fn a_child_belongs_to_its_island_and_to_those_that_it_migrated_to() {
        let mut script = Script::new(2);
        let proposal = script.draft(|draft| draft.island = Some(1));
        let child = script.add(proposal, "child");
        let islands = &script.state.memory.islands;
        assert_eq!((islands.of(CandidateIx::BASELINE), islands.of(child)), (&[][..], &[1][..]));
        let moves = vec![Migrant { candidate: child, island: 2 }];
        script.apply(Event::Migrated { moves: moves.clone() });
        script.apply(Event::Migrated { moves });
        let islands = &script.state.memory.islands;
        assert_eq!((islands.of(child), islands.migrations()), (&[1, 2][..], 2));
    }
}
