//! Which operator is next, whom it starts from, and which rows it is shown.

use super::allocation::improvement;
use super::selection::{ancestors, is_ancestor, parent, weighted};
use super::{Plan, State};
use crate::event::{Abandoned, Draft, Event, Gate, Shown};
use crate::id::{CandidateIx, ProposalNumber, RowIx};
use crate::recipe::{
    Feedback, Init, MergeLevel, MergeOperator, MergePool, Operator, Pick, Recipe, When,
};
use crate::seed::Seed;
use crate::state::{Cell, Status};
use crate::task::example::Split;
use rand::Rng;
use rand::seq::SliceRandom;

/// Rows that are run together to find failures.
const EVIDENCE_BLOCK: usize = 8;

/// The next draft of `init`, in the recipe's order; `None` when all were drafted.
pub(super) fn next_init(
    recipe: &Recipe,
    state: &State,
    train_rows: u32,
    seed: Seed,
) -> Option<Draft> {
    for (place, init) in recipe.init.iter().enumerate() {
        let place = u16::try_from(place).ok()?;
        let done = state.inits.get(&place).copied().unwrap_or(0);
        let wanted = match init {
            Init::Seed(_) => 0,
            Init::Induce(kind) => kind.queries * kind.samples,
            Init::Paraphrase(kind) => kind.take,
        };
        if done >= wanted {
            continue;
        }
        let rows = match init {
            // Each query is one set of rows, asked `samples` times.
            Init::Induce(kind) => {
                let query = u64::from(done / kind.samples.max(1));
                sample(train_rows, kind.demos, seed.child("demos", query))
            }
            _ => Vec::new(),
        };
        return Some(Draft {
            proposal: state.next_proposal,
            operator: None,
            init: Some(place),
            parents: vec![CandidateIx::SEED],
            rows,
            replicate: 0,
        });
    }
    None
}

fn sample(rows: u32, size: usize, seed: Seed) -> Vec<RowIx> {
    let mut all: Vec<RowIx> = (0..rows).map(RowIx).collect();
    all.shuffle(&mut seed.rng());
    all.truncate(size);
    all
}

/// The next draft of an operator.
pub(super) fn next(recipe: &Recipe, state: &State, train_rows: u32, seed: Seed) -> Option<Draft> {
    let number = state.next_proposal;
    let epochs = seed;
    let seed = seed.child("draft", u64::from(number.0));
    let mut eligible: Vec<bool> =
        (0..recipe.operator.len()).map(|place| may_be_used(recipe, state, place)).collect();
    // An operator that waits for an occasion goes first when it has one.
    let due = (0..recipe.operator.len())
        .filter(|place| eligible[*place] && recipe.operator[*place].when() != When::Always);
    for place in due {
        if let Some(draft) = draft(recipe, state, train_rows, place, number, seed, epochs) {
            return Some(draft);
        }
    }
    // An operator that finds nothing to work on leaves the draw to the others.
    for attempt in 0..recipe.operator.len() {
        let weights: Vec<f64> = recipe
            .operator
            .iter()
            .enumerate()
            .map(|(place, operator)| {
                let drawn = eligible[place] && operator.when() == When::Always;
                if drawn { operator.weight() } else { 0.0 }
            })
            .collect();
        let place = weighted(&weights, &mut seed.child("operator", attempt as u64).rng())?;
        if let Some(draft) = draft(recipe, state, train_rows, place, number, seed, epochs) {
            return Some(draft);
        }
        eligible[place] = false;
    }
    None
}

fn may_be_used(recipe: &Recipe, state: &State, place: usize) -> bool {
    let operator = &recipe.operator[place];
    let uses = u16::try_from(place).ok().and_then(|place| state.uses.get(&place)).copied();
    let uses = uses.unwrap_or(0);
    let occasions = match operator.when() {
        When::Always => u32::MAX,
        When::AfterAccept => accepted(state),
        When::IncumbentChanged => {
            u32::try_from(state.incumbents.len()).unwrap_or(u32::MAX).saturating_sub(1)
        }
    };
    uses < occasions && operator.max_uses().is_none_or(|most| uses < most)
}

