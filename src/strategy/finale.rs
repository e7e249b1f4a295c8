//! How the winner is chosen from what was found, before the engine confirms it on hold.

use super::contest::worth_in_race;
use super::population::next_generation;
use super::ranking::{best_by_goal, fitness, ranked};
use super::{Plan, Remaining, State};
use crate::event::Event;
use crate::id::{CandidateIx, RowIx};
use crate::recipe::{Among, ConfirmFinal, Evaluate, Final, Recipe, ShortlistFinal, ShortlistOf};
use crate::state::{Cell, Status};
use crate::stats::{Paired, shrunken};
use crate::task::example::Split;
use crate::task::goal::Goal;
use std::collections::BTreeMap;

/// What comes next after the search has ended. Empty: wait for what is out.
pub(super) fn next(
    recipe: &Recipe,
    goal: Goal,
    block: usize,
    state: &State,
    remaining: Remaining,
) -> Vec<Plan> {
    let finale = &recipe.finale;
    if !state.is_quiet() {
        // Only blocks of the shortlist may be issued while others are out.
        return shortlist_rows(finale, block, state);
    }
    match finale {
        Final::Argmax(kind) => vec![win(state, argmax(recipe, kind.among, goal, state))],
        Final::Shortlist(kind) => retried(recipe, kind, goal, block, state, remaining),
        Final::BestPath(_) => {
            let best = super::tree::best_of_best_path(recipe, goal, state);
            vec![win(state, best)]
        }
        Final::Confirm(kind) => confirm(kind, goal, block, state, remaining),
    }
}

/// Blocks of the shortlist, which may be out at the same time.
pub(super) fn shortlist_rows(finale: &Final, block: usize, state: &State) -> Vec<Plan> {
    let replicates = match finale {
        Final::Confirm(kind) => 1..=kind.replicate,
        // Recipes may ask for replicates while they search, so that a fresh one is the one after.
        Final::Shortlist(_) => FRESH..=FRESH,
        Final::Argmax(_) | Final::BestPath(_) => return Vec::new(),
    };
    let mut plans = Vec::new();
    // Block by block over all of them: where the budget ends early, all have had the same rows.
    for replicate in replicates {
        for from in (0..state.dev_rows).step_by(block.max(1)) {
            let to = (from + u32::try_from(block).unwrap_or(u32::MAX)).min(state.dev_rows);
            for &candidate in &state.shortlist {
                let column = state.standing(candidate).column(Split::Dev, replicate);
                let rows: Vec<RowIx> =
                    (from..to).map(RowIx).filter(|row| column.cell(*row) == Cell::Empty).collect();
                if !rows.is_empty() {
                    plans.push(Plan::Evaluate { candidate, split: Split::Dev, replicate, rows });
                }
            }
        }
    }
    plans
}

/// The replicate of a shortlist's fresh answers: none that a search asks for.
const FRESH: u16 = 1_000;

/// The best few by their means, tried once more; the fresh mean decides, the earlier one of equals.
fn retried(
    recipe: &Recipe,
    kind: &ShortlistFinal,
    goal: Goal,
    block: usize,
    state: &State,
    remaining: Remaining,
) -> Vec<Plan> {
    if state.shortlist.is_empty() {
        let affordable = remaining.rollouts.checked_div(u64::from(state.dev_rows)).unwrap_or(0);
        let top = kind.top.min(usize::try_from(affordable).unwrap_or(usize::MAX));
        let mut listed = match kind.of {
            ShortlistOf::All => ranked(recipe, state),
            ShortlistOf::Winners => spread(&winners(recipe, state), top),
        };
        listed.truncate(top);
        if listed.len() >= 2 {
            return vec![Plan::Decide(Event::ShortlistChosen { candidates: listed })];
        }
        return vec![win(state, argmax(recipe, Among::Finished, goal, state))];
    }
    let mut plans = shortlist_rows(&recipe.finale, block, state);
    let fresh = |candidate: CandidateIx| state.standing(candidate).column(Split::Dev, FRESH).mean();
    let listed = state.shortlist.iter().copied();
    let best = best_by_goal(goal, state, listed, fresh).unwrap_or(CandidateIx::BASELINE);
    plans.push(win(state, best));
    plans
}

/// The seed and the best child of each generation, in their order.
fn winners(recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let mut best: BTreeMap<u32, (f64, CandidateIx)> = BTreeMap::new();
    for candidate in ranked(recipe, state) {
        let Some(fitness) = fitness(recipe, state, candidate) else { continue };
        let generation = state.memory.births.of(candidate).generation;
        best.entry(generation).or_insert((fitness, candidate));
    }
    best.into_values().map(|(_, candidate)| candidate).collect()
}

