//! What is proposed next: which operator or init is used, and what an open draft needs.
//!
//! A *draft* is a planned request, or a planned composition without a model. It is journaled before
//! its evidence is gathered, so that a kill does not lose what it waits for. What an operator draws is
//! in its own file in `operator`.

use super::breeding::{Search, planned_runs};
use super::choosing::operators_per_parent;
use super::{Plan, State, choosing, islands};
use crate::candidate::Demo;
use crate::event::{Abandoned, Draft, Event, Gate, Shown, Source};
use crate::id::{CandidateIx, ProposalNumber, RowIx};
use crate::operator::{Next, Sets, Setting, Used, When, missing_answers};
use crate::recipe::{BLOCK, Choose, Evaluate, GateRule, Recipe, Schedule, Select};
use crate::seed::Seed;
use crate::state::Cell;
use crate::stats::weighted;
use crate::task::example::Split;
use rand::Rng;
use std::collections::BTreeMap;

fn search<'a>(recipe: &'a Recipe, state: &'a State, setting: Setting, seed: Seed) -> Search<'a> {
    Search { recipe, state, setting, seed, island: None }
}

/// The next draft of a step that continues from a reply; they go before new ones.
pub(super) fn next_step(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let (proposal, continuation) = state.memory.steps.next()?;
    let first = &continuation.draft;
    let author = recipe.author(first)?;
    let recipe = recipe.of_phase(first.phase);
    let step = first.step + 1;
    let steps = author.steps();
    let fan = steps.get(usize::from(step))?.fan.max(1);
    let all = continuation.items() * first.then;
    let number = all - continuation.left;
    let mut draft = first.clone();
    draft.proposal = state.next_proposal;
    draft.step = step;
    draft.from = Some(Source { proposal, item: number / fan });
    draft.then = steps.get(usize::from(step) + 1).map_or(0, |next| next.fan);
    draft.variant = first.variant.wrapping_add(u32::from(number));
    if let crate::memory::StepResult::Child(child) = continuation.result {
        draft.parents = vec![child];
    }
    let seed = setting.seed.child("init", u64::from(first.init.unwrap_or_default()));
    let search = search(recipe, state, setting, seed);
    Some(author.continued(&search.draw(first.operator), draft, u32::from(number)))
}

/// The next draft of `init`, in the recipe's order; `None` when all were drafted, or when the next
/// one has to wait.
pub(super) fn next_init(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    for (place, init) in (0_u16..).zip(&recipe.init) {
        let done = state.memory.uses.of_init(place);
        if done >= init.requests() {
            continue;
        }
        let mut draft = Draft::new(state.next_proposal, vec![CandidateIx::BASELINE]);
        draft.init = Some(place);
        draft.phase = state.phase_number;
        draft.variant = done;
        draft.then = init.steps().get(1).map_or(0, |next| next.fan);
        let seed = setting.seed.child("init", u64::from(place));
        return init.draft(&search(recipe, state, setting, seed).draw(None), draft, place, done);
    }
    next_combination(recipe, state)
}

/// Whether everything that `init` asks for is drafted.
pub(super) fn init_is_drafted(recipe: &Recipe, state: &State) -> bool {
    (0_u16..)
        .zip(&recipe.init)
        .all(|(place, init)| state.memory.uses.of_init(place) >= init.requests())
}

