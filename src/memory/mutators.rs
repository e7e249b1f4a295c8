//! What each of a task's mutators has earned: what its children gained over their parents, and what its
//! requests cost.
//!
//! It is about models alone: it goes on from phase to phase, and a request counts whether an operator
//! or an init made it. What no model was asked for, such as a merge or a program's reply, counts for
//! none. What a rule of choice makes of it is not decided here; what operators brought is in `gains`.

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
pub struct MutatorOutcome {
    /// Who wrote it.
    pub mutator: MutatorIx,
    /// Its mean less its parent's: the baseline's, where it has none.
    pub over_parent: f64,
    /// Its mean less the baseline's.
    pub over_baseline: f64,
}

/// A mutator's child that is tried.
#[derive(Clone, Copy, Debug)]
struct Tried {
    mutator: MutatorIx,
    /// What it cost to write.
    writing: Earned,
    /// Dollars for its rows so far.
    rows_usd: f64,
}

/// All mutators, folded.
#[derive(Clone, Debug, Default)]
pub struct Mutators {
    /// Requests that were decided, by mutator.
    asked: BTreeMap<MutatorIx, u64>,
    /// What is known for good.
    settled: BTreeMap<MutatorIx, Earned>,
    /// Children that are tried.
    children: BTreeMap<CandidateIx, Tried>,
    /// Uses that are over, oldest first: judged children, and requests that brought none.
    written: Vec<MutatorOutcome>,
    /// Dollars for the rows of all judged children.
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
        let open = self.children.values().filter(|tried| tried.mutator == mutator);
        open.for_each(|tried| earned += tried.writing);
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
    pub fn written(&self) -> &[MutatorOutcome] {
        &self.written
    }

