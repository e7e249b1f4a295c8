//! A recipe's slots put together: the strategy of every run.
//!
//! Work is offered in this order: the contest that is on; a change of the incumbent; an end; rows of
//! open candidates; evidence and requests of drafts; the next draft. When nothing of this is left and
//! nothing is out, everything so far is judged: that is where a generation ends.

use super::drafting;
use super::{
    Plan, Remaining, State, Strategy, acceptance, allocation, capping, contest, finale, islands,
    population, product, stopping,
};
use crate::candidate::DEMOS;
use crate::event::{Draft, Event, Gate, Shown, StopReason};
use crate::id::CandidateIx;
use crate::operator::Setting;
use crate::prompt::Layout;
use crate::recipe::{Evaluate, Final, Recipe, Schedule};
use crate::seed::Seed;
use crate::state::{Phase, Status};
use crate::task::goal::Goal;

/// A recipe with what it needs to know of the task: the goal, how many training rows there are, and
/// what may be searched.
#[derive(Clone, Debug)]
pub struct Composed {
    recipe: Recipe,
    goal: Goal,
    setting: Setting,
}

/// What of a prompt may be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Parts that a model may rewrite.
    pub texts: u16,
    /// Whether there is a part for demonstrations.
    pub demos: bool,
}

impl Searched {
    /// What a layout lets change.
    #[must_use]
    pub fn of(layout: &Layout) -> Self {
        let parts = layout.searched();
        let texts = parts.iter().filter(|part| *part != DEMOS).count();
        Self { texts: u16::try_from(texts).unwrap_or(u16::MAX), demos: layout.is_searched(DEMOS) }
    }
}

impl Composed {
    /// Puts the slots together.
    #[must_use]
    pub fn new(
        recipe: Recipe,
        goal: Goal,
        train_rows: u32,
        searched: Searched,
        seed: Seed,
    ) -> Self {
        let Searched { texts, demos } = searched;
        Self { recipe, goal, setting: Setting { train_rows, texts, has_demos: demos, seed } }
    }

    /// The recipe of the phase that is on.
    fn recipe(&self, state: &State) -> &Recipe {
        self.recipe.of_phase(state.phase_number)
    }

    fn block(recipe: &Recipe) -> usize {
        match &recipe.evaluate {
            Evaluate::Full(kind) => kind.block,
            Evaluate::Gate(kind) => kind.block,
            Evaluate::Race(kind) => kind.block,
            _ => crate::recipe::BLOCK,
        }
    }

