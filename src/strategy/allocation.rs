//! Which rows a candidate is tried on next, and when it is dropped.

use super::belief::probability;
use super::population::quota;
use super::{Plan, State, acceptance};
use crate::event::{Dropped, Event};
use crate::id::{CandidateIx, RowIx};
use crate::operator::epoch_rows;
use crate::recipe::{
    Accept, BLOCK, CascadeEvaluate, Evaluate, Recipe, Schedule, StopOnFailureEvaluate,
};
use crate::seed::Seed;
use crate::state::{Cell, Status};
use crate::task::example::Split;
use crate::task::goal::Goal;
use rand::seq::SliceRandom;

/// What comes next for an open candidate; `None`: wait for what is out.
pub(super) fn next(
    recipe: &Recipe,
    goal: Goal,
    state: &State,
    candidate: CandidateIx,
    seed: Seed,
) -> Option<Plan> {
    let standing = state.standing(candidate);
    let evaluate = &recipe.evaluate;
    if standing.status != Status::Open {
        return None;
    }
    // Ingredients are tried when a sampler says so.
    if matches!(recipe.schedule, Schedule::Product(_)) && candidate != CandidateIx::BASELINE {
        return None;
    }
    // The seed is what everything is compared with, so it is always tried in full.
    if candidate != CandidateIx::BASELINE {
        if let Some(plan) = gate(state, candidate) {
            return plan;
        }
        if let Evaluate::Race(race) = evaluate {
            if !standing.dev().is_quiet() {
                return None;
            }
            if let Some(why) = futile(race, recipe, goal, state, candidate) {
                return Some(Plan::Decide(Event::CandidateDropped { candidate, why }));
            }
        }
    }
    let block = match evaluate {
        Evaluate::Full(kind) => kind.block,
        Evaluate::Gate(kind) => kind.block,
        // The seed is raced by nobody, so nothing is saved by small blocks.
        Evaluate::Race(kind) if candidate == CandidateIx::BASELINE => kind.block,
        Evaluate::Race(kind) => grown(kind, standing.dev().issued as usize),
        Evaluate::Cascade(kind) => return cascade(kind, state, candidate),
        Evaluate::StopOnFailure(kind) => return stop_on_failure(kind, state, candidate, seed),
        Evaluate::Minibatch(_) | Evaluate::MinibatchPromote(_) | Evaluate::Hyperband(_) => BLOCK,
        _ => return None,
    };
    let rows = match evaluate {
        Evaluate::Full(kind) if kind.subset > 0 => {
            // A subset of their own for each, or the first rows of dev, whose order is random.
            let own = kind.resample.then(|| seed.child("subset", u64::from(candidate.0)));
            let left = quota(recipe, state).saturating_sub(standing.dev().issued) as usize;
            subset(state, candidate, own, left.min(block))
        }
        Evaluate::Minibatch(kind) => {
            let seed = seed.child("minibatch", 0);
            let column = standing.dev();
            let generation = state.memory.births.of(candidate).generation;
            epoch_rows(state.dev_rows, kind.size, generation, seed)
                .into_iter()
                .filter(|row| column.cell(*row) == Cell::Empty)
                .take(block)
                .collect()
        }
        Evaluate::Race(race) => {
            let rows = quota(recipe, state);
            let from = start(race, rows, candidate);
            if race.first_rows > 0 {
                // Rows that were asked before a widening need not stand at the start of the order.
                let column = standing.dev();
                (0..rows)
                    .map(|place| RowIx((from + place) % rows))
                    .filter(|row| column.cell(*row) == Cell::Empty)
                    .take(block)
                    .collect()
            } else {
                unasked(state, candidate, from, block)
            }
        }
        _ => unasked(state, candidate, 0, block),
    };
    (!rows.is_empty()).then_some(Plan::Evaluate {
        candidate,
        split: Split::Dev,
        replicate: 0,
        rows,
    })
}

/// The next rows of a subset: in the order of dev, or in a random one.
fn subset(state: &State, candidate: CandidateIx, own: Option<Seed>, most: usize) -> Vec<RowIx> {
    let column = state.standing(candidate).dev();
    let mut order: Vec<RowIx> = (0..state.dev_rows).map(RowIx).collect();
    if let Some(seed) = own {
        order.shuffle(&mut seed.rng());
    }
    order.into_iter().filter(|row| column.cell(*row) == Cell::Empty).take(most).collect()
}

