//! Checks that an event can follow the events before it, so that the fold need not.
//!
//! A journal is read from files, which may be damaged or made by hand. What a search appends itself is
//! not checked: it is made of the same facts.

use super::facts::{Facts, Phase};
use crate::candidate::Candidate;
use crate::event::{Block, Draft, Event, Gate, ProposalOutcome, RowKey, Shown};
use crate::id::{Call, CandidateIx, ProposalNumber, RowIx};
use crate::task::example::{Split, SplitSizes};

/// What an event names and no earlier event, and no row of the task, has.
type Unknown = String;

impl Facts {
    /// Checks that this event names only candidates, rows and calls that there are.
    ///
    /// # Errors
    /// What it names: a lower-case sentence without a full stop.
    pub fn check(&self, event: &Event, rows: SplitSizes) -> Result<(), Unknown> {
        let is_before_start = matches!(event, Event::Pinned { .. } | Event::CapsChanged { .. });
        match event {
            _ if is_before_start => Ok(()),
            Event::Started { .. } if self.phase != Phase::New => Err("the run began before".into()),
            Event::Started { baseline, .. } => self.check_candidate(baseline, rows),
            _ if self.phase == Phase::New => Err("the run has not begun".into()),

            Event::ProposalDrafted(draft) => self.check_draft(draft, rows),
            Event::ProposalIssued { proposal, call, rows: shown, .. } => {
                self.check_proposal(*proposal)?;
                self.check_next(*call)?;
                shown.iter().try_for_each(|Shown { row, .. }| check_row(*row, Split::Train, rows))
            }
            Event::ProposalFolded { outcome, .. } => self.check_outcome(outcome, rows),
            Event::CandidateComposed { proposal, outcome } => {
                self.check_proposal(*proposal)?;
                self.check_outcome(outcome, rows)
            }
            Event::EvaluationIssued(block) => self.check_block(block, rows),
            Event::AnswersWithdrawn { answers } => answers.iter().try_for_each(|answer| {
                let RowKey { candidate, split, row, .. } = *answer;
                self.check_number(candidate)?;
                check_row(row, split, rows)
            }),
            Event::CandidateDropped { candidate, .. }
            | Event::IncumbentChanged { candidate, .. }
            | Event::CandidateFinished { candidate }
            | Event::WinnerChosen { candidate, .. } => self.check_number(*candidate),
            Event::RoundStarted(round) => self.check_numbers(&round.candidates),
            Event::ContestEnded { survivors: candidates }
            | Event::ShortlistChosen { candidates } => self.check_numbers(candidates),
            Event::GenerationStarted(generation) => self.check_numbers(&generation.members),
            Event::Migrated { moves } => {
                moves.iter().try_for_each(|moved| self.check_number(moved.candidate))
            }
            Event::DemosCollected { sets } => {
                let mut demos = sets.iter().flatten();
                demos.try_for_each(|demo| check_row(demo.row, Split::Train, rows))
            }
            Event::Reserved { call, .. } => {
                let is_issued = *call < self.next_call;
                is_issued.then_some(()).ok_or_else(|| format!("call {call} was not issued"))
            }
            _ => Ok(()),
        }
    }

    fn check_number(&self, candidate: CandidateIx) -> Result<(), Unknown> {
        let known = self.candidates.len();
        let is_known = candidate.index() < known;
        is_known.then_some(()).ok_or_else(|| {
            format!("it names candidate {candidate}, but there are {known} at this point")
        })
    }

    fn check_numbers(&self, candidates: &[CandidateIx]) -> Result<(), Unknown> {
        candidates.iter().try_for_each(|candidate| self.check_number(*candidate))
    }

    fn check_candidate(&self, candidate: &Candidate, rows: SplitSizes) -> Result<(), Unknown> {
        self.check_numbers(&candidate.parents)?;
        let mut demos = candidate.demos.iter();
        demos.try_for_each(|demo| check_row(demo.row, Split::Train, rows))
    }

    fn check_draft(&self, draft: &Draft, rows: SplitSizes) -> Result<(), Unknown> {
        if draft.proposal != self.next_proposal {
            return Err(format!("proposal {} is not the next one", draft.proposal));
        }
        self.check_numbers(&draft.parents)?;
        let others = draft.mate.iter().map(|mate| mate.candidate);
        let mut others = others.chain(draft.context.iter().map(|item| item.candidate));
        others.try_for_each(|candidate| self.check_number(candidate))?;
        let demos = draft.demos.iter().flatten().map(|demo| demo.row);
        let mut shown = draft.rows.iter().copied().chain(demos);
        shown.try_for_each(|row| check_row(row, Split::Train, rows))
    }

    fn check_proposal(&self, proposal: ProposalNumber) -> Result<(), Unknown> {
        let is_drafted = self.drafts.contains_key(&proposal);
        is_drafted.then_some(()).ok_or_else(|| format!("proposal {proposal} is not open"))
    }

    fn check_outcome(&self, outcome: &ProposalOutcome, rows: SplitSizes) -> Result<(), Unknown> {
        let ProposalOutcome::Added { candidate, gate } = outcome else { return Ok(()) };
        self.check_candidate(candidate, rows)?;
        let Some(Gate { split, rows: asked, .. }) = gate else { return Ok(()) };
        asked.iter().try_for_each(|row| check_row(*row, *split, rows))
    }

    fn check_block(&self, block: &Block, rows: SplitSizes) -> Result<(), Unknown> {
        self.check_number(block.candidate)?;
        self.check_next(block.first)?;
        block.rows.iter().try_for_each(|row| check_row(*row, block.split, rows))
    }

    /// Calls are numbered one after the other.
    fn check_next(&self, call: Call) -> Result<(), Unknown> {
        let next = self.next_call;
        (call == next).then_some(()).ok_or_else(|| format!("it issues call {call} after {next}"))
    }
}

fn check_row(row: RowIx, split: Split, rows: SplitSizes) -> Result<(), Unknown> {
    let size = rows.of(split);
    let is_known = row.0 < size;
    is_known.then_some(()).ok_or_else(|| format!("it names row {row} of {split}, which has {size}"))
}
