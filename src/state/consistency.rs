//! Checks that an event can follow the events before it. The fold itself does not check.
//!
//! A journal is read from files, which may be damaged or made by hand. What a search appends itself is
//! not checked: it is made of the same facts.

use super::facts::{Facts, Phase};
use crate::candidate::Candidate;
use crate::event::{Block, Draft, Event, Gate, ProposalOutcome, RowKey, Shown};
use crate::id::{Call, CandidateIx, ProposalNumber, RowIx};
use crate::task::Task;
use crate::task::example::{Split, SplitSizes};
use crate::task::model::ModelRole;
use std::collections::BTreeSet;

/// Why an event cannot follow the events before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A second beginning.
    #[error("the run began before")]
    Started,
    /// Something before the beginning.
    #[error("the run has not begun")]
    NotStarted,
    /// A run that goes on without having ended.
    #[error("the run is not over")]
    NotOver,
    /// A candidate that does not exist.
    #[error("it names candidate {candidate}, but there are {known} at this point")]
    Candidate {
        /// Its number.
        candidate: CandidateIx,
        /// How many candidates there are.
        known: usize,
    },
    /// A row that its split does not have.
    #[error("it names row {row} of {split}, which has {size}")]
    Row {
        /// The row.
        row: RowIx,
        /// The split.
        split: Split,
        /// How many rows it has.
        size: u32,
    },
    /// A draft out of order.
    #[error("proposal {0} is not the next one")]
    Draft(ProposalNumber),
    /// A proposal that is not open.
    #[error("proposal {0} is not open")]
    Proposal(ProposalNumber),
    /// Calls are numbered one after the other.
    #[error("it issues call {call} after {next}")]
    Call {
        /// The call.
        call: Call,
        /// The number that it must have.
        next: Call,
    },
    /// A model that the task does not have.
    #[error("it names the role `{0}`, for which the task names no model")]
    Role(ModelRole),
    /// Money for a call that was never issued.
    #[error("call {0} was not issued")]
    Reserved(Call),
}

/// What a task has that events may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Rows of each split.
    pub rows: SplitSizes,
    /// The roles for which it names a model.
    pub roles: BTreeSet<ModelRole>,
}

impl Named {
    /// The rows and the roles of a task.
    #[must_use]
    pub fn of(task: &Task) -> Self {
        // A program of the user's stands for the first mutator, where there is none.
        let roles = task.roles().chain([ModelRole::MUTATOR]).collect();
        Self { rows: task.splits.sizes(), roles }
    }

    fn check_role(&self, role: ModelRole) -> Result<(), Misfit> {
        self.roles.contains(&role).then_some(()).ok_or(Misfit::Role(role))
    }
}

impl Facts {
    /// Checks that this event names only candidates, rows, calls and models that there are.
    ///
    /// # Errors
    /// What it names that does not exist.
    pub fn check(&self, event: &Event, named: &Named) -> Result<(), Misfit> {
        let rows = named.rows;
        let is_before_start = matches!(
            event,
            Event::Pinned { .. } | Event::CapsChanged { .. } | Event::ProvidersChanged { .. }
        );
        match event {
            _ if is_before_start => Ok(()),
            Event::RowsMustPass { dev, hold, .. } => {
                let last = |count: u32| count.checked_sub(1).map(RowIx);
                let mut all = [(last(*dev), Split::Dev), (last(*hold), Split::Hold)].into_iter();
                all.try_for_each(|(row, split)| {
                    row.map_or(Ok(()), |row| check_row(row, split, rows))
                })
            }
            Event::Started { .. } if self.phase != Phase::New => Err(Misfit::Started),
            Event::Started { baseline, .. } => self.check_candidate(baseline, rows),
            _ if self.phase == Phase::New => Err(Misfit::NotStarted),

            Event::ProposalDrafted(draft) => {
                named.check_role(ModelRole::Mutator(draft.mutator))?;
                self.check_draft(draft, rows)
            }
            Event::MutatorReplaced { proposal, mutator, instead_of } => {
                named.check_role(ModelRole::Mutator(*mutator))?;
                named.check_role(ModelRole::Mutator(*instead_of))?;
                self.check_proposal(*proposal)
            }
            Event::ProposalIssued { proposal, call, rows: shown, .. } => {
                self.check_proposal(*proposal)?;
                self.check_next(*call)?;
                shown.iter().try_for_each(|Shown { row, .. }| check_row(*row, Split::Train, rows))
            }
            Event::EmbeddingIssued { call, .. } => {
                named.check_role(ModelRole::Embed)?;
                self.check_next(*call)
            }
            Event::ProposalFolded { outcome, .. } => self.check_outcome(outcome, rows),
            Event::CandidateComposed { proposal, outcome } => {
                self.check_proposal(*proposal)?;
                self.check_outcome(outcome, rows)
            }
            Event::EvaluationIssued(block) => self.check_block(block, rows),
            Event::Reopened { .. } | Event::ConfirmationAsked { .. }
                if self.phase != Phase::Over =>
            {
                Err(Misfit::NotOver)
            }
            Event::ConfirmationAsked { confirmation, .. } => {
                self.check_numbers(&confirmation.asked)?;
                self.check_numbers(&confirmation.family)
            }
            Event::Reopened { earlier, .. } => self.check_number(earlier.winner),
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
            Event::CallMissing { role, .. }
            | Event::CallsReopened { role, .. }
            | Event::BatchSurplus { role, .. } => named.check_role(*role),
            Event::Reserved { call, role, .. } | Event::Hedged { call, role, .. } => {
                named.check_role(*role)?;
                let is_issued = *call < self.next_call;
                is_issued.then_some(()).ok_or(Misfit::Reserved(*call))
            }
            Event::BatchPlanned(batch) => {
                let unknown = batch.calls.iter().find(|call| **call >= self.next_call);
                unknown.map_or(Ok(()), |call| Err(Misfit::Reserved(*call)))
            }
            _ => Ok(()),
        }
    }

