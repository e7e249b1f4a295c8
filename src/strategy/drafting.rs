//! What is proposed next: which operator or init is used, and what an open draft needs.
//!
//! A *draft* is a planned request, or a planned composition without a model. It is journaled before
//! its evidence is gathered, so that a kill does not lose what it waits for. What an operator draws is
//! in its own file in `operator`.

use super::Plan;
use super::breeding::Use;
use super::search::{GateRule, Search};
use crate::candidate::Demo;
use crate::event::{Abandoned, Draft, Event, Gate, Shown, Source};
use crate::id::{CandidateIx, MutatorIx, ProposalNumber, RowIx};
use crate::memory::StepResult;
use crate::operator::{DraftNeed, Sets, Used, When, missing_answers};
use crate::seed::Seed;
use crate::stats::weighted;
use crate::task::example::Split;
use rand::Rng;

/// Failures in a row after which a program is not asked again: it is broken, and says so each time.
const MAX_FAILURES: u32 = 10;

/// Decided children in a row without a new incumbent after which the same one is made cheaper once more, where the goal
/// asks for that.
const CHILDREN_PER_TRY: u32 = 4;

impl Search<'_> {
    /// The same search in another phase: a draft belongs to the phase in which it was made.
    pub(super) fn in_phase(&self, phase: u16) -> Self {
        let slots = self.phases.get(usize::from(phase)).unwrap_or(self.slots);
        Self { slots, ..*self }
    }

    /// The next draft of a step that continues from a reply; they go before new ones.
    pub(super) fn next_step(&self) -> Option<Draft> {
        let (proposal, continuation) = self.state.memory.steps.next()?;
        let first = &continuation.draft;
        let search = self.in_phase(first.phase);
        let author = search.slots.author(first)?;
        let step = first.step + 1;
        let steps = author.steps();
        let fan = steps.get(usize::from(step))?.fan.max(1);
        let all = continuation.items() * first.then;
        let number = all - continuation.left;
        let mut draft = first.clone();
        draft.proposal = self.state.next_proposal;
        draft.step = step;
        draft.from = Some(Source { proposal, item: number / fan });
        draft.then = steps.get(usize::from(step) + 1).map_or(0, |next| next.fan);
        draft.variant = first.variant.wrapping_add(u32::from(number));
        if let StepResult::Child(child) = continuation.result {
            draft.parents = vec![child];
        }
        let seed = self.setting.seed.child("init", u64::from(first.init.unwrap_or_default()));
        let this = Use::new(&search, seed);
        Some(author.continued(&this.draw(first.operator), draft, u32::from(number)))
    }

    /// The next draft of `init`, in the recipe's order; `None` when all were drafted, or when the next
    /// one has to wait.
    pub(super) fn next_init(&self) -> Option<Draft> {
        for (place, init) in (0_u16..).zip(&self.slots.init) {
            let done = self.state.memory.uses.of_init(place);
            if done >= init.requests() {
                continue;
            }
            let mut draft = Draft::new(self.state.next_proposal, vec![CandidateIx::BASELINE]);
            draft.init = Some(place);
            draft.phase = self.state.phase_number;
            draft.variant = done;
            draft.then = init.steps().get(1).map_or(0, |next| next.fan);
            let this = Use::new(self, self.setting.seed.child("init", u64::from(place)));
            return init.draft(&this.draw(None), draft, place, done);
        }
        self.slots.schedule.combined(self)
    }

    /// Whether everything that `init` asks for is drafted.
    pub(super) fn init_is_drafted(&self) -> bool {
        let done = |place| self.state.memory.uses.of_init(place);
        (0_u16..).zip(&self.slots.init).all(|(place, init)| done(place) >= init.requests())
    }

    /// What collecting the recipe's sets of demonstrations needs next; `None`: nothing collects sets,
    /// they are there, or they wait for answers.
    pub(super) fn collect_sets(&self) -> Option<Plan> {
        let inits = &self.slots.init;
        let collects = inits.iter().any(|init| init.makes_sets());
        if self.state.memory.demo_sets.collected().is_some() || !self.setting.has_demos || !collects
        {
            return None;
        }
        let mut distinct: Vec<Vec<Demo>> = Vec::new();
        for (place, init) in (0_u64..).zip(inits).filter(|(_, init)| init.makes_sets()) {
            let this = Use::new(self, self.setting.seed.child("sets", place));
            match init.sets(&this.draw(None)) {
                Sets::Wait => return None,
                Sets::Run(rows) => return Some(run(CandidateIx::BASELINE, 0, rows)),
                Sets::Ready(sets) => {
                    for set in sets {
                        if !distinct.contains(&set) {
                            distinct.push(set);
                        }
                    }
                }
            }
        }
        Some(Plan::Decide(Event::DemosCollected { sets: distinct }))
    }

    /// The next draft of an operator.
    pub(super) fn next_use(&self) -> Option<Draft> {
        let seed = self.seed_of_next_draft();
        let operators = &self.slots.operator;
        let mut eligible: Vec<bool> =
            (0..operators.len()).map(|place| self.may_be_used(place)).collect();
        // An operator that waits for an occasion goes first when it has one.
        let due = (0..operators.len())
            .filter(|place| eligible[*place] && operators[*place].is_occasional());
        for place in due {
            if let Some(draft) = self.draft(place, seed, None) {
                return Some(draft);
            }
        }
        if let Some(turns) = self.slots.choose.turns(operators) {
            let turn = self.state.memory.uses.in_generation() as usize % turns.len().max(1);
            return self.draft(*turns.get(turn)?, seed, None);
        }
        // An operator that finds nothing to work on leaves the draw to the others.
        for attempt in 0..operators.len() {
            let is_drawn = |place: usize| eligible[place] && !operators[place].is_occasional();
            let arms: Vec<usize> = (0..operators.len()).filter(|place| is_drawn(*place)).collect();
            let weights = self.weights(&arms, seed.child("choose", attempt as u64));
            let place = weighted(&weights, &mut seed.child("operator", attempt as u64).rng())?;
            if let Some(mut draft) = self.draft(place, seed, None) {
                let chance = weights[place] / weights.iter().sum::<f64>();
                draft.chance = self.slots.choose.learns().then_some(chance);
                return Some(draft);
            }
            eligible[place] = false;
        }
        None
    }

    fn seed_of_next_draft(&self) -> Seed {
        self.setting.seed.child("draft", u64::from(self.state.next_proposal.0))
    }

    /// The chance of each operator, up to a factor: 0 for those that may not be used. What is learnt
    /// counts times the operator's weight.
    fn weights(&self, eligible: &[usize], seed: Seed) -> Vec<f64> {
        let operators = &self.slots.operator;
        let mut weights = vec![0.0; operators.len()];
        for &place in eligible {
            weights[place] = operators[place].common.weight;
        }
        let arms: Vec<usize> =
            eligible.iter().copied().filter(|place| weights[*place] > 0.0).collect();
        let gains = self.state.memory.gains.results();
        let learnt = self.slots.choose.chances(gains, &arms, seed);
        for (arm, chance) in arms.into_iter().zip(learnt.unwrap_or_default()) {
            weights[arm] *= chance;
        }
        weights
    }

    /// The mutator that writes a new draft.
    pub(super) fn writer_of(&self, draft: &Draft) -> MutatorIx {
        // A later step goes on with the mutator of the first, and what asks no model needs none.
        if draft.from.is_some() || !self.asks_mutator(draft) {
            return draft.mutator;
        }
        let mutators = (0..).map(MutatorIx).take(self.mutators.len());
        let affordable = mutators.filter(|one| self.state.memory.mutators.is_affordable(*one));
        self.drawn_writer(draft, &affordable.collect::<Vec<_>>()).unwrap_or(draft.mutator)
    }

    fn asks_mutator(&self, draft: &Draft) -> bool {
        let author = self.slots.author(draft);
        !draft.program && author.is_some_and(crate::operator::Author::asks_mutator)
    }

    /// One of these mutators, drawn for a draft; none is drawn where there is one alone.
    pub(super) fn drawn_writer(&self, draft: &Draft, among: &[MutatorIx]) -> Option<MutatorIx> {
        if among.len() < 2 {
            return among.first().copied();
        }
        let seed = self.setting.seed.child("draft", u64::from(draft.proposal.0));
        let seed = seed.child("mutator", 0);
        let learnt = self.slots.model.chances(&self.state.memory.mutators, among, seed);
        let learnt = learnt.unwrap_or_else(|| vec![1.0; among.len()]);
        let weight = |one: &MutatorIx| self.mutators.get(one.index()).copied().unwrap_or_default();
        let chances: Vec<f64> =
            among.iter().zip(learnt).map(|(one, chance)| weight(one) * chance).collect();
        let drawn = weighted(&chances, &mut seed.child("draw", 0).rng())?;
        among.get(drawn).copied()
    }

    fn may_be_used(&self, place: usize) -> bool {
        let operator = &self.slots.operator[place];
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        let memory = &self.state.memory;
        let uses = if operator.counts_kept_children() {
            memory.turns.kept(place)
        } else {
            memory.uses.of(place)
        };
        let occasions = match operator.common.when {
            When::Always => u32::MAX,
            When::AfterAccept => {
                let by_another = memory.turns.accepted().is_some_and(|other| other != place);
                if by_another { u32::MAX } else { 0 }
            }
            // Where the goal asks for less cost than the incumbent's, the baseline is worth it as well, and one try is too few.
            When::IncumbentChanged if self.seeks_less_cost() => {
                let tries = 1 + self.state.counts.decided_since_incumbent / CHILDREN_PER_TRY;
                memory.uses.at_incumbent(place) + tries
            }
            When::IncumbentChanged => {
                u32::try_from(self.state.incumbents.len()).unwrap_or(u32::MAX).saturating_sub(1)
            }
            When::Stalled(children) => {
                let before = memory.uses.at_incumbent(place);
                before + self.state.counts.decided_since_incumbent / children
            }
        };
        let failures = memory.programs.failures(self.state.phase_number, place);
        uses < occasions
            && operator.common.most_uses().is_none_or(|most| uses < most)
            && failures < MAX_FAILURES
    }

    /// A use whose child was nothing new, tried once more with other draws, as often as the recipe's
    /// screen for novelty allows.
    pub(super) fn again(&self) -> Option<Draft> {
        let attempts = self.slots.screen.iter().find_map(|screen| screen.attempts())?;
        let refused = self.state.memory.uses.refused().iter().find(|refused| {
            refused.attempt + 1 < attempts && refused.phase == self.state.phase_number
        })?;
        let place = usize::from(refused.operator?);
        let mut draft = self.draft(place, self.seed_of_next_draft(), Some(refused))?;
        draft.attempt = refused.attempt + 1;
        draft.chance = refused.chance;
        if refused.place.is_some() {
            // A child that was bred for a place is bred for it again.
            draft.parents.clone_from(&refused.parents);
            draft.place = refused.place;
        }
        Some(draft)
    }

    /// A draft of the operator at a place of the recipe; `None` where it has nothing to work on. With
    /// an earlier one, for the same island.
    fn draft(&self, place: usize, seed: Seed, earlier: Option<&Draft>) -> Option<Draft> {
        let operator = &self.slots.operator[place];
        let place = u16::try_from(place).ok()?;
        let island = match earlier {
            Some(earlier) => earlier.island,
            None => self.slots.archive.island(self.state),
        };
        let mut draft = Draft::new(self.state.next_proposal, Vec::new());
        draft.operator = Some(place);
        draft.phase = self.state.phase_number;
        draft.island = island;
        draft.then = operator.steps().get(1).map_or(0, |next| next.fan);
        draft.variant = seed.child("variant", 0).rng().random();
        draft.program = operator.program().is_some();
        let this = Use { search: *self, seed, island };
        let draw = this.draw(Some(place));
        let mut draft = operator.draft(&draw, draft)?;
        if let Some(&parent) = draft.parents.first()
            && self.is_followed(operator, seed)
        {
            draft.mate = draw.mate(parent, island);
        }
        Some(draft)
    }

    /// Whether another operator follows this use, in the same child.
    fn is_followed(&self, operator: &Used, seed: Seed) -> bool {
        let mut chances = self.slots.operator.iter().map(|other| other.chance_to_follow());
        let chance = chances.find(|chance| *chance > 0.0);
        operator.may_be_followed()
            && chance.is_some_and(|chance| seed.child("crossed", 0).rng().random_bool(chance))
    }

    /// What an open draft needs next; `None`: wait for its evidence.
    pub(super) fn advance(&self, draft: &Draft) -> Option<Plan> {
        let proposal = draft.proposal;
        if self.state.shown.contains_key(&proposal) {
            return None;
        }
        if draft.parents.is_empty() {
            return planned(proposal, DraftNeed::Abandon(Abandoned::Nothing));
        }
        let search = self.in_phase(draft.phase);
        if draft.phase != self.state.phase_number && search.slots.gives_way() {
            return planned(proposal, DraftNeed::Abandon(Abandoned::PhaseOver));
        }
        // A combination of ingredients asks no model.
        let Some(author) = search.slots.author(draft) else {
            return Some(Plan::Compose(draft.clone()));
        };
        if let Some(next) = missing_answers(author, self.state, draft) {
            return planned(proposal, next);
        }
        let next = match search.slots.operator_of(draft) {
            Some(operator) => {
                let this = Use::new(&search, self.setting.seed);
                operator.next(&this.draw(draft.operator), draft)
            }
            None if author.steps().is_empty() => DraftNeed::Compose(Box::new(draft.clone())),
            None => DraftNeed::ask_with(&draft.rows),
        };
        planned(proposal, next)
    }

    /// What a child must pass before it is tried in full.
    pub(super) fn gate_of(&self, draft: &Draft, shown: &[Shown]) -> Option<Gate> {
        let operator = self.slots.operator_of(draft)?;
        let this = Use::new(self, self.setting.seed);
        if let Some(own) = operator.gate(&this.draw(draft.operator), draft) {
            return own;
        }
        let inclusive = self.slots.evaluate.gate()? == GateRule::GeParent;
        // The rows that the child was written from, against its parent's answers to them (GEPA,
        // arXiv:2507.19457, algorithm 1).
        let parent = self.state.standing(*draft.parents.first()?);
        let (mut rows, mut against) = (Vec::new(), Vec::new());
        for shown in shown.iter().filter(|shown| !shown.counted) {
            let replicate = shown.replicate?;
            rows.push(shown.row);
            against.push(parent.column(Split::Train, replicate).cell(shown.row).score()?);
        }
        (!rows.is_empty()).then_some(Gate { split: Split::Train, rows, against, inclusive })
    }
}

/// A candidate's answers to training rows.
pub(super) fn run(candidate: CandidateIx, replicate: u16, rows: Vec<RowIx>) -> Plan {
    Plan::Evaluate { candidate, split: Split::Train, replicate, rows }
}

fn planned(proposal: ProposalNumber, next: DraftNeed) -> Option<Plan> {
    Some(match next {
        DraftNeed::Wait => return None,
        DraftNeed::Run { candidate, replicate, rows } => run(candidate, replicate, rows),
        DraftNeed::Abandon(why) => Plan::Decide(Event::ProposalAbandoned { proposal, why }),
        DraftNeed::Revise(own) => Plan::Decide(Event::ProposalRevised { proposal, own }),
        DraftNeed::Ask(shown) => Plan::Propose { proposal, shown },
        DraftNeed::Compose(draft) => Plan::Compose(*draft),
    })
}
