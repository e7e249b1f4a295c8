//! What each use of an operator brought, and what it cost: evidence, requests, and the child's own rows.
//!
//! One entry for each use that came to its end, in the order in which they did. What a rule of choice
//! makes of them, with which discount, is for `choosing` to say.

use super::views::paired;
use crate::event::{Dropped, Event, ProposalOutcome};
use crate::id::{Call, CandidateIx, ProposalNumber};
use crate::state::{Facts, Status, Use};
use crate::task::example::Split;
use crate::task::model::ModelRole;
use std::collections::HashMap;

/// A use of an operator that came to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// The operator, by its place in the recipe.
    pub operator: u16,
    /// The chance with which it was drawn, where it was drawn by what is learnt here.
    pub chance: Option<f64>,
    /// The child's mean less its parent's, on common rows where there are enough; 0 without a child.
    pub over_parent: f64,
    /// The same against the seed.
    pub over_seed: f64,
    /// What it cost.
    pub cost: Cost,
}

/// What something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Dollars; nothing where the models are free.
    pub usd: f64,
    /// Answered calls.
    pub calls: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.usd += other.usd;
        self.calls += other.calls;
    }
}

/// A use that is not over.
#[derive(Clone, Copy, Debug)]
struct Open {
    operator: u16,
    chance: Option<f64>,
    cost: Cost,
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
    /// What had been answered before the last event.
    answered: [Cost; 2],
}

/// Of a child's rows, so many must be common with another candidate's to compare them on those alone.
const COMMON: f64 = 0.5;

impl Gains {
    /// Every use that is over, oldest first.
    #[must_use]
    pub fn results(&self) -> &[Gain] {
        &self.results
    }

    pub(super) fn apply(&mut self, event: &Event, facts: &Facts) {
        match event {
            Event::ProposalDrafted(draft) => {
                let Some(operator) = draft.operator else { return };
                // What an earlier step cost belongs to the first that goes on from it.
                let before = draft.from.and_then(|source| self.proposals.remove(&source.proposal));
                let cost = before.map_or(Cost::default(), |before| before.cost);
                let open = Open { operator, chance: draft.chance, cost };
                self.proposals.insert(draft.proposal, open);
            }
            Event::ProposalIssued { proposal, call, .. } => {
                self.calls.insert(*call, *proposal);
            }
            Event::ProposalAbandoned { proposal, .. } => self.end(*proposal),
            Event::ProposalFolded { call, outcome } => {
                let cost = self.since(ModelRole::Mutator, facts);
                if let Some(proposal) = self.calls.remove(call) {
                    if let Some(open) = self.proposals.get_mut(&proposal) {
                        open.cost += cost;
                    }
                    self.came(proposal, outcome, facts);
                }
            }
            Event::CandidateComposed { proposal, outcome } => self.came(*proposal, outcome, facts),
            Event::EvaluationFolded { .. } => {
                let cost = self.since(ModelRole::Task, facts);
                if let Some((candidate, split, ..)) = facts.last_folded {
                    self.charge(candidate, split, cost, facts);
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
                *self = Self { answered: self.answered, ..Self::default() };
            }
            _ => {}
        }
    }

    /// What was answered in a role since this was last asked.
    fn since(&mut self, role: ModelRole, facts: &Facts) -> Cost {
        let Use { calls, usd, .. } = facts.plan.answered(role);
        let now = Cost { usd: usd.dollars(), calls };
        let before =
            std::mem::replace(&mut self.answered[usize::from(role == ModelRole::Task)], now);
        Cost { usd: now.usd - before.usd, calls: now.calls - before.calls }
    }

    /// Rows belong to the child that is tried on them; on train, else, to the draft that waits for them.
    fn charge(&mut self, candidate: CandidateIx, split: Split, cost: Cost, facts: &Facts) {
        if let Some(open) = self.children.get_mut(&candidate) {
            open.cost += cost;
        } else if split == Split::Train {
            let waits = facts.drafts.values().find(|draft| {
                draft.parents.first() == Some(&candidate)
                    && !facts.shown.contains_key(&draft.proposal)
            });
            if let Some(open) = waits.and_then(|draft| self.proposals.get_mut(&draft.proposal)) {
                open.cost += cost;
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
        if let Some(Open { operator, chance, cost }) = self.proposals.remove(&proposal) {
            self.results.push(Gain { operator, chance, over_parent: 0.0, over_seed: 0.0, cost });
        }
    }

    fn judged(&mut self, child: CandidateIx, facts: &Facts) {
        let Some(Open { operator, chance, cost }) = self.children.remove(&child) else { return };
        let parent = facts.standing(child).candidate.parents.first();
        let over_parent = parent.map_or(0.0, |parent| over(facts, child, *parent));
        let over_seed = over(facts, child, CandidateIx::BASELINE);
        self.results.push(Gain { operator, chance, over_parent, over_seed, cost });
    }
}

/// How much better a child is than another candidate.
fn over(facts: &Facts, child: CandidateIx, other: CandidateIx) -> f64 {
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
