//! Events of the run: its beginning, its phases, its end.

use super::candidate::Status;
use super::column::Cell;
use super::facts::{Facts, Phase};
use crate::event::{Event, RowKey};
use crate::id::{CandidateIx, RowIx};
use crate::task::example::Split;
use std::collections::BTreeSet;

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
                self.to_ask_again.clear();
                let drafts = std::mem::take(&mut self.drafts);
                (self.drafts, self.shelved) =
                    drafts.into_iter().partition(|(proposal, _)| self.shown.contains_key(proposal));
            }
            Event::WinnerChosen { candidate, shrunken_dev, hold_rows } => {
                self.phase = Phase::Confirming;
                self.winner = Some((*candidate, *shrunken_dev, *hold_rows));
                if *candidate != CandidateIx::BASELINE {
                    self.begin_look(vec![*candidate], *hold_rows);
                }
                if !self.earlier.is_empty() {
                    self.to_ask_again = self.missing();
                }
            }
            Event::Pinned { blake3 } => self.pin = Some(blake3.clone()),
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
                (self.stop_reason, self.winner) = (None, None);
                self.shortlist.clear();
                self.drafts.append(&mut self.shelved);
            }
            Event::LookTaken { number } => self.count_look(*number),
            Event::Finished { .. } => self.phase = Phase::Over,
            Event::Resumed { .. } => {
                self.stopped = None;
                self.counts.broken_in_a_row = 0;
                self.counts.vain_embeddings_in_a_row = 0;
                self.to_ask_again = self.missing();
            }
            Event::Stopped { reason, why, .. } => self.stopped = Some((*reason, why.clone())),
            _ => {}
        }
    }

    /// The missing answers that a resume asks for once more: those of the search while it goes on, and
    /// held-out rows of which neither side has a score.
    fn missing(&self) -> BTreeSet<RowKey> {
        let mut missing = BTreeSet::new();
        let is_searching = self.phase == Phase::Searching;
        let has_score = |row: RowIx| {
            let winner = self.winner.map_or(CandidateIx::BASELINE, |(winner, ..)| winner);
            [winner, CandidateIx::BASELINE]
                .iter()
                .any(|side| self.standing(*side).column(Split::Hold, 0).cell(row).score().is_some())
        };
        for (candidate, standing) in self.numbered() {
            if matches!(standing.status, Status::Dropped(_)) {
                continue;
            }
            for ((split, replicate), column) in standing.columns() {
                let is_wanted = |row: RowIx| match split {
                    Split::Hold => self.phase == Phase::Confirming && !has_score(row),
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