/// Children that were tried in full.
fn accepted(state: &State) -> u32 {
    let finished = state.views.fronts.finished();
    let children = finished.iter().filter(|candidate| **candidate != CandidateIx::SEED).count();
    u32::try_from(children).unwrap_or(u32::MAX)
}

fn draft(
    recipe: &Recipe,
    state: &State,
    train_rows: u32,
    place: usize,
    proposal: ProposalNumber,
    seed: Seed,
    epochs: Seed,
) -> Option<Draft> {
    let operator_place = u16::try_from(place).ok()?;
    let (mut rows, mut replicate) = (Vec::new(), 0);
    let parents = match &recipe.operator[place] {
        Operator::Merge(merge) => merge_pair(merge, recipe, state, seed.child("merge", 0))?,
        Operator::Compress(_) => vec![state.incumbent],
        Operator::MutateText(_) => {
            vec![parent(&recipe.select, &recipe.archive, state, seed.child("parent", 0))?]
        }
        Operator::Reflect(reflect) => {
            let parent = parent(&recipe.select, &recipe.archive, state, seed.child("parent", 0))?;
            if train_rows == 0 {
                return None;
            }
            if reflect.feedback.pick == Pick::Epoch {
                let used = state.uses.get(&operator_place).copied().unwrap_or(0);
                rows = epoch_rows(train_rows, reflect.feedback.size, used, epochs);
                if reflect.feedback.fresh {
                    let standing = state.standing(parent);
                    replicate = rows
                        .iter()
                        .map(|row| standing.next_replicate(Split::Train, *row))
                        .max()
                        .unwrap_or(0);
                }
            }
            vec![parent]
        }
    };
    Some(Draft { proposal, operator: Some(operator_place), init: None, parents, rows, replicate })
}

/// The minibatch number `used`: all rows in turn, reshuffled each time round. A last batch that is
/// not full is filled up from the start of its own epoch, the rows that were used least since.
fn epoch_rows(train_rows: u32, size: usize, used: u32, seed: Seed) -> Vec<RowIx> {
    let rows = train_rows as usize;
    let per_epoch = rows.div_ceil(size).max(1);
    let (epoch, batch) = (used as usize / per_epoch, used as usize % per_epoch);
    let mut order: Vec<RowIx> = (0..train_rows).map(RowIx).collect();
    order.shuffle(&mut seed.child("epoch", epoch as u64).rng());
    (0..size.min(rows)).map(|offset| order[(batch * size + offset) % rows]).collect()
}

/// Two candidates that share an ancestor, neither being the other's, both at least as good as it
/// (GEPA's merge, arXiv:2507.19457, appendix): what each changed can be put together.
fn merge_pair(
    merge: &MergeOperator,
    recipe: &Recipe,
    state: &State,
    seed: Seed,
) -> Option<Vec<CandidateIx>> {
    if merge.pool == MergePool::Improved {
        return improved_pair(merge, state, seed);
    }
    let pool = super::selection::front(&recipe.archive, state);
    if pool.len() < 2 {
        return None;
    }
    let mut rng = seed.rng();
    let mean = |candidate: CandidateIx| state.standing(candidate).dev().mean().unwrap_or(0.0);
    for _ in 0..merge.attempts {
        let a = CandidateIx(pool[rng.random_range(0..pool.len())].0);
        let b = CandidateIx(pool[rng.random_range(0..pool.len())].0);
        let (a, b) = (a.min(b), a.max(b));
        if a == b || is_ancestor(state, a, b) || is_ancestor(state, b, a) {
            continue;
        }
        let of_b = ancestors(state, b);
        let common: Vec<CandidateIx> = ancestors(state, a)
            .into_iter()
            .filter(|ancestor| of_b.contains(ancestor))
            .filter(|ancestor| mean(*ancestor) <= mean(a).min(mean(b)) + 1e-9)
            .filter(|ancestor| has_something_to_merge(merge.level, state, a, b, *ancestor))
            .collect();
        let weights: Vec<f64> = common.iter().map(|ancestor| mean(*ancestor) + 1e-6).collect();
        if let Some(place) = weighted(&weights, &mut rng) {
            // The better one first: what growth is measured against, and who wins a conflict.
            let (first, second) = if mean(b) > mean(a) { (b, a) } else { (a, b) };
            return Some(vec![first, second, common[place]]);
        }
    }
    None
}

