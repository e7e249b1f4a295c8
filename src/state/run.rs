//! Events of the run: its beginning, its phases, its end.

use super::facts::{Facts, Phase};
use crate::event::Event;
use crate::id::CandidateIx;

impl Facts {
    pub(super) fn apply_run(&mut self, event: &Event) {
        match event {
            Event::Started { baseline, .. } => {
                self.phase = Phase::Searching;
                self.add_candidate(baseline, None);
                self.incumbents.push((CandidateIx::BASELINE, 0));
            }
            Event::SearchEnded { reason } => {
                self.phase = Phase::Choosing;
                self.stop_reason = Some(*reason);
                self.drafts.retain(|proposal, _| self.shown.contains_key(proposal));
            }
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } => {
                self.phase = Phase::Confirming;
                self.winner = Some((*candidate, *shrunken_dev, *hold_rows));
            }
            Event::Finished { .. } => self.phase = Phase::Over,
            _ => {}
        }
    }
}
