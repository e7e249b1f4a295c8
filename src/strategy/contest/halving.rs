//! Sequential halving over a fixed pool (Karnin et al. 2013; for prompts TRIPLE-SH,
//! arXiv:2402.09723, section 4): ⌈log₂ K⌉ rounds of equal cost, each keeping the better half.

use super::{Contest, Pulls, leader};
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::recipe::HalvingEvaluate;

/// The first round.
pub(super) fn start(contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
    among(contest, candidates, contest.remaining.rollouts, 0)
}

/// The first round among these, out of this budget.
pub(super) fn among(
    contest: &Contest<'_>,
    candidates: Vec<CandidateIx>,
    budget: u64,
    group: u32,
) -> Event {
    let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let pulls = pulls_each(budget, pool, candidates.len());
    let each = each(contest, group, &candidates, pulls);
    let round = contest.round();
    Event::RoundStarted(Round { group, pool, candidates, pulls, budget, each, ..round })
}

/// Which rows the arms get.
pub(super) fn pulls(kind: &HalvingEvaluate) -> Pulls {
    if kind.paired { Pulls::Shared } else { Pulls::Own }
}

/// ⌊T / (L·|A|)⌋, and at least one.
pub(super) fn pulls_each(budget: u64, pool: u32, active: usize) -> u32 {
    let pulls = budget / (rounds(pool as usize) * active.max(1) as u64);
    u32::try_from(pulls).unwrap_or(u32::MAX).max(1)
}

/// ⌈log₂ K⌉.
pub(super) fn rounds(candidates: usize) -> u64 {
    u64::from(candidates.max(2).next_power_of_two().trailing_zeros())
}

/// In a halving that another phase went before, candidates have had different numbers of pulls.
fn each(
    contest: &Contest<'_>,
    group: u32,
    candidates: &[CandidateIx],
    pulls: u32,
) -> Vec<(u64, u32)> {
    let of = |candidate: &CandidateIx| (contest.pulled(*candidate), pulls);
    if group == 0 { Vec::new() } else { candidates.iter().map(of).collect() }
}

/// A candidate's mean: over all its pulls, or over this round's.
fn mean(
    kind: &HalvingEvaluate,
    contest: &Contest<'_>,
    round: &Round,
    candidate: CandidateIx,
) -> f64 {
    if kind.accumulate {
        return contest.fitness(candidate);
    }
    contest.mean_of(pulls(kind), candidate, round.first..round.first + u64::from(round.pulls))
}

/// All pulls of the round are in.
pub(super) fn judge(kind: &HalvingEvaluate, contest: &Contest<'_>, round: &Round) -> Event {
    let ranked =
        contest.ranked(&round.candidates, |candidate| mean(kind, contest, round, candidate));
    next(contest, round, &ranked, kind.keep)
}

/// Names the leader, drops the worse part one by one, goes on.
pub(super) fn next(
    contest: &Contest<'_>,
    round: &Round,
    ranked: &[(f64, CandidateIx)],
    keep: f64,
) -> Event {
    let keep = ((ranked.len() as f64 * keep).ceil() as usize).max(1);
    if let Some(change) = leader(contest, ranked, round) {
        return change;
    }
    for (mean, candidate) in ranked.iter().skip(keep) {
        if !contest.is_dropped(*candidate) {
            let why = Dropped::Halved { round: round.round, mean: *mean };
            return Event::CandidateDropped { candidate: *candidate, why };
        }
    }
    let survivors: Vec<CandidateIx> =
        ranked.iter().take(keep).map(|(_, candidate)| *candidate).collect();
    if survivors.len() <= 1 || survivors.len() == round.candidates.len() {
        return Event::ContestEnded { survivors };
    }
    let mut candidates = survivors;
    candidates.sort();
    let pulls = pulls_each(round.budget, round.pool, candidates.len());
    let each = each(contest, round.group, &candidates, pulls);
    Event::RoundStarted(Round {
        round: round.round + 1,
        first: round.first + u64::from(round.pulls),
        candidates,
        pulls,
        each,
        ..round.clone()
    })
}
