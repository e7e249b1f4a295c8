//! The loop that all families share: the strategy of every search.
//!
//! Work is offered in this order: what is under way; a change of the incumbent; an end; rows of open
//! candidates; evidence and requests of drafts; the next draft. When nothing of this is left and
//! nothing is out, everything so far is judged: the family says what comes next.

use super::evaluate::GateState;
use super::plan::{Lookahead, Plan, Strategy};
use super::search::{Search, Slots};
use crate::candidate::DEMOS;
use crate::event::{Draft, Event, Gate, Shown};
use crate::id::{CandidateIx, MutatorIx, RowIx};
use crate::ledger::{Finale, Remaining};
use crate::memory::State;
use crate::operator::Setting;
use crate::prompt::Layout;
use crate::seed::Seed;
use crate::state::{Cell, Phase, Status};
use crate::task::example::Split;
use crate::task::goal::Goal;

/// The slots of all phases, with what they need to know of the task: the goal, how many training rows
/// there are, and what may be searched.
#[derive(Clone, Debug)]
pub struct Composed {
    phases: Vec<Slots>,
    goal: Goal,
    setting: Setting,
    /// The weights of the task's mutators.
    mutators: Vec<f64>,
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
    /// Puts the slots of the phases together; there is one phase at least.
    #[must_use]
    pub fn new(
        phases: &[Slots],
        goal: Goal,
        train_rows: u32,
        searched: Searched,
        seed: Seed,
    ) -> Self {
        let Searched { texts, demos } = searched;
        let setting = Setting { train_rows, texts, has_demos: demos, seed };
        Self { phases: phases.to_vec(), goal, setting, mutators: vec![1.0] }
    }

    /// The same for a task with several mutators, with their weights.
    #[must_use]
    pub fn with_mutators(self, mutators: Vec<f64>) -> Self {
        Self { mutators, ..self }
    }

    /// The search as its policies see it.
    pub(super) fn search<'a>(&'a self, state: &'a State, remaining: Remaining) -> Search<'a> {
        let phase = usize::from(state.phase_number).min(self.phases.len() - 1);
        Search {
            phases: &self.phases,
            slots: &self.phases[phase],
            state,
            goal: &self.goal,
            setting: self.setting,
            mutators: &self.mutators,
            remaining,
        }
    }
}

