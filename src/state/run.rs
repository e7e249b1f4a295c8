//! Events of the run: its beginning, its phases, its end.

use super::candidate::Status;
use super::column::Cell;
use super::facts::{Facts, Phase};
use super::must_pass::MustPass;
use crate::event::{Confirmation, Event, RowKey};
use crate::id::{CandidateIx, EventNumber, RowIx};
use crate::task::example::Split;
use std::collections::BTreeSet;

impl Facts {
    pub(super) fn apply_run(&mut self, number: EventNumber, event: &Event) {
        match event {
            Event::Started { baseline, .. } => {
                self.phase = Phase::Searching;
                self.add_candidate(baseline, None);
                self.incumbents.push((CandidateIx::BASELINE, 0));
            }
            Event::SearchEnded { reason } => {
                self.phase = Phase::Choosing;
                self.stop_reason = Some(*reason);
                self.to_ask_again.clear();
                let drafts = std::mem::take(&mut self.drafts);
                (self.drafts, self.shelved) =
                    drafts.into_iter().partition(|(proposal, _)| self.shown.contains_key(proposal));
            }
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } => {
                self.phase = Phase::Confirming;
                self.winner = Some((*candidate, *shrunken_dev, *hold_rows));
                let winner = Some(*candidate).filter(|it| *it != CandidateIx::BASELINE);
                let asked: Vec<CandidateIx> = winner.into_iter().collect();
                let family = asked.clone();
                let confirmation = Confirmation { asked, family, rows: *hold_rows };
                self.winner_look = self.begin_confirmation(confirmation);
                if !self.earlier.is_empty() {
                    self.to_ask_again = self.missing();
                }
            }
            Event::Pinned { blake3 } => self.pin = Some(blake3.clone()),
            Event::RowsMustPass { dev, hold, of_hold } => {
                self.must_pass = MustPass { dev: *dev, hold: *hold, of_hold: *of_hold };
            }
            Event::ProvidersChanged { changes } => {
                let by_key = changes.iter().map(|change| (change.key.clone(), change.clone()));
                self.provider_changes.extend(by_key);
            }
            Event::CapsChanged { caps } => self.caps = Some(*caps),
            // Held-out answers stay: who is confirmed again is not asked again.
            Event::Reopened { caps, earlier, .. } => {
                self.caps = Some(*caps);
                self.earlier.push(earlier.clone());
                self.phase = Phase::Searching;
                (self.stop_reason, self.winner, self.winner_look) = (None, None, None);
                self.is_concluded = false;
                self.shortlist.clear();
                self.drafts.append(&mut self.shelved);
            }
            // The result stays, and so do all answers.
            Event::ConfirmationAsked { caps, confirmation, .. } => {
                self.caps = Some(*caps);
                self.phase = Phase::Confirming;
                let look = self.begin_confirmation(confirmation.clone());
                self.confirmations.push((confirmation.clone(), look));
                self.to_ask_again = self.missing();
            }
            Event::LookTaken { number } => self.count_look(*number),
            Event::Finished { .. } => {
                self.close_look(number);
                (self.phase, self.is_concluded) = (Phase::Over, true);
            }
            Event::Resumed { .. } => {
                self.stopped = None;
                self.counts.broken_in_a_row = 0;
                self.counts.vain_embeddings_in_a_row = 0;
                self.counts.unread_grades_in_a_row = 0;
                self.to_ask_again = self.missing();
            }
            Event::Stopped { reason, why, .. } => self.stopped = Some((*reason, why.clone())),
            _ => {}
        }
    }

    /// The missing answers that a resume asks for once more: those of the search while it goes on, and
    /// held-out rows of which neither side has a score. Where further candidates of a finished run are compared, all of
    /// theirs: that is a look of its own, and time may have kept them back at an earlier one.
    fn missing(&self) -> BTreeSet<RowKey> {
        let mut missing = BTreeSet::new();
        let is_searching = self.phase == Phase::Searching;
        let asked = &self.confirming.asked;
        // What was shown before does not change with them: each look has its own answers.
        let is_asked = |candidate: CandidateIx| {
            candidate == CandidateIx::BASELINE || asked.contains(&candidate)
        };
        let is_settled = |row: RowIx| {
            if self.is_concluded {
                return false;
            }
            let sides = self.confirming.sides();
            let mut asked = sides.filter(|side| is_asked(*side));
            asked.any(|side| self.standing(side).column(Split::Hold, 0).cell(row).score().is_some())
        };
        for (candidate, standing) in self.numbered() {
            if matches!(standing.status, Status::Dropped(_)) {
                continue;
            }
            for ((split, replicate), column) in standing.columns() {
                let is_wanted = |row: RowIx| match split {
                    Split::Hold => {
                        self.phase == Phase::Confirming && is_asked(candidate) && !is_settled(row)
                    }
                    Split::Train | Split::Dev => is_searching,
                };
                let cells = column.cells().iter().zip(0..);
                let rows = cells.filter(|(cell, _)| **cell == Cell::Missing).map(|(_, row)| row);
                missing.extend(rows.map(RowIx).filter(|row| is_wanted(*row)).map(|row| RowKey {
                    candidate,
                    split,
                    replicate,
                    row,
                }));
            }
        }
        missing
    }
}
