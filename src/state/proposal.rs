//! Events of proposals, from the draft to the outcome.

use super::facts::{ClosedProposal, Facts};
use super::open_call::Work;
use crate::event::{Draft, Event, ProposalOutcome, Shown};
use crate::id::{Call, CandidateIx, MutatorIx, ProposalNumber};
use crate::task::model::ModelRole;
use crate::units::Amount;

impl Facts {
    pub(super) fn apply_proposal(&mut self, event: &Event) {
        match event {
            Event::ProposalDrafted(draft) => self.add_draft(draft),
            Event::ProposalAbandoned { proposal, why } => {
                self.close_draft(*proposal, Vec::new(), None);
                self.counts.rejected_in_a_row += 1;
                *self.counts.abandoned.entry(*why).or_default() += 1;
            }
            Event::ProposalRevised { proposal, own } => {
                if let Some(draft) = self.drafts.get_mut(proposal) {
                    draft.own = Some(own.clone());
                }
            }
            Event::MutatorReplaced { proposal, mutator, .. } => {
                if let Some(draft) = self.drafts.get_mut(proposal) {
                    draft.mutator = *mutator;
                }
            }
            Event::ProposalIssued { proposal, call, rows, reserve } => {
                self.issue_proposal(*proposal, *call, rows, *reserve);
            }
            Event::ProposalFolded { call, outcome } => {
                if let Some((open, _)) = self.fold_call(*call)
                    && let Work::Proposal(proposal, mutator) = open.work
                {
                    let shown = self.shown.remove(&proposal).unwrap_or_default();
                    self.count_broken(mutator, outcome);
                    self.fold_outcome(proposal, outcome, shown);
                }
            }
            Event::CandidateComposed { proposal, outcome } => {
                self.fold_outcome(*proposal, outcome, Vec::new());
            }
            _ => {}
        }
    }

    fn add_draft(&mut self, draft: &Draft) {
        self.drafts.insert(draft.proposal, draft.clone());
        self.next_proposal = ProposalNumber(draft.proposal.0 + 1);
    }

    fn issue_proposal(
        &mut self,
        proposal: ProposalNumber,
        call: Call,
        rows: &[Shown],
        reserve: Amount,
    ) {
        let Some(mutator) = self.drafts.get(&proposal).map(|draft| draft.mutator) else { return };
        self.shown.insert(proposal, rows.to_vec());
        self.issue(call, Work::Proposal(proposal, mutator), reserve, None, None);
    }

    fn fold_outcome(
        &mut self,
        proposal: ProposalNumber,
        outcome: &ProposalOutcome,
        shown: Vec<Shown>,
    ) {
        self.counts.proposals += 1;
        let mut child = None;
        match outcome {
            ProposalOutcome::Added { candidate, gate } => {
                self.counts.rejected_in_a_row = 0;
                child = Some(self.add_candidate(candidate, gate.clone()));
            }
            ProposalOutcome::Noted { .. } | ProposalOutcome::Kept { .. } => self.counts.noted += 1,
            ProposalOutcome::Rejected { reason, .. } => {
                *self.counts.rejected.entry(*reason).or_default() += 1;
                self.counts.rejected_in_a_row += 1;
            }
            ProposalOutcome::Missing => {
                self.counts.unanswered += 1;
                self.counts.rejected_in_a_row += 1;
            }
        }
        self.close_draft(proposal, shown, child);
    }

    /// Counts proposals in a row of which nothing could be read.
    fn count_broken(&mut self, mutator: MutatorIx, outcome: &ProposalOutcome) {
        let example = match outcome {
            ProposalOutcome::Rejected { reason, detail } => {
                reason.brings_no_prompt().then(|| format!("{reason}: {detail}"))
            }
            ProposalOutcome::Missing => {
                let mut failed = self.counts.failed_calls.values();
                let role = ModelRole::Mutator(mutator);
                let example = failed.find_map(|failed| failed.examples.get(&role));
                Some(example.cloned().unwrap_or_default())
            }
            _ => None,
        };
        let counts = &mut self.counts;
        counts.broken_in_a_row = example.as_ref().map_or(0, |_| counts.broken_in_a_row + 1);
        counts.broken_example = example.unwrap_or_default();
    }

    fn close_draft(
        &mut self,
        proposal: ProposalNumber,
        shown: Vec<Shown>,
        child: Option<CandidateIx>,
    ) {
        let draft = self.drafts.remove(&proposal);
        self.closed_proposal = draft.map(|draft| ClosedProposal { draft, shown, child });
    }
}
