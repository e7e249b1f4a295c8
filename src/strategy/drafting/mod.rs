//! What is proposed next: which operator, whom it starts from, and what it is shown.
//!
//! A *draft* is a planned request, or a planned composition without a model. It is journaled before
//! its evidence is gathered, so that what it waits for survives a kill.

mod buckets;
mod evidence;
mod history;
mod merging;
mod own_answers;
mod shots;

pub(super) use buckets::gather as sample_runs;
pub(super) use evidence::{epoch_rows, minibatch_gate};
pub(super) use merging::gate as merge_gate;
pub use own_answers::demos_of;
pub(super) use shots::collect as collect_sets;

use super::population::members;
use super::selection::{self, weighted};
use super::{Plan, State, choosing, islands};
use crate::event::{Abandoned, Draft, Mate, Shown, Source};
use crate::id::{CandidateIx, RowIx};
use crate::recipe::{
    Choose, Fields, GroundedInit, Init, Operator, ParaphraseOf, Pick, Recipe, Schedule, Screen,
    Select, When,
};
use crate::seed::Seed;
use crate::state::Status;
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;

/// What drafting needs to know of the task and the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Rows of train.
    pub(super) train_rows: u32,
    /// Searched parts that a model may rewrite: all but the demonstrations.
    pub(super) texts: u16,
    /// Whether a part holds demonstrations that may be searched.
    pub(super) has_demos: bool,
    /// The strategy's seed.
    pub(super) seed: Seed,
}

/// The next draft of a step that follows from what came back; they go before new ones.
pub(super) fn next_step(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let (proposal, continuation) =
        state.continuations.iter().find(|(_, continuation)| continuation.left > 0)?;
    let first = &continuation.draft;
    let recipe = recipe.phase.get(usize::from(first.phase)).unwrap_or(recipe);
    let step = first.step + 1;
    let place = usize::from(step);
    let (steps, feedback) = match (first.operator, first.init) {
        (Some(operator), _) => {
            let operator = recipe.operator.get(usize::from(operator))?;
            (operator.steps(), operator.feedback())
        }
        (None, Some(init)) => (recipe.init.get(usize::from(init))?.steps(), None),
        (None, None) => return None,
    };
    let fan = steps.get(place)?.fan.max(1);
    let all = continuation.items() * first.then;
    let number = all - continuation.left;
    let mut draft = first.clone();
    draft.proposal = state.next_proposal;
    draft.step = step;
    draft.from = Some(Source { proposal: *proposal, item: number / fan });
    draft.then = steps.get(place + 1).map_or(0, |next| next.fan);
    draft.variant = first.variant.wrapping_add(u32::from(number));
    if let crate::state::StepResult::Child(child) = continuation.result {
        draft.parents = vec![child];
    }
    if feedback.is_none_or(|feedback| feedback.pick != Pick::Errors) && first.step == 0 {
        // Rows that were dealt to the first step are shown again, not dealt anew.
        draft.rows.clone_from(&first.rows);
    }
    if let Some(init) = first.init
        && let Some(Init::Grounded(kind)) = recipe.init.get(usize::from(init))
    {
        let seed = setting.seed.child("init", u64::from(init)).child("demos", u64::from(number));
        draft.rows = sample(setting.train_rows, kind.demos, seed);
    }
    Some(draft)
}

/// The next draft of `init`, in the recipe's order; `None` when all were drafted, or when the next
/// one has to wait.
pub(super) fn next_init(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    for (place, init) in recipe.init.iter().enumerate() {
        let place = u16::try_from(place).ok()?;
        let done = state.inits.get(&place).copied().unwrap_or(0);
        if done >= init.requests() {
            continue;
        }
        let mut draft = Draft::new(state.next_proposal, vec![CandidateIx::BASELINE]);
        draft.init = Some(place);
        draft.phase = state.phase_number;
        draft.variant = done;
        draft.then = init.steps().get(1).map_or(0, |next| next.fan);
        let seed = setting.seed.child("init", u64::from(place));
        match init {
            // Each query is one set of rows, asked `samples` times.
            Init::Induce(kind) => {
                let query = u64::from(done / kind.samples.max(1));
                draft.rows =
                    sample(setting.train_rows, kind.demos, setting.seed.child("demos", query));
            }
            Init::StyleMutate(_) => {
                draft.variant = seed.child("variant", u64::from(done)).rng().random();
            }
            Init::Grounded(kind) => {
                draft.rows = sample(setting.train_rows, kind.summary_rows, seed.child("rows", 0));
                draft.variant = seed.child("tip", 0).rng().random();
                draft.then = grounded(kind, recipe, setting);
            }
            Init::Variants(kind) => {
                if let Some(shots) = &kind.shots
                    && setting.has_demos
                {
                    let seed = seed.child("shots", u64::from(done));
                    draft.demos = Some(shots::random(shots, state, setting.train_rows, seed));
                }
            }
            Init::Paraphrase(kind) if kind.of == ParaphraseOf::Top => {
                // The best are known when all before are judged. What is said in other words of
                // them comes later, and does not enter.
                let waits = !state.open.is_empty() || !state.is_quiet() || !state.drafts.is_empty();
                if done == 0 && waits {
                    return None;
                }
                let best = super::population::top_of_init(recipe, state, place, kind.take as usize);
                if !best.is_empty() {
                    draft.parents = vec![best[done as usize % best.len()]];
                }
            }
            _ => {}
        }
        return Some(draft);
    }
    next_combination(recipe, state)
}

