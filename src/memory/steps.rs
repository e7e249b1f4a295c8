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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Abandoned, Source};
    use crate::memory::tests::Script;

    #[test]
    fn a_result_is_kept_until_the_last_step_that_needs_it_is_folded() {
        let mut script = Script::new(2);
        let first = script.draft(|draft| draft.then = 2);
        let notes = vec!["one".to_owned(), "two".to_owned()];
        script.compose(first, ProposalOutcome::Noted { notes });
        let left = |script: &Script| {
            script.state.memory.steps.of(first).map(|one| (one.items(), one.left, one.open))
        };
        assert_eq!(left(&script), Some((2, 4, 0)));
        let mut steps = Vec::new();
        for item in [0, 0, 1, 1] {
            assert_eq!(script.state.memory.steps.next().map(|(number, _)| number), Some(first));
            let from = Some(Source { proposal: first, item });
            steps.push(script.draft(|draft| draft.from = from));
        }
        assert_eq!(left(&script), Some((2, 0, 4)));
        assert!(script.state.memory.steps.next().is_none());
        script.add(steps[0], "child");
        script.reject(steps[1], crate::event::Rejection::Empty);
        script.apply(Event::ProposalAbandoned { proposal: steps[2], why: Abandoned::Nothing });
        assert_eq!(left(&script), Some((2, 0, 1)));
        script.compose(steps[3], ProposalOutcome::Missing);
        assert_eq!(left(&script), None);
    }

    #[test]
    fn what_a_step_brought_is_told_apart_and_a_last_step_keeps_nothing() {
        let mut script = Script::new(2);
        let child = script.draft(|draft| draft.then = 1);
        let number = script.add(child, "child");
        let last = script.draft(|_| {});
        script.add(last, "another");
        let refused = script.draft(|draft| draft.then = 1);
        script.reject(refused, crate::event::Rejection::Empty);
        let empty = script.draft(|draft| draft.then = 1);
        script.compose(empty, ProposalOutcome::Noted { notes: Vec::new() });
        let steps = &script.state.memory.steps;
        let result = &steps.of(child).unwrap().result;
        assert!(matches!(result, StepResult::Child(brought) if *brought == number));
        assert!([last, refused, empty].iter().all(|proposal| steps.of(*proposal).is_none()));
    }
}