    /// Evaluations of candidates, oldest first; a decision about one of them goes alone.
    fn evaluations(&self, recipe: &Recipe, state: &State) -> Vec<Plan> {
        let mut plans = Vec::new();
        for &candidate in &state.open {
            if capping::holds_back(recipe, state, candidate) {
                continue;
            }
            match allocation::next(recipe, self.goal, state, candidate, self.setting.seed) {
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
            // A draft belongs to the phase that it was made in.
            match drafting::advance(&self.recipe, state, draft, self.setting) {
                Some(decision @ (Plan::Decide(_) | Plan::Compose(_))) => return vec![decision],
                Some(plan @ Plan::Evaluate { .. }) => evidence.push(plan),
                Some(plan) => ready.push(plan),
                None => {}
            }
        }
        evidence.extend(ready);
        evidence
    }

    /// The next draft, where there is room for one.
    fn draft(&self, recipe: &Recipe, state: &State) -> Option<Plan> {
        let schedule = &recipe.schedule;
        if state.proposals_out() >= schedule.proposal_lookahead() {
            return None;
        }
        if let Schedule::Steady(steady) = schedule
            && (state.waiting() >= steady.waiting || state.open.len() >= steady.open)
        {
            return None;
        }
        let draft = drafting::next_step(&self.recipe, state, self.setting)
            .or_else(|| drafting::next_init(recipe, state, self.setting))
            .or_else(|| self.bred(recipe, state))?;
        Some(Plan::Decide(Event::ProposalDrafted(draft)))
    }

    /// A draft of an operator, where the schedule breeds now.
    fn bred(&self, recipe: &Recipe, state: &State) -> Option<Draft> {
        if !drafting::init_is_drafted(recipe, state) {
            return None;
        }
        if let Some(again) = drafting::again(recipe, state, self.setting) {
            return Some(again);
        }
        match &recipe.schedule {
            Schedule::Steady(_) => drafting::next(recipe, state, self.setting),
            Schedule::Generation(_) => {
                let due = state.memory.generations.current().is_some()
                    && state.memory.uses.in_generation() < drafting::applications(recipe, state);
                // A turn in which nothing can be done is a turn all the same.
                due.then(|| {
                    drafting::next(recipe, state, self.setting)
                        .unwrap_or_else(|| drafting::idle(state))
                })
            }
            Schedule::Pool(_) | Schedule::Product(_) => None,
        }
    }

    /// Runs that have to be in before the generation is bred; `None`: there are none.
    fn runs(&self, recipe: &Recipe, state: &State) -> Option<Vec<Plan>> {
        let is_bred = state.memory.uses.in_generation() >= drafting::applications(recipe, state);
        if state.memory.generations.current().is_none() || is_bred {
            return None;
        }
        drafting::sample_runs(recipe, state, self.setting)
    }

    fn search(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        let recipe = self.recipe(state);
        if let Some(finished) = allocation::finished(recipe, state) {
            return vec![finished];
        }
        let combines = matches!(recipe.schedule, Schedule::Product(_));
        if state.memory.contests.round().is_some() && !combines {
            return self.contest(recipe, state, remaining);
        }
        if combines && let Some(rows) = product::under_way(recipe, state, self.setting) {
            return rows;
        }
        if !recipe.evaluate.is_contest()
            && let Some(change) = acceptance::change(recipe, self.goal, state)
        {
            return vec![change];
        }
        if let Some(owed) = product::due(recipe, state, self.setting) {
            return vec![owed];
        }
        if let Some(end) = stopping::reason(&self.recipe, recipe, state, self.setting.texts) {
            return vec![end];
        }
        if let Some(capped) = capping::next(recipe, state, self.setting.seed) {
            return vec![capped];
        }
        if let Some(migration) = islands::migration(recipe, state) {
            return vec![migration];
        }
        let widened = allocation::widen(recipe, state);
        if let Some(decision @ Plan::Decide(_)) = widened {
            return vec![decision];
        }
        let mut plans: Vec<Plan> = widened.into_iter().collect();
        plans.extend(self.evaluations(recipe, state));
        if matches!(plans.last(), Some(Plan::Decide(_))) {
            return plans.split_off(plans.len() - 1);
        }
        let proposals = self.proposals(state);
        if matches!(proposals.first(), Some(Plan::Decide(_) | Plan::Compose(_))) {
            return proposals;
        }
        plans.extend(proposals);
        plans.extend(drafting::collect_sets(recipe, state, self.setting));
        match self.runs(recipe, state) {
            Some(runs) => plans.extend(runs),
            None => plans.extend(self.draft(recipe, state)),
        }
        if plans.is_empty() && state.is_quiet() {
            plans.extend(self.judged(recipe, state, remaining));
        }
        plans
    }

    /// What comes next when everything so far is judged, but for what is judged together.
    fn judged(&self, recipe: &Recipe, state: &State, remaining: Remaining) -> Vec<Plan> {
        let ended = || vec![stopping::end(&self.recipe, state, StopReason::PoolDone)];
        // A seed that does not compete stays open, and is no reason for another contest.
        let competes = |candidate: &CandidateIx| state.open.contains(candidate);
        if recipe.evaluate.is_contest() && contenders(recipe, state).iter().any(competes) {
            return self.contest(recipe, state, remaining);
        }
        match &recipe.schedule {
            Schedule::Steady(_) | Schedule::Pool(_) => ended(),
            Schedule::Product(_) => product::next(recipe, state, self.setting),
            Schedule::Generation(_) => {
                let next = population::next_generation(recipe, state);
                // Nobody to breed from, or nobody to pair: the next generation would be empty, too.
                let members = next.members.len();
                if members == 0 || drafting::applications_of(recipe, members) == 0 {
                    return ended();
                }
                vec![Plan::Decide(Event::GenerationStarted(next))]
            }
        }
    }

    fn contest(&self, recipe: &Recipe, state: &State, remaining: Remaining) -> Vec<Plan> {
        let contenders = || contenders(recipe, state);
        contest::next(recipe, state, contenders, remaining, self.setting.seed)
    }
}

/// Who is judged together: the population and its children that are not judged yet; before the
/// first generation, all that `init` brought. Whoever left the population is not asked again.
pub(super) fn contenders(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let pool = super::ranking::pool(recipe, state);
    let Some(generation) = state.memory.generations.current() else {
        return pool;
    };
    let competes = |candidate: &CandidateIx| {
        generation.members.contains(candidate) || state.standing(*candidate).status == Status::Open
    };
    pool.into_iter().filter(competes).collect()
}

impl Strategy for Composed {
    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        match state.phase {
            Phase::Searching => self.search(state, remaining),
            Phase::Choosing => {
                let block = Self::block(self.recipe(state));
                finale::next(&self.recipe, self.goal, block, state, remaining)
            }
            Phase::New | Phase::Confirming | Phase::Over => Vec::new(),
        }
    }

    fn finale_share(&self, dev_rows: u32, calls: Option<u64>) -> f64 {
        match &self.recipe.finale {
            // Two that are told apart are the least; what is too little for them is better searched with.
            Final::Confirm(kind) => {
                let least = 2 * u64::from(dev_rows) * u64::from(kind.replicate);
                let is_enough = calls.is_none_or(|calls| calls as f64 * kind.share >= least as f64);
                if is_enough { kind.share } else { 0.0 }
            }
            Final::Shortlist(kind) => {
                let wanted = kind.top as u64 * u64::from(dev_rows);
                let enough = calls.map_or(1.0, |calls| wanted as f64 / calls.max(1) as f64);
                kind.share.min(enough)
            }
            Final::Argmax(_) | Final::BestPath(_) => 0.0,
        }
    }

    fn gate(&self, state: &State, draft: &Draft, shown: &[Shown]) -> Option<Gate> {
        drafting::gate(self.recipe(state), state, draft, shown, self.setting)
    }
}