/// Instructions that are asked for: the seed's is one of the list, and the list is half as long where
/// demonstrations are searched beside it (MIPROv2).
fn grounded(kind: &GroundedInit, recipe: &Recipe, setting: Setting) -> u16 {
    let halved = matches!(recipe.schedule, Schedule::Product(_)) && setting.has_demos;
    let length = if halved { kind.take / 2 } else { kind.take };
    let with_seed = recipe.init.iter().any(|init| matches!(init, Init::Seed(_)));
    u16::try_from(length.saturating_sub(u32::from(with_seed))).unwrap_or(u16::MAX)
}

/// Rows drawn without replacement.
fn sample(rows: u32, size: usize, seed: Seed) -> Vec<RowIx> {
    let mut all: Vec<RowIx> = (0..rows).map(RowIx).collect();
    all.shuffle(&mut seed.rng());
    all.truncate(size);
    all
}

/// Whether everything that `init` asks for is drafted.
pub(super) fn init_is_drafted(recipe: &Recipe, state: &State) -> bool {
    recipe.init.iter().enumerate().all(|(place, init)| {
        let place = u16::try_from(place).unwrap_or(u16::MAX);
        state.inits.get(&place).copied().unwrap_or(0) >= init.requests()
    })
}

/// A turn in which nothing can be done: it is given up at once.
pub(super) fn idle(state: &State) -> Draft {
    let mut draft = Draft::new(state.next_proposal, Vec::new());
    draft.operator = Some(0);
    draft.phase = state.phase_number;
    draft
}

/// A combination: this candidate's texts with this set of demonstrations.
pub(super) fn combine(
    state: &State,
    text: CandidateIx,
    demos: Vec<crate::candidate::Demo>,
) -> Draft {
    let mut draft = Draft::new(state.next_proposal, vec![text]);
    draft.phase = state.phase_number;
    draft.demos = Some(demos);
    draft
}

/// In a pool, each set of demonstrations with the seed's texts is a candidate.
fn next_combination(recipe: &Recipe, state: &State) -> Option<Draft> {
    if !matches!(recipe.schedule, Schedule::Pool(_)) {
        return None;
    }
    // Without demonstrations it is the seed itself.
    let mut sets = state.demo_sets.as_ref()?.iter().filter(|set| !set.is_empty());
    let set = sets.nth(state.combinations as usize)?;
    Some(combine(state, CandidateIx::BASELINE, set.clone()))
}

/// Uses of operators that the generation that is on asks for.
pub(super) fn applications(recipe: &Recipe, state: &State) -> u32 {
    let members = state.generation.as_ref().map_or(0, |generation| generation.members.len());
    let nodes = match &recipe.select {
        Select::Uct(_) => super::tree::breadth(recipe, state),
        _ => 1,
    };
    applications_of(recipe, members).saturating_mul(u32::try_from(nodes).unwrap_or(u32::MAX))
}

/// Uses of operators that a generation with so many members asks for; for each node that grows, where
/// a tree is searched.
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
    let in_turn = |operator: &Operator| matches!(operator, Operator::HistoryRewrite(kind) if kind.fields == Fields::RoundRobin);
    if recipe.operator.iter().any(in_turn) { u32::from(texts).max(1) } else { 1 }
}

/// Whether all children of the generation are there.
pub(super) fn generation_is_bred(recipe: &Recipe, state: &State) -> bool {
    state.generation.is_some()
        && state.drafts.is_empty()
        && state.continuations.values().all(|continuation| continuation.left == 0)
        && state.applications >= applications(recipe, state)
}