/// What collecting the recipe's sets of demonstrations needs next; `None`: nothing collects sets, they
/// are there, or they wait for answers.
pub(super) fn collect_sets(recipe: &Recipe, state: &State, setting: Setting) -> Option<Plan> {
    let collects = recipe.init.iter().any(|init| init.makes_sets());
    if state.memory.demo_sets.collected().is_some() || !setting.has_demos || !collects {
        return None;
    }
    let mut distinct: Vec<Vec<Demo>> = Vec::new();
    for (place, init) in (0_u64..).zip(&recipe.init).filter(|(_, init)| init.makes_sets()) {
        let seed = setting.seed.child("sets", place);
        match init.sets(&search(recipe, state, setting, seed).draw(None)) {
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

/// A candidate's answers to training rows.
fn run(candidate: CandidateIx, replicate: u16, rows: Vec<RowIx>) -> Plan {
    Plan::Evaluate { candidate, split: Split::Train, replicate, rows }
}

/// A turn in which nothing can be done: it is given up at once.
pub(super) fn idle(state: &State) -> Draft {
    let mut draft = Draft::new(state.next_proposal, Vec::new());
    draft.operator = Some(0);
    draft.phase = state.phase_number;
    draft
}

/// A combination: this candidate's texts with this set of demonstrations.
pub(super) fn combine(state: &State, text: CandidateIx, demos: Vec<Demo>) -> Draft {
    let mut draft = Draft::new(state.next_proposal, vec![text]);
    draft.phase = state.phase_number;
    draft.demos = Some(demos);
    draft
}

/// In a pool, each set of demonstrations with the baseline's texts is a candidate.
fn next_combination(recipe: &Recipe, state: &State) -> Option<Draft> {
    if !matches!(recipe.schedule, Schedule::Pool(_)) {
        return None;
    }
    // Without demonstrations it is the baseline itself.
    let mut sets = state.memory.demo_sets.collected()?.iter().filter(|set| !set.is_empty());
    let set = sets.nth(state.memory.uses.combinations() as usize)?;
    Some(combine(state, CandidateIx::BASELINE, set.clone()))
}

/// The runs that have to be folded before the generation is bred: rows to be run; empty where answers
/// are out. `None`: all are folded, or the recipe plans none.
pub(super) fn sample_runs(recipe: &Recipe, state: &State, setting: Setting) -> Option<Vec<Plan>> {
    let mut unasked: BTreeMap<(CandidateIx, u16), Vec<RowIx>> = BTreeMap::new();
    let mut is_waiting = false;
    for (row, candidate, replicate) in planned_runs(recipe, state, setting)?.into_iter().flatten() {
        match state.standing(candidate).column(Split::Train, replicate).cell(row) {
            Cell::Empty => unasked.entry((candidate, replicate)).or_default().push(row),
            Cell::Issued => is_waiting = true,
            Cell::Scored { .. } | Cell::Missing => {}
        }
    }
    let mut plans = Vec::new();
    for ((candidate, replicate), rows) in unasked {
        plans.extend(rows.chunks(BLOCK).map(|rows| run(candidate, replicate, rows.to_vec())));
    }
    (is_waiting || !plans.is_empty()).then_some(plans)
}

/// Uses of operators that the generation asks for.
pub(super) fn applications(recipe: &Recipe, state: &State) -> u32 {
    let members =
        state.memory.generations.current().map_or(0, |generation| generation.members.len());
    let nodes = match &recipe.select {
        Select::Uct(_) => super::tree::breadth(recipe, state),
        _ => 1,
    };
    applications_of(recipe, members).saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX))
}

/// Uses of operators that a generation with this number of members asks for; for each node that grows,
/// where a tree is searched.
pub(super) fn applications_of(recipe: &Recipe, members: usize) -> u32 {
    let Schedule::Generation(schedule) = &recipe.schedule else {
        return u32::MAX;
    };
    let each = operators_per_parent(recipe);
    let parents = match &recipe.select {
        Select::Scan(_) => members * schedule.children,
        Select::Tournament(_) => schedule.children.min(members / 2),
        Select::Contrary(_) => members / 2 * schedule.children,
        _ => schedule.children,
    };
    u32::try_from(parents * each).unwrap_or(u32::MAX)
}

/// How many parts take turns, a generation each (COPRO's ascent along one coordinate after the
/// other); 1 where a child may change all of them.
pub(super) fn turns(recipe: &Recipe, texts: u16) -> u32 {
    let in_turn = recipe.operator.iter().any(|operator| operator.alternates_parts());
    if in_turn { u32::from(texts).max(1) } else { 1 }
}

/// Whether all children of the generation are there.
pub(super) fn generation_is_bred(recipe: &Recipe, state: &State) -> bool {
    state.memory.generations.current().is_some()
        && state.drafts.is_empty()
        && state.memory.steps.next().is_none()
        && state.memory.uses.in_generation() >= applications(recipe, state)
}

/// The next draft of an operator.
pub(super) fn next(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let seed = setting.seed.child("draft", u64::from(state.next_proposal.0));
    let operators = &recipe.operator;
    let mut eligible: Vec<bool> =
        (0..operators.len()).map(|place| may_be_used(recipe, state, place)).collect();
    // An operator that waits for an occasion goes first when it has one.
    let due =
        (0..operators.len()).filter(|place| eligible[*place] && operators[*place].is_occasional());
    for place in due {
        if let Some(draft) = draft(recipe, state, place, setting, seed, None) {
            return Some(draft);
        }
    }
    if let Choose::Each(_) = &recipe.choose {
        let turn = state.memory.uses.in_generation() as usize % operators_per_parent(recipe).max(1);
        let mut passed = 0;
        for (place, operator) in operators.iter().enumerate() {
            passed += operator.common.weight as usize;
            if turn < passed {
                return draft(recipe, state, place, setting, seed, None);
            }
        }
        return None;
    }
    // An operator that finds nothing to work on leaves the draw to the others.
    for attempt in 0..operators.len() {
        let drawn: Vec<bool> = operators
            .iter()
            .zip(&eligible)
            .map(|(operator, eligible)| *eligible && !operator.is_occasional())
            .collect();
        let weights =
            choosing::weights(recipe, state, &drawn, seed.child("choose", attempt as u64));
        let place = weighted(&weights, &mut seed.child("operator", attempt as u64).rng())?;
        if let Some(mut draft) = draft(recipe, state, place, setting, seed, None) {
            let chance = weights[place] / weights.iter().sum::<f64>();
            draft.chance = choosing::is_learnt(recipe).then_some(chance);
            return Some(draft);
        }
        eligible[place] = false;
    }
    None
}

/// Failures in a row after which a program is not asked again: it is broken, and says so each time.
const MOST_FAILURES: u32 = 10;

fn may_be_used(recipe: &Recipe, state: &State, place: usize) -> bool {
    let operator = &recipe.operator[place];
    let place = u16::try_from(place).unwrap_or(u16::MAX);
    let uses = if operator.counts_kept_children() {
        state.memory.turns.kept(place)
    } else {
        state.memory.uses.of(place)
    };
    let occasions = match operator.common.when {
        When::Always => u32::MAX,
        When::AfterAccept => {
            let by_another = state.memory.turns.accepted().is_some_and(|other| other != place);
            if by_another { u32::MAX } else { 0 }
        }
        When::IncumbentChanged => {
            u32::try_from(state.incumbents.len()).unwrap_or(u32::MAX).saturating_sub(1)
        }
        When::Stalled(children) => {
            let before = state.memory.uses.at_incumbent(place);
            before + state.counts.decided_since_incumbent / children
        }
    };
    let failures = state.memory.programs.failures(state.phase_number, place);
    uses < occasions
        && operator.common.most_uses().is_none_or(|most| uses < most)
        && failures < MOST_FAILURES
}

/// A use whose child was nothing new, tried once more with other draws, as often as the recipe's screen
/// for novelty allows.
pub(super) fn again(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let attempts = recipe.screen.iter().find_map(|screen| screen.attempts())?;
    let refused =
        state.memory.uses.refused().iter().find(|refused| {
            refused.attempt + 1 < attempts && refused.phase == state.phase_number
        })?;
    let place = usize::from(refused.operator?);
    let seed = setting.seed.child("draft", u64::from(state.next_proposal.0));
    let mut draft = draft(recipe, state, place, setting, seed, Some(refused))?;
    draft.attempt = refused.attempt + 1;
    draft.chance = refused.chance;
    if refused.place.is_some() {
        // A child that was bred for a place is bred for it again.
        draft.parents.clone_from(&refused.parents);
        draft.place = refused.place;
    }
    Some(draft)
}

/// A draft of the operator at a place of the recipe; `None` where it has nothing to work on. With an
/// earlier one, for the same island.
fn draft(
    recipe: &Recipe,
    state: &State,
    place: usize,
    setting: Setting,
    seed: Seed,
    earlier: Option<&Draft>,
) -> Option<Draft> {
    let operator = &recipe.operator[place];
    let place = u16::try_from(place).ok()?;
    let island = match earlier {
        Some(earlier) => earlier.island,
        None => islands::turn(recipe, state),
    };
    let mut draft = Draft::new(state.next_proposal, Vec::new());
    draft.operator = Some(place);
    draft.phase = state.phase_number;
    draft.island = island;
    draft.then = operator.steps().get(1).map_or(0, |next| next.fan);
    draft.variant = seed.child("variant", 0).rng().random();
    draft.program = operator.program().is_some();
    let search = Search { recipe, state, setting, seed, island };
    let draw = search.draw(Some(place));
    let mut draft = operator.draft(&draw, draft)?;
    if let Some(&parent) = draft.parents.first()
        && is_followed(recipe, operator, seed)
    {
        draft.mate = draw.mate(parent, island);
    }
    Some(draft)
}

/// Whether another operator follows this use, in the same child.
fn is_followed(recipe: &Recipe, operator: &Used, seed: Seed) -> bool {
    let chances = recipe.operator.iter().map(|other| other.chance_to_follow());
    let chance = chances.into_iter().find(|chance| *chance > 0.0);
    operator.may_be_followed()
        && chance.is_some_and(|chance| seed.child("crossed", 0).rng().random_bool(chance))
}

/// What an open draft needs next; `None`: wait for its evidence. A draft belongs to the phase in which
/// it was made.
pub(super) fn advance(
    recipe: &Recipe,
    state: &State,
    draft: &Draft,
    setting: Setting,
) -> Option<Plan> {
    let proposal = draft.proposal;
    if state.shown.contains_key(&proposal) {
        return None;
    }
    if draft.parents.is_empty() {
        return planned(proposal, Next::Abandon(Abandoned::Nothing));
    }
    // A combination of ingredients asks no model.
    let Some(author) = recipe.author(draft) else {
        return Some(Plan::Compose(draft.clone()));
    };
    if let Some(next) = missing_answers(author, state, draft) {
        return planned(proposal, next);
    }
    let next = match recipe.operator_of(draft) {
        Some(operator) => {
            let recipe = recipe.of_phase(draft.phase);
            let search = search(recipe, state, setting, setting.seed);
            operator.next(&search.draw(draft.operator), draft)
        }
        None => Next::ask_with(&draft.rows),
    };
    planned(proposal, next)
}

fn planned(proposal: ProposalNumber, next: Next) -> Option<Plan> {
    Some(match next {
        Next::Wait => return None,
        Next::Run { candidate, replicate, rows } => run(candidate, replicate, rows),
        Next::Abandon(why) => Plan::Decide(Event::ProposalAbandoned { proposal, why }),
        Next::Revise(own) => Plan::Decide(Event::ProposalRevised { proposal, own }),
        Next::Ask(shown) => Plan::Propose { proposal, shown },
        Next::Compose(draft) => Plan::Compose(*draft),
    })
}

/// What a child must pass before it is tried in full.
pub(super) fn gate(
    recipe: &Recipe,
    state: &State,
    draft: &Draft,
    shown: &[Shown],
    setting: Setting,
) -> Option<Gate> {
    let operator = recipe.operator.get(usize::from(draft.operator?))?;
    let search = search(recipe, state, setting, setting.seed);
    if let Some(own) = operator.gate(&search.draw(draft.operator), draft) {
        return own;
    }
    let Evaluate::Gate(kind) = &recipe.evaluate else {
        return None;
    };
    minibatch_gate(state, draft, shown, kind.rule == GateRule::GeParent)
}

/// The gate of a reflected child: the rows that it was written from, against its parent's answers
/// to them (GEPA, arXiv:2507.19457, algorithm 1).
fn minibatch_gate(state: &State, draft: &Draft, shown: &[Shown], inclusive: bool) -> Option<Gate> {
    let parent = state.standing(*draft.parents.first()?);
    let (mut rows, mut against) = (Vec::new(), Vec::new());
    for shown in shown {
        let replicate = shown.replicate?;
        rows.push(shown.row);
        against.push(parent.column(Split::Train, replicate).cell(shown.row).score()?);
    }
    (!rows.is_empty()).then_some(Gate { split: Split::Train, rows, against, inclusive })
}