impl Search<'_> {
    fn next(&self) -> Vec<Plan> {
        let family = &self.slots.schedule;
        if let Some(finished) = self.finished() {
            return vec![finished];
        }
        if let Some(plans) = family.trial(self).or_else(|| self.contest_under_way()) {
            return plans;
        }
        let further = self.further_answers();
        let decision = self
            .change_of_incumbent()
            .or_else(|| family.owed(self))
            .or_else(|| if further.is_empty() { self.stopped() } else { None })
            .or_else(|| family.decision(self))
            .or_else(|| self.slots.archive.migration(self));
        if let Some(decision) = decision {
            return vec![decision];
        }
        let mut plans = Vec::new();
        match self.slots.evaluate.widen(self) {
            Some(decision @ Plan::Decide(_)) => return vec![decision],
            widened => plans.extend(widened),
        }
        plans.extend(further);
        for plan in self.evaluations() {
            // A decision about one of them goes alone.
            if matches!(plan, Plan::Decide(_)) {
                return vec![plan];
            }
            plans.push(plan);
        }
        let proposals = self.proposals();
        if matches!(proposals.first(), Some(Plan::Decide(_) | Plan::Compose(_))) {
            return proposals;
        }
        plans.extend(proposals);
        plans.extend(self.collect_sets());
        match family.runs(self) {
            Some(runs) => plans.extend(runs),
            None => plans.extend(self.next_draft()),
        }
        if plans.is_empty() && self.state.is_quiet() {
            plans = self.after_all_is_judged();
        }
        plans
    }

    /// A candidate that has had all rows that its recipe gives it, where these are not all of dev.
    fn finished(&self) -> Option<Plan> {
        let mut open = self.state.open.iter().copied();
        let candidate = open.find(|one| self.slots.evaluate.is_done(self, *one))?;
        Some(Plan::Decide(Event::CandidateFinished { candidate }))
    }

    /// A contest names its leaders itself.
    fn change_of_incumbent(&self) -> Option<Plan> {
        match self.slots.evaluate.rounds() {
            Some(_) => None,
            None => self.slots.accept.change(self),
        }
    }

    /// The further answers that the goal's consistency needs, of candidates that have had their rows: rows that they have
    /// one answer to.
    fn further_answers(&self) -> Vec<Plan> {
        let mut plans = Vec::new();
        let answers = self.goal.answers_per_row();
        let finished = self.state.memory.fronts.finished().iter().copied();
        let children = finished.filter(|it| *it != CandidateIx::BASELINE);
        // A baseline that does not compete is never finished.
        let all = [CandidateIx::BASELINE].into_iter().chain(children);
        for candidate in all.filter(|_| answers > 1) {
            let standing = self.state.standing(candidate);
            if matches!(standing.status, Status::Dropped(_)) {
                continue;
            }
            for replicate in 1..answers {
                let column = standing.column(Split::Dev, replicate);
                let is_empty = |row: &RowIx| column.cell(*row) == Cell::Empty;
                let rows: Vec<RowIx> = standing.scored_on_dev().filter(is_empty).collect();
                plans.extend(rows.chunks(self.slots.evaluate.block().max(1)).map(|rows| {
                    Plan::Evaluate { candidate, split: Split::Dev, replicate, rows: rows.to_vec() }
                }));
            }
        }
        plans
    }

    /// Rows of open candidates, oldest first, or a decision about one of them.
    fn evaluations(&self) -> impl Iterator<Item = Plan> {
        let family = &self.slots.schedule;
        let open = self.state.open.iter().copied();
        open.filter(|candidate| !family.holds_back(self, *candidate)).filter_map(|candidate| {
            if self.state.standing(candidate).status != Status::Open {
                return None;
            }
            if self.slots.evaluate.is_one_by_one()
                && let Some(why) = self.vetoed(candidate)
            {
                let is_quiet = self.state.standing(candidate).dev().is_quiet();
                return is_quiet
                    .then_some(Plan::Decide(Event::CandidateDropped { candidate, why }));
            }
            match self.gate(candidate) {
                GateState::Next(plan) => Some(*plan),
                GateState::Waiting => None,
                GateState::Passed => self.slots.evaluate.next(self, candidate),
            }
        })
    }

    /// Evidence for drafts, and drafts that are ready to be asked.
    fn proposals(&self) -> Vec<Plan> {
        let mut evidence = Vec::new();
        let mut ready = Vec::new();
        for draft in self.state.drafts.values() {
            match self.advance(draft) {
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
    fn next_draft(&self) -> Option<Plan> {
        let family = &self.slots.schedule;
        let is_full = self.state.proposals_out() >= family.lookahead().proposals;
        if is_full || !family.has_room(self) {
            return None;
        }
        let mut draft = self.next_step().or_else(|| self.next_init()).or_else(|| {
            let is_due = self.init_is_drafted();
            is_due.then(|| self.again().or_else(|| family.bred(self))).flatten()
        })?;
        draft.mutator = self.writer_of(&draft);
        Some(Plan::Decide(Event::ProposalDrafted(draft)))
    }

    /// What comes next when everything so far is judged, but for what is judged together.
    fn after_all_is_judged(&self) -> Vec<Plan> {
        // A baseline that does not compete stays open, and is no reason for another contest.
        let competes = || self.contenders().iter().any(|one| self.state.open.contains(one));
        let is_contest = self.slots.evaluate.rounds().is_some();
        let contest = if is_contest && competes() { self.contest() } else { None };
        contest.unwrap_or_else(|| self.slots.schedule.judged(self))
    }
}

impl Search<'_> {
    /// Who is to win has been asked all rows of dev that must pass. Where these do not fit the budget any more, the baseline
    /// wins.
    fn passing(&self, plans: Vec<Plan>) -> Vec<Plan> {
        let Some(Plan::Win { candidate, .. }) = plans.first() else { return plans };
        let candidate = *candidate;
        let rows = self.state.standing(candidate).unasked_on_dev(self.state.must_pass);
        if candidate == CandidateIx::BASELINE || rows.is_empty() {
            return plans;
        }
        let ask = Plan::Evaluate { candidate, split: Split::Dev, replicate: 0, rows };
        vec![ask, Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None }]
    }
}

impl Strategy for Composed {
    fn ask(&self, state: &State, remaining: Remaining) -> Vec<Plan> {
        let search = self.search(state, remaining);
        match state.phase {
            Phase::Searching => search.next(),
            // Only blocks of the shortlist may be issued while others are out.
            Phase::Choosing if !state.is_quiet() => search.shortlist_rows(),
            Phase::Choosing => search.passing(search.slots.finale.next(&search)),
            Phase::New | Phase::Confirming | Phase::Over => Vec::new(),
        }
    }

    fn writer(&self, state: &State, draft: &Draft, among: &[MutatorIx]) -> Option<MutatorIx> {
        self.search(state, Remaining::default()).in_phase(draft.phase).drawn_writer(draft, among)
    }

    fn cheaper_phase(&self, state: &State) -> Option<u16> {
        let search = self.search(state, Remaining::default());
        search.next_phase().filter(|_| search.slots.gives_way())
    }

    fn finale(&self, dev_rows: u32) -> Finale {
        self.phases[0].finale.kept(dev_rows)
    }

    fn lookahead(&self) -> Lookahead {
        self.phases[0].schedule.lookahead()
    }

    fn gate(&self, state: &State, draft: &Draft, shown: &[Shown]) -> Option<Gate> {
        self.search(state, Remaining::default()).gate_of(draft, shown)
    }
}