/// At most `most` of them, from the first to the last in even steps: numbers round(i·M / (N − 1)) of M
/// + 1 (SIMBA's last stage).
fn spread(winners: &[CandidateIx], most: usize) -> Vec<CandidateIx> {
    let Some(last) = winners.len().checked_sub(1).filter(|_| most > 1) else {
        return winners.iter().copied().take(most).collect();
    };
    let mut listed: Vec<CandidateIx> = Vec::new();
    for step in 0..most {
        let place = (step as f64 * last as f64 / (most - 1) as f64).round_ties_even();
        let winner = winners[place as usize];
        if listed.last() != Some(&winner) {
            listed.push(winner);
        }
    }
    listed
}

fn win(state: &State, candidate: CandidateIx) -> Plan {
    let shrunken_dev = (candidate != CandidateIx::BASELINE).then(|| {
        let finished: Vec<CandidateIx> = contenders(state).collect();
        let estimates = shrink(state, &finished);
        let place = finished.iter().position(|other| *other == candidate);
        place.and_then(|place| estimates.get(place)).map(|(_, mean)| *mean)
    });
    Plan::Win { candidate, shrunken_dev: shrunken_dev.flatten() }
}

/// Children with enough rows to be chosen.
fn contenders(state: &State) -> impl Iterator<Item = CandidateIx> + '_ {
    state
        .memory
        .fronts
        .finished()
        .iter()
        .copied()
        .filter(|candidate| *candidate != CandidateIx::BASELINE)
        .filter(|candidate| !state.standing(*candidate).misses_too_much())
}

/// The best mean that the goal allows.
fn argmax(recipe: &Recipe, among: Among, goal: Goal, state: &State) -> CandidateIx {
    let value = |candidate: CandidateIx| fitness(recipe, state, candidate);
    let finished = || state.memory.fronts.finished().iter().copied();
    let best = match (among, state.memory.contests.round()) {
        // The next contest has not come to the end of its first round: its newcomers are known by
        // fewer rows than those whom the last contest left.
        (Among::Survivors, Some(round))
            if round.first == 0 && !state.memory.contests.survivors().is_empty() =>
        {
            best_survivor(recipe, goal, state, state.memory.contests.survivors())
        }
        // The contest did not come to its end: whoever is left in its last round.
        (Among::Survivors, Some(round)) => {
            let is_left = |candidate: &CandidateIx| {
                !matches!(state.standing(*candidate).status, Status::Dropped(_))
            };
            let left: Vec<CandidateIx> = round.candidates.iter().copied().filter(is_left).collect();
            best_survivor(recipe, goal, state, &left)
        }
        (Among::Survivors, None) if !state.memory.contests.survivors().is_empty() => {
            best_survivor(recipe, goal, state, state.memory.contests.survivors())
        }
        (Among::Population, _) => {
            let left = next_generation(recipe, state).members;
            best_by_goal(goal, state, left.into_iter(), value)
        }
        (Among::FullyEvaluated, _) => {
            let rows = state.dev_rows;
            let full = state.numbered().filter(|(_, standing)| standing.dev().folded >= rows);
            best_by_goal(goal, state, full.map(|(candidate, _)| candidate), value)
        }
        _ => best_by_goal(goal, state, finished(), value),
    };
    best.unwrap_or(CandidateIx::BASELINE)
}

/// The best of those whom a contest left. A race compares on rows that all of them have: who has been
/// in the population for long has more of them than who has just come in.
fn best_survivor(
    recipe: &Recipe,
    goal: Goal,
    state: &State,
    survivors: &[CandidateIx],
) -> Option<CandidateIx> {
    let rows = |candidate: &CandidateIx| state.standing(*candidate).dev().folded;
    let common = survivors.iter().map(rows).min().unwrap_or(0);
    best_by_goal(goal, state, survivors.iter().copied(), |candidate| match &recipe.evaluate {
        Evaluate::RaceAll(_) => worth_in_race(recipe, state, candidate, common),
        _ => fitness(recipe, state, candidate),
    })
}

/// Differences from the seed on dev. Where a row has fresh answers, old and new count 1:2, because
/// the old ones took part in choosing the candidate.
fn differences(state: &State, candidate: CandidateIx) -> Paired {
    let standing = state.standing(candidate);
    let seed = state.baseline().dev();
    let fresh: Vec<_> =
        standing.replicates(Split::Dev).filter(|(replicate, _)| *replicate > 0).collect();
    (0..state.dev_rows)
        .map(RowIx)
        .filter_map(|row| {
            let old = standing.dev().cell(row).score()?;
            let new: Vec<f64> =
                fresh.iter().filter_map(|(_, column)| column.cell(row).score()).collect();
            let score = if new.is_empty() {
                old
            } else {
                (old + 2.0 * new.iter().sum::<f64>() / new.len() as f64) / 3.0
            };
            Some(score - seed.cell(row).score()?)
        })
        .collect()
}

