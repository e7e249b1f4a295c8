//! Sequential halving over a fixed pool (Karnin et al. 2013; for prompts TRIPLE-SH,
//! arXiv:2402.09723, section 4): ⌈log₂ K⌉ rounds of equal cost, each keeping the better half.

use super::{Contest, Pulls, leader};
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::recipe::HalvingEvaluate;
use crate::state::Status;

/// The first round.
pub(super) fn start(contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
    let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let budget = contest.remaining.rollouts;
    let pulls = pulls_each(budget, pool, candidates.len());
    Event::RoundStarted(Round { pool, candidates, pulls, budget, ..contest.round() })
}

/// Which rows the arms get.
pub(super) fn pulls(kind: &HalvingEvaluate) -> Pulls {
    if kind.paired { Pulls::Shared } else { Pulls::Own }
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

/// All pulls of the round are in: name the leader, drop the worse half one by one, go on.
pub(super) fn judge(kind: &HalvingEvaluate, contest: &Contest<'_>, round: &Round) -> Event {
    let mut ranked: Vec<(f64, CandidateIx)> = round
        .candidates
        .iter()
        .map(|candidate| (mean(kind, contest, round, *candidate), *candidate))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let keep = ((ranked.len() as f64 * kind.keep).ceil() as usize).max(1);
    if let Some(change) = leader(contest, &ranked, round) {
        return change;
    }
    for (mean, candidate) in ranked.iter().skip(keep) {
        if !matches!(contest.state.standing(*candidate).status, Status::Dropped(_)) {
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
    Event::RoundStarted(Round {
        round: round.round + 1,
        first: round.first + u64::from(round.pulls),
        candidates,
        pulls,
        ..round.clone()
    })
}