/// How likely an improvement must be for its lines to be worth a merge.
const LIKELY_IMPROVED: f64 = 0.6;

/// The incumbent with a candidate of another line that likely improved on its own parent. A race
/// drops such a candidate when it is not better than the incumbent too; what it learnt is kept here.
fn improved_pair(merge: &MergeOperator, state: &State, seed: Seed) -> Option<Vec<CandidateIx>> {
    let incumbent = state.incumbent;
    let of_incumbent = ancestors(state, incumbent);
    let merged_with = |other: CandidateIx| {
        state.candidates.iter().any(|standing| {
            let parents = &standing.candidate.parents;
            parents.len() == 2 && parents.contains(&incumbent) && parents.contains(&other)
        })
    };
    let mut found: Vec<(CandidateIx, CandidateIx, f64)> = Vec::new();
    for (other, standing) in state.numbered() {
        if other == incumbent || standing.dev().scored == 0 || of_incumbent.contains(&other) {
            continue;
        }
        let others = ancestors(state, other);
        let Some(ancestor) = others.iter().copied().find(|a| of_incumbent.contains(a)) else {
            continue;
        };
        let likely = improvement(state, other);
        if likely < LIKELY_IMPROVED
            || others.contains(&incumbent)
            || !has_something_to_merge(merge.level, state, incumbent, other, ancestor)
            || merged_with(other)
        {
            continue;
        }
        found.push((other, ancestor, likely - 0.5));
    }
    let weights: Vec<f64> = found.iter().map(|(.., weight)| *weight).collect();
    let place = weighted(&weights, &mut seed.rng())?;
    let (other, ancestor, _) = found[place];
    Some(vec![incumbent, other, ancestor])
}

fn has_something_to_merge(
    level: MergeLevel,
    state: &State,
    a: CandidateIx,
    b: CandidateIx,
    ancestor: CandidateIx,
) -> bool {
    let parts = |candidate: CandidateIx| state.standing(candidate).candidate.prompt.parts();
    parts(a).iter().zip(parts(b)).zip(parts(ancestor)).any(|((a, b), old)| match level {
        // Unchanged in exactly one of them: the changed one can be taken over.
        MergeLevel::Part => (a.text == old.text) != (b.text == old.text),
        MergeLevel::Line => a.text != old.text && b.text != old.text && a.text != b.text,
    })
}

/// The gate of a merged child: rows on which its parents differ, some in favour of each, and ties
/// (GEPA's merge: about two each way of five), where it must reach the better parent.
pub(super) fn merge_gate(
    merge: &MergeOperator,
    state: &State,
    draft: &Draft,
    seed: Seed,
) -> Option<Gate> {
    if merge.gate_size == 0 || draft.parents.len() < 2 {
        return None;
    }
    let (a, b) = (state.standing(draft.parents[0]).dev(), state.standing(draft.parents[1]).dev());
    let mut groups: [Vec<RowIx>; 3] = Default::default();
    for row in (0..state.dev_rows).map(RowIx) {
        let (Some(a), Some(b)) = (a.cell(row).score(), b.cell(row).score()) else {
            continue;
        };
        groups[if a > b { 0 } else { usize::from(b <= a) + 1 }].push(row);
    }
    let mut rng = seed.child("gate", u64::from(draft.proposal.0)).rng();
    for group in &mut groups {
        group.shuffle(&mut rng);
    }
    let each = merge.gate_size * 2 / 5;
    let mut rows: Vec<RowIx> = Vec::new();
    for (group, most) in groups.iter().zip([each, each, merge.gate_size]) {
        let room = merge.gate_size.saturating_sub(rows.len());
        rows.extend(group.iter().take(most.min(room)));
    }
    for group in &groups {
        for row in group {
            if rows.len() < merge.gate_size && !rows.contains(row) {
                rows.push(*row);
            }
        }
    }
    let sum = |column: &crate::state::Column| -> f64 {
        rows.iter().filter_map(|row| column.cell(*row).score()).sum()
    };
    let better = if sum(b) > sum(a) { b } else { a };
    let against = rows.iter().map(|row| better.cell(*row).score().unwrap_or(0.0)).collect();
    Some(Gate { split: Split::Dev, rows, against, inclusive: true })
}