/// Shrunken gains over the seed of all these candidates together.
fn shrink(state: &State, candidates: &[CandidateIx]) -> Vec<(CandidateIx, f64)> {
    let raw: Vec<(f64, f64)> = candidates
        .iter()
        .map(|candidate| {
            let pair = differences(state, *candidate);
            (pair.mean().unwrap_or(0.0), pair.sampling_variance())
        })
        .collect();
    let posteriors = shrunken(&raw);
    candidates.iter().copied().zip(posteriors.into_iter().map(|posterior| posterior.mean)).collect()
}

fn confirm(
    kind: &ConfirmFinal,
    goal: Goal,
    block: usize,
    state: &State,
    remaining: Remaining,
) -> Vec<Plan> {
    let all: Vec<CandidateIx> = contenders(state).collect();
    let seed_quality = state.baseline().dev().mean().unwrap_or(0.0);
    let gains = shrink(state, &all);
    if state.shortlist.is_empty() {
        let mut listed: Vec<(CandidateIx, f64)> = gains
            .iter()
            .copied()
            .filter(|(candidate, gain)| {
                let usd = state.standing(*candidate).used.usd_per_1k();
                usd.is_some_and(|usd| goal.allows(seed_quality + gain, usd, seed_quality))
            })
            .collect();
        listed.sort_by(|a, b| rank(goal, state, *b).total_cmp(&rank(goal, state, *a)));
        let rollouts = (remaining.total_rollouts as f64 * kind.share) as u64;
        let each = u64::from(state.dev_rows) * u64::from(kind.replicate);
        let affordable = rollouts.min(remaining.rollouts).checked_div(each).unwrap_or(0);
        listed.truncate(kind.shortlist.min(usize::try_from(affordable).unwrap_or(usize::MAX)));
        // One alone has nobody to be told apart from.
        if listed.len() >= 2 && kind.replicate > 0 {
            let candidates = listed.into_iter().map(|(candidate, _)| candidate).collect();
            return vec![Plan::Decide(Event::ShortlistChosen { candidates })];
        }
        return vec![win_by_gain(kind, goal, state, &gains)];
    }
    let rows = shortlist_rows(&Final::Confirm(kind.clone()), block, state);
    let mut plans = rows;
    // Offered last, so it is taken when nothing of the above fits any more.
    let listed: Vec<(CandidateIx, f64)> =
        gains.into_iter().filter(|(candidate, _)| state.shortlist.contains(candidate)).collect();
    plans.push(win_by_gain(kind, goal, state, &listed));
    plans
}

fn rank(goal: Goal, state: &State, (candidate, gain): (CandidateIx, f64)) -> f64 {
    match goal {
        Goal::MaxQuality { .. } => gain,
        Goal::MinCost { .. } => -state.standing(candidate).used.usd_per_1k().unwrap_or(f64::MAX),
    }
}

/// The best shrunken gain above the seed; within a tie the cheaper prompt.
fn win_by_gain(
    kind: &ConfirmFinal,
    goal: Goal,
    state: &State,
    gains: &[(CandidateIx, f64)],
) -> Plan {
    let baseline = state.baseline().dev().mean().unwrap_or(0.0);
    let usd = |candidate| state.standing(candidate).used.usd_per_1k().unwrap_or(f64::MAX);
    let seed = (CandidateIx::BASELINE, 0.0);
    let allowed: Vec<(CandidateIx, f64)> = gains
        .iter()
        .copied()
        .chain([seed])
        .filter(|(candidate, gain)| goal.allows(baseline + gain, usd(*candidate), baseline))
        .collect();
    let Some(best) = allowed
        .iter()
        .copied()
        .max_by(|a, b| rank(goal, state, *a).total_cmp(&rank(goal, state, *b)).then(b.0.cmp(&a.0)))
    else {
        return Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None };
    };
    let winner = match goal {
        Goal::MinCost { .. } => best,
        // A tie with the seed is no gain: it is the cheapest only if it really is.
        Goal::MaxQuality { .. } => allowed
            .iter()
            .copied()
            .filter(|(_, gain)| *gain >= best.1 - kind.tie)
            .min_by(|a, b| usd(a.0).total_cmp(&usd(b.0)).then(a.0.cmp(&b.0)))
            .unwrap_or(best),
    };
    let shrunken_dev = (winner.0 != CandidateIx::BASELINE).then_some(winner.1);
    Plan::Win { candidate: winner.0, shrunken_dev }
}
