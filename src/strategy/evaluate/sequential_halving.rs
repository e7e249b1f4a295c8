//! `sequential_halving`: sequential halving over a fixed pool (Karnin et al. 2013; for prompts TRIPLE-SH,
//! arXiv:2402.09723, section 4): ⌈log₂ K⌉ rounds of equal cost, each keeping the better half.

use super::contest::leader;
use crate::event::{Dropped, Event, Round};
use crate::grammar::Misuse;
use crate::id::CandidateIx;
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds};

kind! {
    /// Sequential halving over a fixed pool (TRIPLE-SH; arXiv:2402.09723, section 4).
    "sequential_halving": "Together: rounds that keep the better half of a pool.",
    SequentialHalving {
        /// The share of the pool that each round keeps, rounded up.
        keep: f64 = 0.5,
        /// Means over all rounds (`true`) or the last one.
        accumulate: bool = true,
        /// The same rows for all (`true`), or each its own draw (`false`, as in the paper).
        paired: bool = false,
    }
}

impl Evaluate for SequentialHalving {
    fn check(&self) -> Result<(), Misuse> {
        if self.keep > 0.0 && self.keep < 1.0 {
            return Ok(());
        }
        Err(Misuse::of(&["keep"], "`keep` must lie between 0 and 1"))
    }

    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn rows_per_child(&self, _: u64, _: u64) -> [u64; 2] {
        [0, 0]
    }
}

impl Rounds for SequentialHalving {
    fn pulls(&self) -> Pulls {
        Pulls::paired(self.paired)
    }

    fn start(&self, contest: &Contest<'_>, contenders: Vec<CandidateIx>) -> Event {
        among(contest, contenders, contest.search.remaining.rollouts, 0)
    }

    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event {
        let ranked = contest.ranked(&round.candidates, |arm| self.mean(contest, round, arm));
        next(contest, round, &ranked, self.keep)
    }
}

impl SequentialHalving {
    /// A candidate's mean: over all its pulls, or over this round's.
    fn mean(&self, contest: &Contest<'_>, round: &Round, candidate: CandidateIx) -> f64 {
        if self.accumulate {
            return contest.fitness(candidate);
        }
        let range = round.first..round.first + u64::from(round.pulls);
        contest.mean_of(self.pulls(), candidate, range)
    }
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