/// What an open draft needs next; `None`: wait for its evidence.
pub(super) fn advance(
    recipe: &Recipe,
    state: &State,
    draft: &Draft,
    train_rows: u32,
    seed: Seed,
) -> Option<Plan> {
    let proposal = draft.proposal;
    if state.shown.contains_key(&proposal) {
        return None;
    }
    let alone = |rows: &[RowIx]| -> Vec<Shown> {
        rows.iter().map(|row| Shown { row: *row, replicate: None }).collect()
    };
    let Some(place) = draft.operator else {
        return Some(Plan::Propose { proposal, shown: alone(&draft.rows) });
    };
    match recipe.operator.get(usize::from(place))? {
        Operator::Merge(_) => Some(Plan::Compose(draft.clone())),
        Operator::Compress(_) | Operator::MutateText(_) => {
            Some(Plan::Propose { proposal, shown: Vec::new() })
        }
        Operator::Reflect(reflect) => match reflect.feedback.pick {
            Pick::Epoch => epoch_evidence(&reflect.feedback, state, draft),
            Pick::Errors => error_evidence(&reflect.feedback, state, draft, train_rows, seed),
        },
    }
}

fn abandon(proposal: ProposalNumber, why: Abandoned) -> Option<Plan> {
    Some(Plan::Decide(Event::ProposalAbandoned { proposal, why }))
}

/// The draft's own rows, answered by the parent.
fn epoch_evidence(feedback: &Feedback, state: &State, draft: &Draft) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, draft.replicate);
    let unasked: Vec<RowIx> =
        draft.rows.iter().copied().filter(|row| column.cell(*row) == Cell::Empty).collect();
    if !unasked.is_empty() {
        return Some(Plan::Evaluate {
            candidate,
            split: Split::Train,
            replicate: draft.replicate,
            rows: unasked,
        });
    }
    if draft.rows.iter().any(|row| column.cell(*row) == Cell::Issued) {
        return None;
    }
    let scored: Vec<(RowIx, f64)> =
        draft.rows.iter().filter_map(|row| Some((*row, column.cell(*row).score()?))).collect();
    if scored.is_empty() {
        return abandon(draft.proposal, Abandoned::NoEvidence);
    }
    if feedback.skip_perfect && scored.iter().all(|(_, score)| *score >= 1.0 - 1e-6) {
        return abandon(draft.proposal, Abandoned::Perfect);
    }
    let shown = scored
        .iter()
        .map(|(row, _)| Shown { row: *row, replicate: Some(draft.replicate) })
        .collect();
    Some(Plan::Propose { proposal: draft.proposal, shown })
}