/// A candidate that has had all rows that its recipe gives it, where these are not all of dev.
pub(super) fn finished(recipe: &Recipe, state: &State) -> Option<Plan> {
    let quota = quota(recipe, state);
    let is_short = quota < state.dev_rows || matches!(recipe.evaluate, Evaluate::StopOnFailure(_));
    if !is_short || recipe.evaluate.is_contest() {
        return None;
    }
    let done = state.open.iter().copied().find(|candidate| {
        let standing = state.standing(*candidate);
        let column = standing.dev();
        match &recipe.evaluate {
            Evaluate::StopOnFailure(kind) => column.is_quiet() && is_decided(kind, column),
            _ => column.folded >= quota,
        }
    })?;
    Some(Plan::Decide(Event::CandidateFinished { candidate: done }))
}

/// More rows, when what is left to gain seems to be small; and the incumbent's answers to them.
pub(super) fn widen(recipe: &Recipe, state: &State) -> Option<Plan> {
    let Evaluate::Race(race) = &recipe.evaluate else { return None };
    let rows = quota(recipe, state);
    if race.first_rows == 0 {
        return None;
    }
    let incumbent = state.standing(state.incumbent);
    let column = incumbent.dev();
    if incumbent.status == Status::Finished && column.issued < rows {
        let missing: Vec<RowIx> = (0..rows)
            .map(RowIx)
            .filter(|row| column.cell(*row) == Cell::Empty)
            .take(race.block)
            .collect();
        let candidate = state.incumbent;
        return Some(Plan::Evaluate { candidate, split: Split::Dev, replicate: 0, rows: missing });
    }
    let since =
        state.counts.decided_since_incumbent.saturating_sub(state.memory.widening.widened_at());
    let perfect = column.mean().is_some_and(|mean| mean >= 1.0 - 1e-9) && column.is_quiet();
    (rows < state.dev_rows && (since >= race.widen_after || perfect)).then(|| {
        let rows = (rows + rows.div_ceil(2)).min(state.dev_rows);
        Plan::Decide(Event::RowsWidened { rows })
    })
}

/// Whether row-by-row trials are over: a failure, enough successes, or the most rows.
fn is_decided(kind: &StopOnFailureEvaluate, column: &crate::state::Column) -> bool {
    let scored: Vec<f64> = column.cells().iter().filter_map(|cell| cell.score()).collect();
    let failed = scored.iter().any(|score| *score < 1.0 - 1e-6);
    failed || scored.len() >= kind.need || column.folded as usize >= kind.most
}

/// One row at a time, each candidate in its own order.
fn stop_on_failure(
    kind: &StopOnFailureEvaluate,
    state: &State,
    candidate: CandidateIx,
    seed: Seed,
) -> Option<Plan> {
    let column = state.standing(candidate).dev();
    let own = seed.child("rows", u64::from(candidate.0));
    let rows = if column.is_quiet() && !is_decided(kind, column) {
        subset(state, candidate, Some(own), 1)
    } else {
        Vec::new()
    };
    (!rows.is_empty()).then_some(Plan::Evaluate {
        candidate,
        split: Split::Dev,
        replicate: 0,
        rows,
    })
}

/// Stage by stage, in the order of dev: the next stage's rows only for whoever reaches the share of
/// the incumbent's mean on the same rows that the stage asks for.
fn cascade(kind: &CascadeEvaluate, state: &State, candidate: CandidateIx) -> Option<Plan> {
    let column = state.standing(candidate).dev();
    let ends: Vec<u32> = kind
        .stages
        .iter()
        .map(|stage| ((f64::from(state.dev_rows) * stage).ceil() as u32).min(state.dev_rows))
        .collect();
    let stage = ends.iter().position(|end| column.issued < *end).unwrap_or(ends.len() - 1);
    if candidate != CandidateIx::BASELINE && stage > 0 && column.issued == ends[stage - 1] {
        if !column.is_quiet() {
            return None;
        }
        let incumbent = state.standing(state.incumbent).dev();
        let common: Vec<(f64, f64)> = column
            .cells()
            .iter()
            .zip(incumbent.cells())
            .filter_map(|(mine, theirs)| Some((mine.score()?, theirs.score()?)))
            .collect();
        let n = common.len().max(1) as f64;
        let mean = common.iter().map(|(mine, _)| mine).sum::<f64>() / n;
        let theirs = common.iter().map(|(_, theirs)| theirs).sum::<f64>() / n;
        let needed = theirs * kind.thresholds.get(stage - 1).copied().unwrap_or(0.0);
        // Scores are kept in single precision: what differs by rounding alone is equal.
        if mean < needed - 1e-6 {
            let stage = u32::try_from(stage - 1).unwrap_or(u32::MAX);
            let why = Dropped::Stage { stage, mean, needed };
            return Some(Plan::Decide(Event::CandidateDropped { candidate, why }));
        }
    }
    let most = (ends[stage] - column.issued.min(ends[stage])) as usize;
    let rows = unasked(state, candidate, 0, most.min(BLOCK));
    (!rows.is_empty()).then_some(Plan::Evaluate {
        candidate,
        split: Split::Dev,
        replicate: 0,
        rows,
    })
}

