//! A function of the prompts' features says who goes (TRIPLE-GSE, arXiv:2402.09723, section 5.2, after
//! the generalised successive elimination of Azizi, Kveton and Ghavamzadeh 2021): it is fitted to all
//! answers so far, and the arms that it holds to be the worse half are dropped, where it can be
//! trusted.

use super::{Contest, Pulls, halving, leader};
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::recipe::RegressEvaluate;
use crate::state::Status;
use crate::task::example::Split;

/// Which rows the arms get.
pub(super) fn pulls(kind: &RegressEvaluate) -> Pulls {
    if kind.paired { Pulls::Shared } else { Pulls::Own }
}

/// The first rows.
pub(super) fn start(
    kind: &RegressEvaluate,
    contest: &Contest<'_>,
    candidates: Vec<CandidateIx>,
) -> Event {
    let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let budget = contest.remaining.rollouts;
    let round = Round { pool, budget, ..contest.round() };
    Event::RoundStarted(with_rows(kind, contest, round, candidates, budget))
}

/// A round for these candidates, where `left` rows may still be used: `every` rows, each for the arm
/// that has the fewest, or the same number for all of them where phases are equal.
fn with_rows(
    kind: &RegressEvaluate,
    contest: &Contest<'_>,
    round: Round,
    candidates: Vec<CandidateIx>,
    left: u64,
) -> Round {
    let before: Vec<u64> = candidates.iter().map(|candidate| contest.pulled(*candidate)).collect();
    let mut counts = vec![0_u32; candidates.len()];
    if kind.every == 0 {
        counts.fill(halving::pulls_each(round.budget, round.pool, candidates.len()));
    } else {
        for _ in 0..left.min(kind.every as u64).max(1) {
            let fewest =
                (0..counts.len()).min_by_key(|place| before[*place] + u64::from(counts[*place]));
            if let Some(place) = fewest {
                counts[place] += 1;
            }
        }
    }
    let pulls = counts.iter().copied().max().unwrap_or(0);
    let each = before.into_iter().zip(counts).collect();
    Round { candidates, pulls, each, ..round }
}

/// What is known of the arms of a contest, those that are gone included.
fn arms(contest: &Contest<'_>, round: &Round) -> Vec<CandidateIx> {
    let gone = contest.state.numbered().filter(|(candidate, standing)| {
        matches!(standing.status, Status::Dropped(Dropped::Predicted { .. }))
            && !round.candidates.contains(candidate)
    });
    let gone: Vec<CandidateIx> = gone.map(|(candidate, _)| candidate).collect();
    round.candidates.iter().copied().chain(gone).collect()
}

/// The mean variance of single answers around their own arm's mean: what no function of the arms can
/// explain.
fn within(contest: &Contest<'_>, arms: &[CandidateIx]) -> f64 {
    let (mut squares, mut answers) = (0.0, 0.0);
    for candidate in arms {
        let (scored, sum) = contest.answers(*candidate);
        if scored == 0.0 {
            continue;
        }
        let columns = contest.state.standing(*candidate).replicates(Split::Dev);
        let scores = columns.flat_map(|(_, column)| column.cells().iter());
        let of_all: f64 = scores.filter_map(|cell| cell.score()).map(|score| score * score).sum();
        squares += of_all - sum * sum / scored;
        answers += scored;
    }
    if answers > 0.0 { (squares / answers).max(0.0) } else { 0.0 }
}

/// All rows of the round are in: fit, name the leader, drop the worse half where the fit can be
/// trusted, go on.
pub(super) fn judge(kind: &RegressEvaluate, contest: &Contest<'_>, round: &Round) -> Event {
    let arms = arms(contest, round);
    let observed = contest.observed(&arms, kind.features);
    let seed = contest.seed.child("fit", u64::from(round.round));
    let fitted = contest.state.memory.text_models.predicted(contest.state, observed, seed);
    let value = |candidate: CandidateIx| {
        let place = arms.iter().position(|other| *other == candidate);
        match (&fitted, place) {
            (Some(fitted), Some(place)) => fitted.means[place] - contest.penalty(candidate),
            _ => contest.fitness(candidate),
        }
    };
    let ranked = contest.ranked(&round.candidates, value);
    if let Some(change) = leader(contest, &ranked, round) {
        return change;
    }
    // A fit is trusted when a member explains anything at all, or when its error on single answers is
    // small. That error is the one on means plus what answers scatter around their own arm's mean.
    let is_trusted = fitted.as_ref().is_some_and(|fitted| {
        fitted.r_squared >= 0.0 || fitted.mse + within(contest, &arms) <= kind.max_error
    });
    let spent: u64 = arms.iter().map(|candidate| contest.pulled(*candidate)).sum();
    let is_last = spent + least(kind, round) > round.budget;
    let keep = match (is_last, is_trusted) {
        // Whoever is held to be the best at the end is the answer.
        (true, _) => 1,
        (false, true) => ranked.len().div_ceil(2),
        (false, false) => ranked.len(),
    };
    for (mean, candidate) in ranked.iter().skip(keep) {
        if !contest.is_dropped(*candidate) {
            let why = Dropped::Predicted { mean: *mean };
            return Event::CandidateDropped { candidate: *candidate, why };
        }
    }
    let mut left: Vec<CandidateIx> =
        ranked.into_iter().take(keep).map(|(_, candidate)| candidate).collect();
    if left.len() <= 1 {
        return Event::ContestEnded { survivors: left };
    }
    left.sort();
    let next = Round { round: round.round + 1, ..round.clone() };
    Event::RoundStarted(with_rows(kind, contest, next, left, round.budget - spent))
}

/// The fewest rows that another round makes sense with.
fn least(kind: &RegressEvaluate, round: &Round) -> u64 {
    match kind.every {
        // The last phase of equal ones has what rounding left of it.
        0 if round.round + 1
            >= u32::try_from(halving::rounds(round.pool as usize)).unwrap_or(1) =>
        {
            u64::MAX / 2
        }
        _ => 1,
    }
}
