//! Events of strategies, as far as they change facts; what strategies count is for their memories.

use super::facts::Facts;
use crate::event::Event;

impl Facts {
    pub(super) fn apply_strategy(&mut self, event: &Event) {
        match event {
            Event::IncumbentChanged { candidate, .. } => {
                self.incumbent = *candidate;
                self.incumbents.push((*candidate, self.counts.folded));
                self.counts.decided_since_incumbent = 0;
                self.counts.first_beside_incumbent = self.next_proposal;
            }
            Event::ContestEnded { survivors } => {
                for candidate in survivors {
                    self.finish(*candidate);
                }
            }
            Event::PhaseStarted { phase } => {
                self.phase_number = *phase;
                // Rules that count towards an end count for each phase anew.
                self.counts.decided_since_incumbent = 0;
                self.counts.rejected_in_a_row = 0;
            }
            Event::ShortlistChosen { candidates } => self.shortlist.clone_from(candidates),
            _ => {}
        }
    }
}