/// Failures of the parent on training rows, run block by block until there are enough of them; a
/// parent without a failure is run on all rows before it is called perfect.
fn error_evidence(
    feedback: &Feedback,
    state: &State,
    draft: &Draft,
    train_rows: u32,
    seed: Seed,
) -> Option<Plan> {
    let candidate = *draft.parents.first()?;
    let column = state.standing(candidate).column(Split::Train, 0);
    if !column.is_quiet() {
        return None;
    }
    let mut order: Vec<RowIx> = (0..train_rows).map(RowIx).collect();
    order.shuffle(&mut seed.child("evidence", u64::from(candidate.0)).rng());
    let (mut wrong, mut right, mut unasked) = (Vec::new(), Vec::new(), Vec::new());
    for row in order {
        match column.cell(row) {
            Cell::Empty => unasked.push(row),
            cell => match cell.score() {
                Some(score) if score < 1.0 - 1e-6 => wrong.push(row),
                Some(_) => right.push(row),
                None => {}
            },
        }
    }
    let wanted = feedback.size.saturating_sub(feedback.keep_correct).max(1);
    let asked = column.issued as usize;
    let may_ask = asked < feedback.from || wrong.is_empty();
    if wrong.len() < wanted && may_ask && !unasked.is_empty() {
        unasked.truncate(EVIDENCE_BLOCK);
        return Some(Plan::Evaluate {
            candidate,
            split: Split::Train,
            replicate: 0,
            rows: unasked,
        });
    }
    if wrong.is_empty() && (feedback.skip_perfect || right.is_empty()) {
        let why = if right.is_empty() { Abandoned::NoEvidence } else { Abandoned::Perfect };
        return abandon(draft.proposal, why);
    }
    let mut rng = seed.child("shown", u64::from(draft.proposal.0)).rng();
    wrong.shuffle(&mut rng);
    right.shuffle(&mut rng);
    wrong.truncate(wanted);
    right.truncate(feedback.size.saturating_sub(wrong.len()).min(feedback.keep_correct));
    let shown =
        wrong.into_iter().chain(right).map(|row| Shown { row, replicate: Some(0) }).collect();
    Some(Plan::Propose { proposal: draft.proposal, shown })
}

/// The gate of a reflected child: the rows that it was written from, against its parent's answers
/// to them (GEPA, arXiv:2507.19457, algorithm 1).
pub(super) fn minibatch_gate(
    state: &State,
    draft: &Draft,
    shown: &[Shown],
    inclusive: bool,
) -> Option<Gate> {
    let parent = state.standing(*draft.parents.first()?);
    let (mut rows, mut against) = (Vec::new(), Vec::new());
    for shown in shown {
        let replicate = shown.replicate?;
        rows.push(shown.row);
        against.push(parent.column(Split::Train, replicate).cell(shown.row).score()?);
    }
    (!rows.is_empty()).then_some(Gate { split: Split::Train, rows, against, inclusive })
}

/// Whether all children of `init` are decided upon.
pub(super) fn init_is_done(recipe: &Recipe, state: &State, train_rows: u32, seed: Seed) -> bool {
    state.drafts.is_empty() && next_init(recipe, state, train_rows, seed).is_none()
}

/// Candidates that take part in a pool: all that init brought, and the seed where it is named.
pub(super) fn pool(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let with_seed = recipe.init.iter().any(|init| matches!(init, Init::Seed(_)));
    state
        .numbered()
        .filter(|(candidate, standing)| {
            (with_seed || *candidate != CandidateIx::SEED)
                && !matches!(standing.status, Status::Dropped(_))
        })
        .map(|(candidate, _)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_deals_every_row_and_in_another_order() {
        let seed = Seed(1);
        let epoch = |number: u32| -> Vec<RowIx> {
            (0..4).flat_map(|batch| epoch_rows(12, 3, number * 4 + batch, seed)).collect()
        };
        let (first, second) = (epoch(0), epoch(1));
        for rows in [&first, &second] {
            let mut sorted = rows.clone();
            sorted.sort();
            assert_eq!(sorted, (0..12).map(RowIx).collect::<Vec<_>>());
        }
        assert_ne!(first, second);
        // 10 rows in batches of 3: the last batch is filled up.
        assert_eq!(epoch_rows(10, 3, 3, seed).len(), 3);
    }
}
