//! Sequential halving over a fixed pool (Karnin et al. 2013; for prompts TRIPLE-SH,
//! arXiv:2402.09723, section 4): ⌈log₂ K⌉ rounds of equal cost, each keeping the better half.

use super::{Plan, Remaining, State};
use crate::event::{Dropped, Event, Round, StopReason};
use crate::id::{CandidateIx, RowIx};
use crate::recipe::HalvingEvaluate;
use crate::seed::Seed;
use crate::state::{Cell, Status};
use crate::task::example::Split;
use rand::seq::SliceRandom;

/// What comes next once the pool is complete. Empty: wait for what is out.
pub(super) fn next(
    kind: &HalvingEvaluate,
    state: &State,
    pool: impl FnOnce() -> Vec<CandidateIx>,
    remaining: Remaining,
    seed: Seed,
) -> Vec<Plan> {
    let Some(round) = &state.round else {
        return vec![start(pool(), remaining.rollouts)];
    };
    let mut plans = Vec::new();
    let mut waiting = false;
    for &candidate in &round.candidates {
        for (replicate, rows) in unasked(kind, state, round, candidate, seed) {
            plans.push(Plan::Evaluate { candidate, split: Split::Dev, replicate, rows });
        }
        waiting |= state.standing(candidate).replicates(Split::Dev).any(|(_, c)| !c.is_quiet());
    }
    if !plans.is_empty() || waiting {
        return plans;
    }
    vec![judge(kind, state, round, seed)]
}

fn start(candidates: Vec<CandidateIx>, budget: u64) -> Plan {
    let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let pulls = pulls_each(budget, pool, candidates.len());
    let round = Round { round: 0, first: 0, pool, candidates, pulls, budget };
    Plan::Decide(Event::RoundStarted(round))
}

/// ⌊T / (L·|A|)⌋, and at least one.
fn pulls_each(budget: u64, pool: u32, active: usize) -> u32 {
    let pulls = budget / (rounds(pool as usize) * active.max(1) as u64);
    u32::try_from(pulls).unwrap_or(u32::MAX).max(1)
}

/// ⌈log₂ K⌉.
fn rounds(candidates: usize) -> u64 {
    u64::from(candidates.max(2).next_power_of_two().trailing_zeros())
}

/// The rows of a candidate's pulls `from..to`: a permutation of dev, and another one for each time
/// round. Unpaired, each candidate draws its own.
fn pulls(
    kind: &HalvingEvaluate,
    dev_rows: u32,
    candidate: CandidateIx,
    range: std::ops::Range<u64>,
    seed: Seed,
) -> Vec<(u16, RowIx)> {
    let rows = u64::from(dev_rows.max(1));
    let stream = if kind.paired { 0 } else { u64::from(candidate.0) + 1 };
    let mut found = Vec::new();
    let mut cycle = None;
    let mut order: Vec<RowIx> = Vec::new();
    for pull in range {
        if cycle != Some(pull / rows) {
            cycle = Some(pull / rows);
            order = (0..dev_rows).map(RowIx).collect();
            let cycle_seed = seed.child("pulls", stream).child("cycle", pull / rows);
            order.shuffle(&mut cycle_seed.rng());
        }
        let replicate = u16::try_from(pull / rows).unwrap_or(u16::MAX);
        if let Some(row) = order.get((pull % rows) as usize) {
            found.push((replicate, *row));
        }
    }
    found
}

fn range_of(round: &Round) -> std::ops::Range<u64> {
    round.first..round.first + u64::from(round.pulls)
}

fn unasked(
    kind: &HalvingEvaluate,
    state: &State,
    round: &Round,
    candidate: CandidateIx,
    seed: Seed,
) -> Vec<(u16, Vec<RowIx>)> {
    let standing = state.standing(candidate);
    let mut blocks: Vec<(u16, Vec<RowIx>)> = Vec::new();
    for (replicate, row) in pulls(kind, state.dev_rows, candidate, range_of(round), seed) {
        if standing.column(Split::Dev, replicate).cell(row) != Cell::Empty {
            continue;
        }
        match blocks.last_mut() {
            Some((last, rows)) if *last == replicate && rows.len() < crate::recipe::BLOCK => {
                rows.push(row);
            }
            _ => blocks.push((replicate, vec![row])),
        }
    }
    blocks
}

/// A candidate's mean: over all its pulls, or over this round's.
fn mean(
    kind: &HalvingEvaluate,
    state: &State,
    round: &Round,
    candidate: CandidateIx,
    seed: Seed,
) -> f64 {
    let standing = state.standing(candidate);
    if kind.accumulate {
        return super::finale::mean_of_all(state, candidate).unwrap_or(0.0);
    }
    let scores: Vec<f64> = pulls(kind, state.dev_rows, candidate, range_of(round), seed)
        .into_iter()
        .filter_map(|(replicate, row)| standing.column(Split::Dev, replicate).cell(row).score())
        .collect();
    if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
}

/// All pulls of the round are in: name the leader, drop the worse half one by one, go on.
fn judge(kind: &HalvingEvaluate, state: &State, round: &Round, seed: Seed) -> Plan {
    let mut ranked: Vec<(f64, CandidateIx)> = round
        .candidates
        .iter()
        .map(|candidate| (mean(kind, state, round, *candidate, seed), *candidate))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let keep = ((ranked.len() as f64 * kind.keep).ceil() as usize).max(1);
    if let Some((mean, leader)) = ranked.first()
        && *leader != state.incumbent
    {
        let why = format!("mean {mean:.4} after round {}", round.round);
        return Plan::Decide(Event::IncumbentChanged { candidate: *leader, why });
    }
    for (mean, candidate) in ranked.iter().skip(keep) {
        if !matches!(state.standing(*candidate).status, Status::Dropped(_)) {
            let why = Dropped::Halved { round: round.round, mean: *mean };
            return Plan::Decide(Event::CandidateDropped { candidate: *candidate, why });
        }
    }
    let mut survivors: Vec<CandidateIx> =
        ranked.iter().take(keep).map(|(_, candidate)| *candidate).collect();
    survivors.sort();
    if survivors.len() <= 1 || survivors.len() == round.candidates.len() {
        return Plan::Decide(Event::SearchEnded { reason: StopReason::PoolDone });
    }
    let pulls = pulls_each(round.budget, round.pool, survivors.len());
    Plan::Decide(Event::RoundStarted(Round {
        round: round.round + 1,
        first: round.first + u64::from(round.pulls),
        pool: round.pool,
        candidates: survivors,
        pulls,
        budget: round.budget,
    }))
}
