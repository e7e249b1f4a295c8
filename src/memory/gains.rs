//! What each use of an operator brought, and what it cost: evidence, requests, and the child's own rows.
//!
//! One entry for each use that came to its end, in the order in which they did. What a rule of choice
//! makes of them, with which discount, is not decided here; what mutators earned is in `mutators`.

use super::pairs::paired;
use crate::event::{Dropped, Event, ProposalOutcome, RowKey};
use crate::id::{Call, CandidateIx, ProposalNumber};
use crate::ledger::Use;
use crate::state::{Facts, Status};
use crate::task::example::Split;
use crate::task::model::ModelRole;
use std::collections::HashMap;

/// A use of an operator that came to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// The operator, by its place in the recipe.
    pub operator: u16,
    /// The chance with which the operator was drawn, where it was drawn by what is learnt here.
    pub chance: Option<f64>,
    /// The child's mean less its parent's, on common rows where there are enough; 0 without a child.
    pub over_parent: f64,
    /// The same against the baseline.
    pub over_baseline: f64,
    /// What it counts in decisions, in dollars ([`Use::weight`]).
    pub usd: f64,
}

impl Gain {
    /// The place of its operator.
    #[must_use]
    pub fn operator(&self) -> usize {
        usize::from(self.operator)
    }
}

/// A use that is not over.
#[derive(Clone, Copy, Debug)]
struct Open {
    operator: u16,
    chance: Option<f64>,
    usd: f64,
}

/// All uses, folded.
#[derive(Clone, Debug, Default)]
pub struct Gains {
    results: Vec<Gain>,
    /// Uses without a child so far, by their last proposal.
    proposals: HashMap<ProposalNumber, Open>,
    calls: HashMap<Call, ProposalNumber>,
    /// Uses whose child is being tried.
    children: HashMap<CandidateIx, Open>,
    /// What had been answered before the last event, of proposals and of rows.
    answered: [f64; 2],
}

const PROPOSALS: usize = 0;
const ROWS: usize = 1;

/// The share of a child's rows that must be common with another candidate's to compare the two on those
/// rows alone.
const COMMON: f64 = 0.5;

impl Gains {
    /// Every use that is over, oldest first.
    #[must_use]
    pub fn results(&self) -> &[Gain] {
        &self.results
    }

    /// Takes in one event; `facts` have taken it in before.
    pub fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalDrafted(draft) => {
                let Some(operator) = draft.operator else { return };
                // What an earlier step cost belongs to the first that goes on from it.
                let before = draft.from.and_then(|source| self.proposals.remove(&source.proposal));
                let usd = before.map_or(0.0, |before| before.usd);
                let open = Open { operator, chance: draft.chance, usd };
                self.proposals.insert(draft.proposal, open);
            }
            Event::ProposalIssued { proposal, call, .. } => {
                self.calls.insert(*call, *proposal);
            }
            Event::ProposalAbandoned { proposal, .. } => self.end(*proposal),
            Event::ProposalFolded { call, outcome } => {
                let usd = self.since(PROPOSALS, facts.plan.answered_by_mutators());
                if let Some(proposal) = self.calls.remove(call) {
                    if let Some(open) = self.proposals.get_mut(&proposal) {
                        open.usd += usd;
                    }
                    self.came(proposal, outcome, facts);
                }
            }
            Event::CandidateComposed { proposal, outcome } => self.came(*proposal, outcome, facts),
            Event::EvaluationFolded { .. } => {
                let usd = self.since(ROWS, facts.plan.answered(ModelRole::Task));
                if let Some(RowKey { candidate, split, .. }) = facts.folded_row {
                    self.charge(candidate, split, usd, facts);
                    if facts.standing(candidate).status == Status::Finished {
                        self.judged(candidate, facts);
                    }
                }
            }
            Event::CandidateDropped { candidate, .. } | Event::CandidateFinished { candidate } => {
                self.judged(*candidate, facts);
            }
            Event::ContestEnded { survivors } => {
                for candidate in survivors {
                    self.judged(*candidate, facts);
                }
            }
            // Operators are named by their places in the phase's own list.
            Event::PhaseStarted { .. } => {
                let answered = self.answered;
                *self = Self { answered, ..Self::default() };
            }
            _ => {}
        }
    }

    /// What was answered since this was last asked of the same.
    fn since(&mut self, of: usize, used: Use) -> f64 {
        let now = used.weight();
        now - std::mem::replace(&mut self.answered[of], now)
    }

    /// Rows belong to the child that is tried on them; on train, else, to the draft that waits for them.
    fn charge(&mut self, candidate: CandidateIx, split: Split, usd: f64, facts: &Facts) {
        if let Some(open) = self.children.get_mut(&candidate) {
            open.usd += usd;
        } else if split == Split::Train {
            let waits = facts.drafts.values().find(|draft| {
                draft.parents.first() == Some(&candidate)
                    && !facts.shown.contains_key(&draft.proposal)
            });
            if let Some(open) = waits.and_then(|draft| self.proposals.get_mut(&draft.proposal)) {
                open.usd += usd;
            }
        }
    }

    fn came(&mut self, proposal: ProposalNumber, outcome: &ProposalOutcome, facts: &Facts) {
        match outcome {
            ProposalOutcome::Added { .. } => {
                let child = u32::try_from(facts.candidates.len().saturating_sub(1));
                if let (Some(open), Ok(child)) = (self.proposals.remove(&proposal), child) {
                    self.children.insert(CandidateIx(child), open);
                }
            }
            // The next step goes on from here.
            ProposalOutcome::Noted { .. } | ProposalOutcome::Kept { .. } => {}
            ProposalOutcome::Rejected { .. } | ProposalOutcome::Missing => self.end(proposal),
        }
    }

    /// A use that brought nothing.
    fn end(&mut self, proposal: ProposalNumber) {
        if let Some(Open { operator, chance, usd }) = self.proposals.remove(&proposal) {
            let (over_parent, over_baseline) = (0.0, 0.0);
            self.results.push(Gain { operator, chance, over_parent, over_baseline, usd });
        }
    }

    fn judged(&mut self, child: CandidateIx, facts: &Facts) {
        let Some(open) = self.children.remove(&child) else { return };
        let Open { operator, chance, usd } = open;
        let parent = facts.standing(child).candidate.parents.first();
        let over_parent = parent.map_or(0.0, |parent| over(facts, child, *parent));
        let over_baseline = over(facts, child, CandidateIx::BASELINE);
        self.results.push(Gain { operator, chance, over_parent, over_baseline, usd });
    }
}

