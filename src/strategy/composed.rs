//! A recipe's slots put together: the strategy of every run.

use super::stopping;
use super::{Plan, Remaining, State, Strategy, acceptance, allocation, drafting, finale, halving};
use crate::event::{Draft, Event, Gate, Shown, StopReason};
use crate::recipe::{Evaluate, Final, GateRule, Operator, Recipe, ScheduleKind};
use crate::seed::Seed;
use crate::state::Phase;
use crate::task::goal::Goal;

/// A recipe with what it needs to know of the task: the goal, and how many training rows there are.
#[derive(Clone, Debug)]
pub struct Composed {
    recipe: Recipe,
    goal: Goal,
    train_rows: u32,
    seed: Seed,
}

impl Composed {
    /// Puts the slots together.
    #[must_use]
    pub fn new(recipe: Recipe, goal: Goal, train_rows: u32, seed: Seed) -> Self {
        Self { recipe, goal, train_rows, seed }
    }

    fn block(&self) -> usize {
        match &self.recipe.evaluate {
            Evaluate::Full(kind) => kind.block,
            Evaluate::Gate(kind) => kind.block,
            Evaluate::Race(kind) => kind.block,
            Evaluate::SequentialHalving(_) => crate::recipe::BLOCK,
        }
    }

    /// Evaluations of candidates, oldest first; a decision about one of them goes alone.
    fn evaluations(&self, state: &State) -> Vec<Plan> {
        let mut plans = Vec::new();
        for &candidate in &state.open {
            match allocation::next(&self.recipe.evaluate, self.goal, state, candidate) {
                Some(decision @ Plan::Decide(_)) => return vec![decision],
                Some(plan) => plans.push(plan),
                None => {}
            }
        }
        plans
    }

    /// Evidence for drafts, and drafts that are ready to be asked.
    fn proposals(&self, state: &State) -> Vec<Plan> {
        let mut evidence = Vec::new();
        let mut ready = Vec::new();
        for draft in state.drafts.values() {
            match drafting::advance(&self.recipe, state, draft, self.train_rows, self.seed) {
                Some(decision @ (Plan::Decide(_) | Plan::Compose(_))) => return vec![decision],
                Some(plan @ Plan::Evaluate { .. }) => evidence.push(plan),
                Some(plan) => ready.push(plan),
                None => {}
            }
        }
        evidence.extend(ready);
        evidence
    }

    fn draft(&self, state: &State) -> Option<Plan> {
        let schedule = &self.recipe.schedule;
        if state.proposals_out() >= schedule.proposal_lookahead
            || state.waiting() >= schedule.waiting
            || state.open.len() >= schedule.open
        {
            return None;
        }
        let draft =
            drafting::next_init(&self.recipe, state, self.train_rows, self.seed).or_else(|| {
                match schedule.kind {
                    ScheduleKind::Steady => {
                        drafting::next(&self.recipe, state, self.train_rows, self.seed)
                    }
                    ScheduleKind::Pool => None,
                }
            })?;
        Some(Plan::Decide(Event::ProposalDrafted(draft)))
    }

    fn search(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        if let Evaluate::SequentialHalving(kind) = &self.recipe.evaluate {
            let complete = drafting::init_is_done(&self.recipe, state, self.train_rows, self.seed);
            if complete || state.round.is_some() {
                let pool = || drafting::pool(&self.recipe, state);
                return halving::next(kind, state, pool, remaining, self.seed);
            }
        } else if let Some(change) = acceptance::change(&self.recipe.accept, self.goal, state) {
            return vec![change];
        }
        if let Some(end) = stopping::reason(&self.recipe, state) {
            return vec![end];
        }
        let mut plans = self.evaluations(state);
        if matches!(plans.first(), Some(Plan::Decide(_))) {
            return plans;
        }
        let proposals = self.proposals(state);
        if matches!(proposals.first(), Some(Plan::Decide(_) | Plan::Compose(_))) {
            return proposals;
        }
        plans.extend(proposals);
        plans.extend(self.draft(state));
        // Nothing to do and nothing out: the pool is done.
        if plans.is_empty() && state.is_quiet() {
            plans.push(Plan::Decide(Event::SearchEnded { reason: StopReason::PoolDone }));
        }
        plans
    }
}

fn gate(
    recipe: &Recipe,
    state: &State,
    draft: &Draft,
    shown: &[Shown],
    seed: Seed,
) -> Option<Gate> {
    let operator = draft.operator.and_then(|place| recipe.operator.get(usize::from(place)))?;
    if let Operator::Merge(merge) = operator {
        return drafting::merge_gate(merge, state, draft, seed);
    }
    let Evaluate::Gate(kind) = &recipe.evaluate else {
        return None;
    };
    let inclusive = kind.rule == GateRule::GeParent;
    drafting::minibatch_gate(state, draft, shown, inclusive)
}

impl Strategy for Composed {
    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        match state.phase {
            Phase::Searching => self.search(state, remaining),
            Phase::Choosing => {
                finale::next(&self.recipe.finale, self.goal, self.block(), state, remaining)
            }
            Phase::New | Phase::Confirming | Phase::Over => Vec::new(),
        }
    }

    fn finale_share(&self) -> f64 {
        match &self.recipe.finale {
            Final::Argmax(_) => 0.0,
            Final::Confirm(kind) => kind.share,
        }
    }

    fn gate(&self, state: &State, draft: &Draft, shown: &[Shown]) -> Option<Gate> {
        gate(&self.recipe, state, draft, shown, self.seed)
    }
}
