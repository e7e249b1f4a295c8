//! `ucb`: rows go where an upper confidence bound is highest (ProTeGi's UCB; arXiv:2305.03495,
//! algorithm 3; for pools APE's variant, arXiv:2211.01910, section 3.3).
//!
//! Each round the arms with the highest bounds answer a new random sample of dev, the same for all of
//! them. The statistics are those of this contest alone. A row that an arm has answered before counts
//! again without being asked again: at temperature 0, as in the paper, the answer is the same.

use super::contest::leader;
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::state::Status;
use crate::stats::bandit;
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds};
use crate::task::example::Split;
use rand::seq::SliceRandom;

kind! {
    /// Rounds in which the arms with the highest bounds get the same fresh rows (ProTeGi's UCB;
    /// arXiv:2305.03495, section 3.3; APE's variant).
    "ucb": "Together: rows go where an upper confidence bound is highest.",
    Ucb {
        /// Rounds.
        rounds: usize = 8 => positive,
        /// Arms of a round.
        arms: usize = 8 => positive,
        /// Rows for each of them.
        pulls: usize = 32 => positive,
        /// The weight of exploration.
        c: f64 = 1.0 => not_negative,
    }
}

impl Evaluate for Ucb {
    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn rows_per_child(&self, _: u64, _: u64) -> [u64; 2] {
        [0, (self.rounds * self.pulls) as u64]
    }
}

impl Rounds for Ucb {
    fn pulls(&self) -> Pulls {
        Pulls::Again
    }

    /// The first round; no contest where there is nothing to choose from.
    fn start(&self, contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
        if candidates.len() <= 1 {
            return Event::ContestEnded { survivors: candidates };
        }
        let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let first = Round { pool, ..contest.round() };
        next_round(self, contest, &candidates, &[], first)
    }

    /// All pulls of the round are in: another round, or the best of what was seen.
    fn judge(&self, contest: &Contest<'_>, last: &Round) -> Event {
        let arms = arms(contest);
        let played = contest.search.state.memory.contests.played();
        if (last.round as usize) + 1 < self.rounds {
            // Every full turn through dev is another permutation of it, so each round starts a turn.
            let first = last.first + u64::from(contest.search.state.dev_rows);
            let next = Round { round: last.round + 1, first, ..last.clone() };
            return next_round(self, contest, &arms, played, next);
        }
        let mut ranked: Vec<(f64, CandidateIx)> = Vec::new();
        let mut unseen: Vec<CandidateIx> = Vec::new();
        for arm in arms {
            match Arm::of(contest, played, arm) {
                Arm { pulls: 0, .. } => unseen.push(arm),
                seen => ranked.push((seen.mean, arm)),
            }
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if let Some(change) = leader(contest, &ranked, last) {
            return change;
        }
        let keep = contest.search.slots.archive.survivors().unwrap_or(usize::MAX);
        let beaten = ranked.iter().skip(keep).copied();
        let beaten = beaten.chain(unseen.into_iter().map(|arm| (0.0, arm)));
        for (mean, candidate) in beaten {
            if !matches!(contest.search.state.standing(candidate).status, Status::Dropped(_)) {
                let why = Dropped::Outranked { mean };
                return Event::CandidateDropped { candidate, why };
            }
        }
        let survivors = ranked.into_iter().take(keep).map(|(_, candidate)| candidate).collect();
        Event::ContestEnded { survivors }
    }
}

/// Who competes: the population and its children, or the whole pool.
fn arms(contest: &Contest<'_>) -> Vec<CandidateIx> {
    let state = contest.search.state;
    let Some(generation) = state.memory.generations.current() else {
        return contest.search.pool();
    };
    let takes_part = |candidate: CandidateIx| {
        let standing = state.standing(candidate);
        let born = state.memory.births.of(candidate).generation;
        let is_member = generation.members.contains(&candidate);
        (is_member || born == state.memory.generations.next_number())
            && !matches!(standing.status, Status::Dropped(_))
    };
    state.numbered().map(|(candidate, _)| candidate).filter(|arm| takes_part(*arm)).collect()
}

/// What this contest has seen of an arm.
struct Arm {
    pulls: usize,
    mean: f64,
}

impl Arm {
    fn of(contest: &Contest<'_>, played: &[Round], arm: CandidateIx) -> Self {
        let column = contest.search.state.standing(arm).dev();
        let (mut pulls, mut sum, mut all) = (0, 0.0, 0.0);
        for round in played.iter().filter(|round| round.candidates.contains(&arm)) {
            let range = round.first..round.first + u64::from(round.pulls);
            for (_, row) in contest.rows(Pulls::Again, arm, range) {
                if let Some(score) = column.cell(row).score() {
                    let weight = contest.search.state.weights.of(Split::Dev, row);
                    pulls += 1;
                    sum += weight * score;
                    all += weight;
                }
            }
        }
        let penalty = contest.penalty(arm);
        let mean = if pulls == 0 { 0.0 } else { sum / all - penalty };
        Self { pulls, mean }
    }
}

/// The arms with the highest Q + c·√(ln t / N) in round t (from 1) for N rows answered, those without
/// a row first, ties at random (algorithm 3, line 5).
fn next_round(
    kind: &Ucb,
    contest: &Contest<'_>,
    arms: &[CandidateIx],
    played: &[Round],
    next: Round,
) -> Event {
    let mut order = arms.to_vec();
    order.shuffle(&mut contest.seed.child("ties", u64::from(next.round)).rng());
    let t = f64::from(next.round) + 1.0;
    let mut bounds: Vec<(f64, CandidateIx)> = order
        .into_iter()
        .map(|candidate| {
            let arm = Arm::of(contest, played, candidate);
            let bound = if arm.pulls == 0 {
                f64::INFINITY
            } else {
                bandit::ucb(arm.mean, arm.pulls as f64, t, kind.c)
            };
            (bound, candidate)
        })
        .collect();
    bounds.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut candidates: Vec<CandidateIx> =
        bounds.into_iter().take(kind.arms).map(|(_, candidate)| candidate).collect();
    candidates.sort();
    let pulls = u32::try_from(kind.pulls).unwrap_or(u32::MAX).min(contest.search.state.dev_rows);
    Event::RoundStarted(Round { candidates, pulls, ..next })
}