    fn check_number(&self, candidate: CandidateIx) -> Result<(), Misfit> {
        let known = self.candidates.len();
        let is_known = candidate.index() < known;
        is_known.then_some(()).ok_or(Misfit::Candidate { candidate, known })
    }

    fn check_numbers(&self, candidates: &[CandidateIx]) -> Result<(), Misfit> {
        candidates.iter().try_for_each(|candidate| self.check_number(*candidate))
    }

    fn check_candidate(&self, candidate: &Candidate, rows: SplitSizes) -> Result<(), Misfit> {
        self.check_numbers(&candidate.parents)?;
        let mut demos = candidate.demos.iter();
        demos.try_for_each(|demo| check_row(demo.row, Split::Train, rows))
    }

    fn check_draft(&self, draft: &Draft, rows: SplitSizes) -> Result<(), Misfit> {
        if draft.proposal != self.next_proposal {
            return Err(Misfit::Draft(draft.proposal));
        }
        self.check_numbers(&draft.parents)?;
        let others = draft.mate.iter().map(|mate| mate.candidate);
        let mut others = others.chain(draft.context.iter().map(|item| item.candidate));
        others.try_for_each(|candidate| self.check_number(candidate))?;
        let demos = draft.demos.iter().flatten().map(|demo| demo.row);
        let mut shown = draft.rows.iter().copied().chain(demos);
        shown.try_for_each(|row| check_row(row, Split::Train, rows))
    }

    fn check_proposal(&self, proposal: ProposalNumber) -> Result<(), Misfit> {
        let is_drafted = self.drafts.contains_key(&proposal);
        is_drafted.then_some(()).ok_or(Misfit::Proposal(proposal))
    }

    fn check_outcome(&self, outcome: &ProposalOutcome, rows: SplitSizes) -> Result<(), Misfit> {
        let ProposalOutcome::Added { candidate, gate } = outcome else { return Ok(()) };
        self.check_candidate(candidate, rows)?;
        let Some(Gate { split, rows: asked, .. }) = gate else { return Ok(()) };
        asked.iter().try_for_each(|row| check_row(*row, *split, rows))
    }

    fn check_block(&self, block: &Block, rows: SplitSizes) -> Result<(), Misfit> {
        self.check_number(block.candidate)?;
        self.check_next(block.first)?;
        block.rows.iter().try_for_each(|row| check_row(*row, block.split, rows))
    }

    /// Calls are numbered one after the other.
    fn check_next(&self, call: Call) -> Result<(), Misfit> {
        let next = self.next_call;
        (call == next).then_some(()).ok_or(Misfit::Call { call, next })
    }
}

fn check_row(row: RowIx, split: Split, rows: SplitSizes) -> Result<(), Misfit> {
    let size = rows.of(split);
    let is_known = row.0 < size;
    is_known.then_some(()).ok_or(Misfit::Row { row, split, size })
}