/// Uses of operators on each parent.
fn operators_per_parent(recipe: &Recipe) -> usize {
    match &recipe.choose {
        Choose::Each(_) => recipe.operator.iter().map(|operator| operator.weight() as usize).sum(),
        _ => 1,
    }
}

/// The next draft of an operator.
pub(super) fn next(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let number = state.next_proposal;
    let seed = setting.seed.child("draft", u64::from(number.0));
    let mut eligible: Vec<bool> =
        (0..recipe.operator.len()).map(|place| may_be_used(recipe, state, place)).collect();
    // An operator that waits for an occasion goes first when it has one.
    let due = (0..recipe.operator.len())
        .filter(|place| eligible[*place] && recipe.operator[*place].when() != When::Always);
    for place in due {
        if let Some(draft) = draft(recipe, state, place, setting, seed, None) {
            return Some(draft);
        }
    }
    if let Choose::Each(_) = &recipe.choose {
        let turn = state.applications as usize % operators_per_parent(recipe).max(1);
        let mut passed = 0;
        for (place, operator) in recipe.operator.iter().enumerate() {
            passed += operator.weight() as usize;
            if turn < passed {
                return draft(recipe, state, place, setting, seed, None);
            }
        }
        return None;
    }
    // An operator that finds nothing to work on leaves the draw to the others.
    for attempt in 0..recipe.operator.len() {
        let drawn: Vec<bool> = recipe
            .operator
            .iter()
            .enumerate()
            .map(|(place, operator)| eligible[place] && operator.when() == When::Always)
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
    let uses = match operator {
        // A merge that its gate refuses costs next to nothing, and counts as none.
        Operator::Merge(_) => state.views.turns.kept(place),
        _ => state.uses.get(&place).copied().unwrap_or(0),
    };
    let occasions = match operator.when() {
        When::Always => u32::MAX,
        When::AfterAccept => {
            let by_another = state.views.turns.accepted().is_some_and(|other| other != place);
            if by_another { u32::MAX } else { 0 }
        }
        When::IncumbentChanged => {
            u32::try_from(state.incumbents.len()).unwrap_or(u32::MAX).saturating_sub(1)
        }
        When::Stalled(children) => {
            let before = state.uses_at_incumbent.get(&place).copied().unwrap_or(0);
            before + state.counts.decided_since_incumbent / children
        }
    };
    let failures = state.program_failures.get(&(state.phase_number, place));
    uses < occasions
        && operator.max_uses().is_none_or(|most| uses < most)
        && failures.is_none_or(|failures| *failures < MOST_FAILURES)
}

/// A use whose child was nothing new, tried once more with other draws, as often as the recipe's screen
/// for novelty allows.
pub(super) fn again(recipe: &Recipe, state: &State, setting: Setting) -> Option<Draft> {
    let attempts = recipe.screen.iter().find_map(|screen| match screen {
        Screen::Novelty(kind) => Some(kind.attempts),
        _ => None,
    })?;
    let refused = state
        .refused
        .iter()
        .find(|refused| refused.attempt + 1 < attempts && refused.phase == state.phase_number)?;
    let place = usize::from(refused.operator?);
    let seed = setting.seed.child("draft", u64::from(state.next_proposal.0));
    let mut draft = draft(recipe, state, place, setting, seed, Some(refused))?;
    draft.attempt = refused.attempt + 1;
    draft.chance = refused.chance;
    if refused.place.is_some() {
        // Who was bred for a place is bred for it again.
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
    let operator_place = u16::try_from(place).ok()?;
    let mut draft = Draft::new(state.next_proposal, Vec::new());
    draft.operator = Some(operator_place);
    draft.phase = state.phase_number;
    draft.island = match earlier {
        Some(earlier) => earlier.island,
        None => islands::turn(recipe, state),
    };
    draft.then = operator.steps().get(1).map_or(0, |next| next.fan);
    let uses = state.uses.get(&operator_place).copied().unwrap_or(0);
    draft.variant = seed.child("variant", 0).rng().random();
    draft.parents = match operator {
        Operator::Merge(merge) => merging::pair(merge, recipe, state, seed.child("merge", 0))?,
        // A new incumbent is an occasion; else it is used on whoever is selected.
        Operator::Compress(kind) if kind.when != When::Always => vec![state.incumbent],
        _ => {
            let index = state.applications as usize / operators_per_parent(recipe).max(1);
            let pool = members(recipe, state, draft.island);
            let chosen = selection::parents(
                recipe,
                state,
                &pool,
                operator.parents(),
                index,
                setting.seed,
                seed.child("parent", 0),
            )?;
            draft.place = chosen.place;
            chosen.parents
        }
    };
    let parent = *draft.parents.first()?;
    if let Some(feedback) = operator.feedback() {
        if setting.train_rows == 0 {
            return None;
        }
        if feedback.pick != Pick::Errors {
            draft.rows =
                evidence::epoch_rows(setting.train_rows, feedback.size, uses, setting.seed);
            if feedback.fresh {
                let standing = state.standing(parent);
                draft.replicate = draft
                    .rows
                    .iter()
                    .map(|row| standing.next_replicate(Split::Train, *row))
                    .max()
                    .unwrap_or(0);
            }
        }
    }
    // What all children of a generation share changes from one to the next; without generations,
    // from child to child.
    let turn = match recipe.schedule {
        Schedule::Generation(_) => state.generation_number(),
        _ => uses,
    };
    match operator {
        Operator::Reflect(kind) if kind.fields == Fields::RoundRobin && setting.texts > 1 => {
            draft.part = Some(state.views.turns.part(parent, setting.texts));
        }
        Operator::HistoryRewrite(kind) if kind.fields == Fields::RoundRobin => {
            let turns = turns(recipe, setting.texts);
            draft.part = (turns > 1).then(|| u16::try_from(turn % turns).unwrap_or(0));
        }
        _ => {}
    }
    if let Some(kind) = operator.history() {
        draft.context = history::told(kind, recipe, state, parent, draft.part);
    }
    match operator {
        Operator::HistoryRewrite(kind) => {
            let seed = setting.seed.child("exemplars", u64::from(turn));
            draft.rows = sample(setting.train_rows, kind.exemplars, seed);
        }
        Operator::Eda(kind) => {
            draft.context = history::distribution(kind, recipe, state, seed.child("listed", 0));
        }
        Operator::External(_) => draft.program = true,
        Operator::Lineage(kind) => {
            draft.context = history::lineage(kind, recipe, state, parent);
            if draft.context.is_empty() {
                return None;
            }
        }
        Operator::Induce(_) if setting.train_rows == 0 => return None,
        Operator::ContrastRule(kind) => {
            let buckets = buckets::all(recipe, state, setting);
            let bucket = buckets::of_turn(&buckets, recipe, state)?;
            let (best, worst) = (bucket.best, bucket.worst);
            let is_telling = best.score > worst.score;
            if !is_telling || best.score <= buckets.low || worst.score >= buckets.high {
                return Some(Draft { parents: Vec::new(), ..draft });
            }
            draft.rows = vec![best.row];
            draft.context = vec![best.told(), worst.told()];
            draft.variant = u32::from(best.replicate) | u32::from(worst.replicate) << 16;
            let demos = &state.standing(parent).candidate.demos;
            draft.demos =
                (!demos.is_empty()).then(|| shots::thinned(state, parent, kind.max_shots, seed));
        }
        Operator::Crossover(kind) if kind.mix_shots && setting.has_demos => {
            draft.demos = Some(shots::mixed(kind, state, &draft.parents, setting, seed));
        }
        Operator::DemoAppend(kind) if setting.has_demos => {
            let buckets = buckets::all(recipe, state, setting);
            let bucket = buckets::of_turn(&buckets, recipe, state)?;
            draft.demos = shots::appended(kind, &bucket, buckets.low, state, parent, seed);
            if draft.demos.is_none() {
                return Some(Draft { parents: Vec::new(), ..draft });
            }
        }
        Operator::DemoEdit(kind) if setting.has_demos => {
            draft.demos = Some(shots::edited(kind, state, parent, setting, seed)?);
        }
        Operator::ContextShuffle(kind) if setting.has_demos => {
            draft.demos = Some(shots::reshuffled(kind, state, parent, setting, seed)?);
        }
        Operator::DemoAppend(_) | Operator::DemoEdit(_) | Operator::ContextShuffle(_) => {
            return None;
        }
        Operator::DemoFill(_) if !setting.has_demos || setting.train_rows == 0 => return None,
        Operator::CrossoverParts(_) => {
            draft.mate = Some(mated(recipe, state, &draft, parent, setting, seed)?);
        }
        _ => {}
    }
    if is_crossed(recipe, operator, seed) {
        draft.mate = mated(recipe, state, &draft, parent, setting, seed);
    }
    if operator.needs_text() && setting.texts == 0 {
        return None;
    }
    Some(draft)
}

/// Whether a crossover of parts follows this use of another operator.
fn is_crossed(recipe: &Recipe, operator: &Operator, seed: Seed) -> bool {
    let follows = |other: &Operator| match other {
        Operator::CrossoverParts(kind) => Some(kind.after).filter(|chance| *chance > 0.0),
        _ => None,
    };
    let has_its_own = matches!(operator, Operator::CrossoverParts(_) | Operator::Merge(_));
    let chance = recipe.operator.iter().find_map(follows).filter(|_| !has_its_own);
    chance.is_some_and(|chance| seed.child("crossed", 0).rng().random_bool(chance))
}

/// One of several searched parts of another candidate, which is drawn in proportion to its score
/// (PromptBreeder; arXiv:2309.16797, section 3.2.5).
fn mated(
    recipe: &Recipe,
    state: &State,
    draft: &Draft,
    parent: CandidateIx,
    setting: Setting,
    seed: Seed,
) -> Option<Mate> {
    if setting.texts < 2 {
        return None;
    }
    let pool = members(recipe, state, draft.island);
    let candidate = selection::mate(recipe, state, &pool, parent, seed.child("mate", 0))?;
    let part = seed.child("mate part", 0).rng().random_range(0..setting.texts);
    Some(Mate { candidate, part })
}

/// What an open draft needs next; `None`: wait for its evidence.
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
        return evidence::abandon(proposal, Abandoned::Nothing);
    }
    if let Some(next) = own_answers::missing(recipe, state, draft) {
        return next;
    }
    let alone = |rows: &[RowIx]| -> Vec<Shown> {
        rows.iter().map(|row| Shown { row: *row, replicate: None }).collect()
    };
    let Some(place) = draft.operator else {
        // A combination of ingredients, which asks no model.
        if draft.init.is_none() {
            return Some(Plan::Compose(draft.clone()));
        }
        return Some(Plan::Propose { proposal, shown: alone(&draft.rows) });
    };
    let operator = recipe.operator.get(usize::from(place))?;
    let steps = operator.steps();
    if let Operator::DemoFill(kind) = operator {
        return evidence::filled(kind, state, draft, setting);
    }
    if steps.is_empty() {
        return Some(Plan::Compose(draft.clone()));
    }
    match operator {
        // An edit sees the rows that the critique was about.
        Operator::GradientEdit(_) if draft.step == 1 => {
            let first = draft.from.and_then(|from| state.continuations.get(&from.proposal));
            let shown = first.map_or_else(Vec::new, |first| first.shown.clone());
            Some(Plan::Propose { proposal, shown })
        }
        // Their later steps change the wording alone.
        Operator::GradientEdit(_) if draft.step >= 2 => {
            Some(Plan::Propose { proposal, shown: Vec::new() })
        }
        Operator::CritiqueRefine(_) if draft.step >= 1 => {
            Some(Plan::Propose { proposal, shown: Vec::new() })
        }
        // One row with two answers; who gave them stands in the draft's context.
        Operator::ContrastRule(_) => {
            let row = *draft.rows.first()?;
            let replicates = [draft.variant & 0xffff, draft.variant >> 16];
            let shown = replicates
                .map(|replicate| Shown { row, replicate: u16::try_from(replicate).ok() })
                .to_vec();
            Some(Plan::Propose { proposal, shown })
        }
        Operator::Induce(kind) => {
            evidence::right_answers(kind, state, draft, setting.train_rows, setting.seed)
        }
        _ => match operator.feedback() {
            Some(feedback) => {
                let praise = match operator {
                    Operator::GradientEdit(_) => evidence::Praise::WherePerfect,
                    Operator::CritiqueRefine(kind) => {
                        evidence::Praise::Said(draft.parents.first().is_some_and(|parent| {
                            let score = super::population::fitness(recipe, state, *parent);
                            score.is_some_and(|score| score >= kind.praise_from - 1e-9)
                        }))
                    }
                    _ => evidence::Praise::Never,
                };
                let Setting { train_rows, seed, .. } = setting;
                evidence::gather(feedback, praise, state, draft, train_rows, seed)
            }
            None => Some(Plan::Propose { proposal, shown: alone(&draft.rows) }),
        },
    }
}

/// Candidates that take part in a pool: all that init brought, and the seed where it is named.
pub(super) fn pool(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let with_seed = recipe.init.iter().any(|init| matches!(init, Init::Seed(_)));
    state
        .numbered()
        .filter(|(candidate, standing)| {
            (with_seed || *candidate != CandidateIx::BASELINE)
                && !matches!(standing.status, Status::Dropped(_))
        })
        .map(|(candidate, _)| candidate)
        .collect()
}
