//! Results of steps that a next step continues from: operators of several steps.

use crate::event::{Draft, Event, ProposalOutcome, Shown};
use crate::id::{CandidateIx, ProposalNumber};
use crate::prompt::Prompt;
use crate::state::{ClosedProposal, Facts};
use std::collections::BTreeMap;

/// A result that the next step of its operator continues from.
#[derive(Clone, Debug)]
pub struct Continuation {
    /// The draft that brought it.
    pub draft: Draft,
    /// What it brought.
    pub result: StepResult,
    /// The rows that it was shown.
    pub shown: Vec<Shown>,
    /// Requests of the next step that are not drafted yet.
    pub left: u16,
    /// Those that are drafted and not folded.
    pub open: u16,
}

impl Continuation {
    /// How many items it has.
    #[must_use]
    pub fn items(&self) -> u16 {
        self.result.items()
    }
}

/// What a step brought.
#[derive(Clone, Debug)]
pub enum StepResult {
    /// Texts.
    Notes(Vec<String>),
    /// A prompt that is not run itself.
    Prompt(Prompt),
    /// A candidate.
    Child(CandidateIx),
}

impl StepResult {
    fn items(&self) -> u16 {
        match self {
            Self::Notes(notes) => u16::try_from(notes.len()).unwrap_or(u16::MAX),
            Self::Prompt(_) | Self::Child(_) => 1,
        }
    }
}

/// The results that are needed still.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    continuations: BTreeMap<ProposalNumber, Continuation>,
}

impl Steps {
    /// What the proposal of an earlier step brought, while it is needed.
    #[must_use]
    pub fn of(&self, proposal: ProposalNumber) -> Option<&Continuation> {
        self.continuations.get(&proposal)
    }

    /// The first result with requests of a next step that are not drafted yet, and its proposal.
    #[must_use]
    pub fn next(&self) -> Option<(ProposalNumber, &Continuation)> {
        let mut all = self.continuations.iter();
        all.find(|(_, one)| one.left > 0).map(|(proposal, one)| (*proposal, one))
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalDrafted(draft) => {
                let source = draft.from.and_then(|from| self.continuations.get_mut(&from.proposal));
                if let Some(continuation) = source {
                    continuation.left = continuation.left.saturating_sub(1);
                    continuation.open += 1;
                }
            }
            Event::ProposalAbandoned { .. } => {
                if let Some(closed) = &facts.closed_proposal {
                    self.close(closed);
                }
            }
            Event::ProposalFolded { outcome, .. } | Event::CandidateComposed { outcome, .. } => {
                if let Some(closed) = &facts.closed_proposal {
                    self.close(closed);
                    self.add(closed, outcome);
                }
            }
            _ => {}
        }
    }

    /// Drops the result that a closed proposal continued from, where no other needs it.
    fn close(&mut self, closed: &ClosedProposal) {
        if let Some(source) = closed.draft.from
            && let Some(continuation) = self.continuations.get_mut(&source.proposal)
        {
            continuation.open = continuation.open.saturating_sub(1);
            if continuation.open == 0 && continuation.left == 0 {
                self.continuations.remove(&source.proposal);
            }
        }
    }

    fn add(&mut self, closed: &ClosedProposal, outcome: &ProposalOutcome) {
        let result = match outcome {
            ProposalOutcome::Added { .. } => closed.child.map(StepResult::Child),
            ProposalOutcome::Noted { notes } => Some(StepResult::Notes(notes.clone())),
            ProposalOutcome::Kept { prompt } => Some(StepResult::Prompt(prompt.clone())),
            ProposalOutcome::Rejected { .. } | ProposalOutcome::Missing => None,
        };
        let Some(result) = result else { return };
        let left = closed.draft.then.saturating_mul(result.items());
        if left > 0 {
            let (draft, shown) = (closed.draft.clone(), closed.shown.clone());
            let continuation = Continuation { draft, result, shown, left, open: 0 };
            self.continuations.insert(closed.draft.proposal, continuation);
        }
    }
}