    /// Dollars that the rows of all mutators' judged children cost until then.
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
                    && let Some(tried) = self.children.get_mut(&row.candidate)
                {
                    tried.rows_usd += usd;
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

    /// A proposal whose rows cost this much, without a journal.
    #[cfg(test)]
    pub(crate) fn settle(&mut self, mutator: MutatorIx, earned: Earned, rows_usd: f64) {
        *self.asked.entry(mutator).or_default() += earned.proposals;
        *self.settled.entry(mutator).or_default() += earned;
        self.rows_usd += rows_usd;
    }

    fn fold(&mut self, outcome: &ProposalOutcome, facts: &Facts) {
        let closed = facts.closed_proposal.as_ref().filter(|closed| !closed.draft.program);
        let Some(closed) = closed else { return };
        let mutator = closed.draft.mutator;
        let (usd, tokens) = self.since(ModelRole::Mutator(mutator), facts);
        let accepted = u64::from(closed.child.is_some());
        let cost = Earned { proposals: 1, accepted, usd, tokens, ..Earned::default() };
        if let Some(child) = closed.child {
            self.children.insert(child, Tried { mutator, writing: cost, rows_usd: 0.0 });
            return;
        }
        *self.settled.entry(mutator).or_default() += cost;
        // A step that others go on from is no use of its own.
        if matches!(outcome, ProposalOutcome::Rejected { .. } | ProposalOutcome::Missing) {
            self.written.push(MutatorOutcome { mutator, over_parent: 0.0, over_baseline: 0.0 });
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
        let Some(tried) = self.children.remove(&child) else { return };
        let Tried { mutator, writing: mut earned, rows_usd } = tried;
        self.rows_usd += rows_usd;
        let parents = &facts.standing(child).candidate.parents;
        let parent = parents.first().copied().unwrap_or(CandidateIx::BASELINE);
        let over_parent = over(facts, child, parent);
        let over_baseline = over(facts, child, CandidateIx::BASELINE);
        earned.gained = u64::from(over_parent > 0.0);
        earned.gain = over_parent.max(0.0);
        *self.settled.entry(mutator).or_default() += earned;
        self.written.push(MutatorOutcome { mutator, over_parent, over_baseline });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Rejection;
    use crate::id::{Call, ProposalNumber};
    use crate::memory::tests::{Script, USD};

    const OTHER: MutatorIx = MutatorIx(1);

    fn by_other(script: &mut Script) -> ProposalNumber {
        script.draft(|draft| draft.mutator = OTHER)
    }

    #[test]
    fn a_child_of_an_init_counts_and_what_is_learnt_outlives_the_phase() {
        let mut script = Script::new(2);
        script.score(CandidateIx::BASELINE, &[(0, 0.5), (1, 0.5)]);
        let proposal = script.draft(|draft| {
            (draft.operator, draft.init, draft.mutator) = (None, Some(0), OTHER);
        });
        let outcome = script.added(proposal, "child");
        script.propose(proposal, outcome);
        let child = CandidateIx(1);
        script.score(child, &[(0, 1.0)]);
        let mutators = &script.state.memory.mutators;
        assert_eq!(mutators.settled(OTHER), Earned::default(), "it is not judged yet");
        assert_eq!(mutators.rows_usd(), 0.0, "nor do its rows count yet");
        let asked = mutators.earned(OTHER);
        assert_eq!((asked.proposals, asked.accepted, asked.gain), (1, 1, 0.0));
        script.phase(1);
        script.score(child, &[(1, 0.75)]);
        script.phase(2);
        let mutators = &script.state.memory.mutators;
        let earned = mutators.settled(OTHER);
        assert_eq!((earned.proposals, earned.accepted, earned.gained), (1, 1, 1));
        assert!((earned.gain - 0.375).abs() < 1e-12, "{earned:?}");
        assert!((earned.usd - USD).abs() < 1e-12 && earned.tokens > 0, "{earned:?}");
        assert!(
            (mutators.rows_usd() - 2.0 * USD).abs() < 1e-12,
            "the baseline's rows are no child's"
        );
        assert_eq!(mutators.earned(OTHER), earned);
        assert_eq!(mutators.settled(MutatorIx::FIRST), Earned::default());
        assert_eq!(mutators.written().len(), 1);
    }

    #[test]
    fn a_loss_and_a_refusal_gain_nothing_and_what_no_model_wrote_counts_for_none() {
        let mut script = Script::new(1);
        script.score(CandidateIx::BASELINE, &[(0, 0.5)]);
        let merged = script.child(CandidateIx::BASELINE, "merged");
        script.score(merged, &[(0, 1.0)]);
        let program = script.draft(|draft| draft.program = true);
        script.propose(program, ProposalOutcome::Missing);
        assert_eq!(script.state.memory.mutators.settled_of_all(), Earned::default());
        assert_eq!(script.state.memory.mutators.asked(MutatorIx::FIRST), 0);
        assert!(script.state.memory.mutators.written().is_empty());
        let refused = by_other(&mut script);
        let detail = String::new();
        script.propose(refused, ProposalOutcome::Rejected { reason: Rejection::Dedup, detail });
        let worse = by_other(&mut script);
        let outcome = script.added(worse, "worse");
        script.propose(worse, outcome);
        script.score(CandidateIx(2), &[(0, 0.25)]);
        let mutators = &script.state.memory.mutators;
        let earned = mutators.settled(OTHER);
        assert_eq!((earned.proposals, earned.accepted, earned.gained), (2, 1, 0));
        assert_eq!((earned.gain, mutators.asked(OTHER)), (0.0, 2));
        assert_eq!(mutators.written().len(), 2);
    }

    #[test]
    fn one_that_gave_way_is_not_affordable_until_the_caps_change() {
        let mut script = Script::new(1);
        let proposal = by_other(&mut script);
        let mutator = MutatorIx::FIRST;
        script.apply(Event::MutatorReplaced { proposal, mutator, instead_of: OTHER });
        assert_eq!(script.state.drafts[&proposal].mutator, mutator);
        let is_affordable = |script: &Script| script.state.memory.mutators.is_affordable(OTHER);
        assert!(!is_affordable(&script) && script.state.memory.mutators.is_affordable(mutator));
        let (rows, reserve) = (Vec::new(), crate::units::Amount::ZERO);
        script.apply(Event::ProposalIssued { proposal, call: Call(1), rows, reserve });
        assert_eq!(script.state.memory.mutators.asked(mutator), 1);
        script.apply(Event::CapsChanged { caps: crate::caps::Caps::default() });
        assert!(is_affordable(&script));
    }
}
