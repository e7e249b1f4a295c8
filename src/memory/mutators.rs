//! What each of a task's mutators has earned: what its children gained over their parents, and what its
//! requests cost.
//!
//! It is about models alone: it goes on from phase to phase, and a request counts whether an operator
//! or an init made it. What no model was asked for, such as a merge or a program's reply, counts for
//! nobody. What a rule of choice makes of it is not decided here; what operators brought is in `gains`.

use super::gains::over;
use crate::event::{Event, ProposalOutcome};
use crate::id::{CandidateIx, MutatorIx};
use crate::ledger::Use;
use crate::state::{Facts, Status};
use crate::task::model::ModelRole;
use crate::units::Usd;
use std::collections::{BTreeMap, BTreeSet};

/// What a mutator has earned, or a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Earned {
    /// Its requests whose replies entered the decisions.
    pub proposals: u64,
    /// Those that became a candidate.
    pub accepted: u64,
    /// Those whose candidate was better than its parent.
    pub gained: u64,
    /// What these gained, in points of the score (1 = all), summed.
    pub gain: f64,
    /// Dollars for its answers.
    pub usd: f64,
    /// Tokens of its requests and answers.
    pub tokens: u64,
}

impl std::ops::AddAssign for Earned {
    fn add_assign(&mut self, other: Self) {
        self.proposals += other.proposals;
        self.accepted += other.accepted;
        self.gained += other.gained;
        self.gain += other.gain;
        self.usd += other.usd;
        self.tokens += other.tokens;
    }
}

/// A mutator's child that was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    /// Who wrote it.
    pub mutator: MutatorIx,
    /// Its mean less its parent's: the baseline's, where it has none.
    pub over_parent: f64,
    /// Its mean less the baseline's.
    pub over_baseline: f64,
}

/// All mutators, folded.
#[derive(Clone, Debug, Default)]
pub struct Mutators {
    /// Requests that were decided, by mutator.
    asked: BTreeMap<MutatorIx, u64>,
    /// What is known for good.
    settled: BTreeMap<MutatorIx, Earned>,
    /// Children that are tried: who wrote them, and what that cost.
    children: BTreeMap<CandidateIx, (MutatorIx, Earned)>,
    /// Uses that are over, oldest first: judged children, and requests that brought none.
    written: Vec<Written>,
    /// Dollars for the rows of all children.
    rows_usd: f64,
    /// Nano-dollars and tokens that had been answered in a role before the last event.
    answered: BTreeMap<ModelRole, (u64, u64)>,
    /// Those whose worst case did not fit the budget while another's did.
    unaffordable: BTreeSet<MutatorIx>,
}

impl Mutators {
    /// Requests of a mutator that were decided, folded or not.
    #[must_use]
    pub fn asked(&self, mutator: MutatorIx) -> u64 {
        self.asked.get(&mutator).copied().unwrap_or_default()
    }

    /// What a mutator has earned so far. Children that are not judged have gained nothing yet.
    #[must_use]
    pub fn earned(&self, mutator: MutatorIx) -> Earned {
        let mut earned = self.settled(mutator);
        let open = self.children.values().filter(|(writer, _)| *writer == mutator);
        open.for_each(|(_, cost)| earned += *cost);
        earned
    }

    /// What is known for good of a mutator: without children that are not judged, and their cost.
    #[must_use]
    pub fn settled(&self, mutator: MutatorIx) -> Earned {
        self.settled.get(&mutator).copied().unwrap_or_default()
    }

    /// What is known for good of all of them together.
    #[must_use]
    pub fn settled_of_all(&self) -> Earned {
        let mut all = Earned::default();
        self.settled.values().for_each(|earned| all += *earned);
        all
    }

    /// Uses that are over, oldest first: judged children, and requests that brought none.
    #[must_use]
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Dollars that the rows of all mutators' children cost until they were judged.
    #[must_use]
    pub fn rows_usd(&self) -> f64 {
        self.rows_usd
    }

    /// Whether its worst case still fits the budget, as far as is known.
    #[must_use]
    pub fn is_affordable(&self, mutator: MutatorIx) -> bool {
        !self.unaffordable.contains(&mutator)
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalIssued { proposal, .. } => {
                let draft = facts.drafts.get(proposal).filter(|draft| !draft.program);
                if let Some(draft) = draft {
                    *self.asked.entry(draft.mutator).or_default() += 1;
                }
            }
            Event::ProposalFolded { outcome, .. } => self.fold(outcome, facts),
            Event::EvaluationFolded { .. } => {
                let (usd, _) = self.since(ModelRole::Task, facts);
                if let Some(row) = facts.folded_row
                    && self.children.contains_key(&row.candidate)
                {
                    self.rows_usd += usd;
                    if facts.standing(row.candidate).status == Status::Finished {
                        self.judged(row.candidate, facts);
                    }
                }
            }
            Event::CandidateDropped { candidate, .. } | Event::CandidateFinished { candidate } => {
                self.judged(*candidate, facts);
            }
            Event::ContestEnded { survivors } => {
                survivors.iter().for_each(|candidate| self.judged(*candidate, facts));
            }
            Event::MutatorReplaced { instead_of, .. } => {
                self.unaffordable.insert(*instead_of);
            }
            Event::CapsChanged { .. } => self.unaffordable.clear(),
            _ => {}
        }
    }

    fn fold(&mut self, outcome: &ProposalOutcome, facts: &Facts) {
        let closed = facts.closed_proposal.as_ref().filter(|closed| !closed.draft.program);
        let Some(closed) = closed else { return };
        let mutator = closed.draft.mutator;
        let (usd, tokens) = self.since(ModelRole::Mutator(mutator), facts);
        let accepted = u64::from(closed.child.is_some());
        let cost = Earned { proposals: 1, accepted, usd, tokens, ..Earned::default() };
        if let Some(child) = closed.child {
            self.children.insert(child, (mutator, cost));
            return;
        }
        *self.settled.entry(mutator).or_default() += cost;
        // A step that others go on from is no use of its own.
        if matches!(outcome, ProposalOutcome::Rejected { .. } | ProposalOutcome::Missing) {
            self.written.push(Written { mutator, over_parent: 0.0, over_baseline: 0.0 });
        }
    }

    /// Dollars and tokens that were answered in a role since this was last asked.
    fn since(&mut self, role: ModelRole, facts: &Facts) -> (f64, u64) {
        let Use { usd, usage, .. } = facts.plan.answered(role);
        let now = (usd.nanos(), usage.total().0);
        let before = self.answered.insert(role, now).unwrap_or_default();
        (Usd::from_nanos(now.0.saturating_sub(before.0)).dollars(), now.1.saturating_sub(before.1))
    }

    fn judged(&mut self, child: CandidateIx, facts: &Facts) {
        let Some((mutator, mut earned)) = self.children.remove(&child) else { return };
        let parents = &facts.standing(child).candidate.parents;
        let parent = parents.first().copied().unwrap_or(CandidateIx::BASELINE);
        let over_parent = over(facts, child, parent);
        let over_baseline = over(facts, child, CandidateIx::BASELINE);
        earned.gained = u64::from(over_parent > 0.0);
        earned.gain = over_parent.max(0.0);
        *self.settled.entry(mutator).or_default() += earned;
        self.written.push(Written { mutator, over_parent, over_baseline });
    }
}