/// How much better a child is than another candidate.
pub(super) fn over(facts: &Facts, child: CandidateIx, other: CandidateIx) -> f64 {
    let standing = facts.standing(child);
    let column = standing.dev();
    let pair = paired(facts, child, other);
    if pair.n > 0 && pair.n as f64 >= COMMON * f64::from(column.scored) {
        return pair.mean().unwrap_or(0.0);
    }
    if let (Some(mine), Some(theirs)) = (column.mean(), facts.standing(other).dev().mean()) {
        return mine - theirs;
    }
    match (&standing.status, &standing.gate) {
        // It has seen its gate's rows alone.
        (Status::Dropped(Dropped::Gate { sum, needed }), Some(gate)) => {
            (sum - needed) / gate.rows.len().max(1) as f64
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Abandoned;
    use crate::memory::tests::{Script, USD};

    fn near(usd: f64, calls: u64) {
        assert!((usd - calls as f64 * USD).abs() < 1e-12, "{usd}");
    }

    #[test]
    fn a_use_is_over_when_its_child_is_judged() {
        let mut script = Script::new(2);
        script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.5)]);
        let proposal = script.draft(|draft| (draft.operator, draft.chance) = (Some(3), Some(0.25)));
        let outcome = script.added(proposal, "child");
        script.propose(proposal, outcome);
        let child = CandidateIx(1);
        script.score(child, &[(0, 1.0)]);
        assert!(script.state.memory.gains.results().is_empty());
        script.score(child, &[(1, 0.75)]);
        let [gain] = script.state.memory.gains.results() else { panic!("one use is over") };
        assert_eq!((gain.operator, gain.chance), (3, Some(0.25)));
        assert_eq!((gain.over_parent, gain.over_baseline), (0.375, 0.375));
        // Its request and its two rows; the baseline's rows are not its.
        near(gain.usd, 3);
    }

    #[test]
    fn a_use_without_a_child_gains_nothing_and_costs_its_requests() {
        let mut script = Script::new(2);
        let proposal = script.draft(|_| {});
        script.propose(proposal, ProposalOutcome::Missing);
        let given_up = script.draft(|_| {});
        script.apply(Event::ProposalAbandoned { proposal: given_up, why: Abandoned::Nothing });
        let [first, second] = script.state.memory.gains.results() else { panic!("two are over") };
        assert_eq!((first.over_parent, second.over_parent), (0.0, 0.0));
        near(first.usd, 1);
        near(second.usd, 0);
        // Places in the recipe's list mean other operators in another phase.
        script.phase(1);
        assert!(script.state.memory.gains.results().is_empty());
    }

    #[test]
    fn a_next_step_carries_the_cost_of_the_step_before() {
        let mut script = Script::new(2);
        let first = script.draft(|draft| draft.then = 1);
        script.propose(first, ProposalOutcome::Noted { notes: vec!["a hint".into()] });
        assert!(script.state.memory.gains.results().is_empty());
        let from = Some(crate::event::Source { proposal: first, item: 0 });
        let second = script.draft(|draft| draft.from = from);
        script.propose(second, ProposalOutcome::Missing);
        let [gain] = script.state.memory.gains.results() else { panic!("one use is over") };
        near(gain.usd, 2);
    }
}