/// The length of the next block after so many rows: each is longer by a factor.
fn grown(race: &crate::recipe::RaceEvaluate, asked: usize) -> usize {
    let (mut length, mut covered) = (race.block as f64, 0.0);
    while covered + 0.5 < asked as f64 && length < 1e9 {
        covered += length;
        length *= race.grow;
    }
    (length as usize).max(1)
}

/// Where a candidate starts in the order that all share. The incumbent has all rows, so a race
/// against it is paired wherever it starts.
fn start(race: &crate::recipe::RaceEvaluate, rows: u32, candidate: CandidateIx) -> u32 {
    if candidate == CandidateIx::BASELINE || race.rotate_every == 0 {
        return 0;
    }
    let turns = (candidate.0 - 1) / race.rotate_every;
    let block = u32::try_from(race.block).unwrap_or(u32::MAX);
    turns.wrapping_mul(block) % rows.max(1)
}

/// The next rows of dev, from a place on in the order that all candidates share.
fn unasked(state: &State, candidate: CandidateIx, from: u32, block: usize) -> Vec<RowIx> {
    let column = state.standing(candidate).dev();
    // Rows asked so far stand at the start of the candidate's order, but for those of a gate.
    let asked = column.issued.saturating_sub(gated(state, candidate));
    (asked..state.dev_rows)
        .map(|place| RowIx((from + place) % state.dev_rows))
        .filter(|row| column.cell(*row) == Cell::Empty)
        .take(block)
        .collect()
}

/// Rows of dev that were asked out of turn, by a gate.
fn gated(state: &State, candidate: CandidateIx) -> u32 {
    let gate = state.standing(candidate).gate.as_ref();
    gate.filter(|gate| gate.split == Split::Dev)
        .map_or(0, |gate| u32::try_from(gate.rows.len()).unwrap_or(0))
}

/// `Some`: the gate decides what is next. `None`: there is none, or it was passed.
#[expect(clippy::option_option, reason = "`Some(None)` is: wait for the gate's rows")]
fn gate(state: &State, candidate: CandidateIx) -> Option<Option<Plan>> {
    let standing = state.standing(candidate);
    let gate = standing.gate.as_ref()?;
    let column = standing.column(gate.split, 0);
    let unasked: Vec<RowIx> =
        gate.rows.iter().copied().filter(|row| column.cell(*row) == Cell::Empty).collect();
    if !unasked.is_empty() {
        let plan = Plan::Evaluate { candidate, split: gate.split, replicate: 0, rows: unasked };
        return Some(Some(plan));
    }
    if gate.rows.iter().any(|row| column.cell(*row) == Cell::Issued) {
        return Some(None);
    }
    let (mut sum, mut needed) = (0.0, 0.0);
    for (row, against) in gate.rows.iter().zip(&gate.against) {
        if let Some(score) = column.cell(*row).score() {
            sum += score;
            needed += against;
        }
    }
    // Scores are sums of fractions: what differs by rounding alone is equal.
    let passed = if gate.inclusive { sum >= needed - 1e-6 } else { sum > needed + 1e-6 };
    let why = Dropped::Gate { sum, needed };
    (!passed).then_some(Some(Plan::Decide(Event::CandidateDropped { candidate, why })))
}

/// Futility (algorithm and prior: see `stats::posterior`): after each block, a candidate that is
/// unlikely to be better than the incumbent is dropped. Who saves enough need only be not worse.
fn futile(
    race: &crate::recipe::RaceEvaluate,
    recipe: &Recipe,
    goal: Goal,
    state: &State,
    candidate: CandidateIx,
) -> Option<Dropped> {
    let pair = match goal {
        Goal::MaxQuality { .. } => state.memory.pairs.against_incumbent(candidate),
        Goal::MinCost { .. } => state.memory.pairs.against_seed(candidate),
    };
    if pair.n < race.min_rows {
        return None;
    }
    let margin = match &recipe.accept {
        Accept::Evidence(kind) if acceptance::saves_enough(kind, state, candidate) => kind.margin,
        _ => 0.0,
    };
    let probability = probability(goal, state, candidate, margin);
    (probability < race.below)
        .then(|| Dropped::Futile { probability, rows: u32::try_from(pair.n).unwrap_or(u32::MAX) })
}
