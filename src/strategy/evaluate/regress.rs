//! `regress`: a function of the prompts' features says who goes (TRIPLE-GSE, arXiv:2402.09723, section
//! 5.2, after the generalised successive elimination of Azizi, Kveton and Ghavamzadeh 2021): it is fitted to
//! all answers so far, and the arms that it holds to be the worse half are dropped, where it can be
//! trusted.

use super::contest::leader;
use super::sequential_halving as halving;
use crate::event::{Dropped, Event, Round};
use crate::id::{CandidateIx, RowIx};
use crate::state::{Cell, Status};
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds};
use crate::task::example::Split;
use crate::vector::ComparedText;

kind! {
    /// A function of the prompts' features is fitted as rows come in, and drops the arms that it
    /// holds to be the worse half (TRIPLE-GSE; arXiv:2402.09723, section 5.2).
    "regress": "Together: a model of the prompts' features drops the worse half.",
    Regress {
        /// Rows between two fits; 0 = ⌈log₂ K⌉ phases of equal cost.
        every: usize = 0,
        /// Dimensions of the prompts' features.
        features: usize = 64 => [1.0, 4096.0],
        /// The greatest mean squared error with which a fit may drop arms, where it explains nothing.
        max_error: f64 = 0.1,
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

impl Evaluate for Regress {
    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn compares(&self) -> Option<ComparedText> {
        Some(ComparedText::WithoutDemos)
    }

    fn rows_per_child(&self, _: u64, _: u64) -> [u64; 2] {
        [0, 0]
    }
}

impl Rounds for Regress {
    fn pulls(&self) -> Pulls {
        Pulls::paired(self.paired)
    }

    /// The first rows.
    fn start(&self, contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
        let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let budget = contest.search.remaining.rollouts;
        let round = Round { pool, budget, ..contest.round() };
        Event::RoundStarted(with_rows(self, contest, round, candidates, budget))
    }

    /// All rows of the round are in: fit, name the leader, drop the worse half where the fit can be
    /// trusted, go on.
    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event {
        let arms = arms(contest, round);
        let observed = contest.observed(&arms, self.features);
        let (state, seed) =
            (contest.search.state, contest.seed.child("fit", u64::from(round.round)));
        let fitted =
            state.memory.text_models.predicted((state, &state.memory.texts), observed, seed);
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
            fitted.r_squared >= 0.0 || fitted.mse + within(contest, &arms) <= self.max_error
        });
        let spent: u64 = arms.iter().map(|candidate| contest.pulled(*candidate)).sum();
        let is_last = spent + least(self, round) > round.budget;
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
        Event::RoundStarted(with_rows(self, contest, next, left, round.budget - spent))
    }
}

/// A round for these candidates, where `left` rows may still be used: `every` rows, each for the arm
/// that has the fewest, or the same number for all of them where phases are equal.
fn with_rows(
    kind: &Regress,
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
    let gone = contest.search.state.numbered().filter(|(candidate, standing)| {
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
        let state = contest.search.state;
        let columns = state.standing(*candidate).replicates(Split::Dev);
        let scores = columns.flat_map(|(_, column)| (0..).map(RowIx).zip(column.cells()));
        let square = |(row, cell): (RowIx, &Cell)| {
            Some(state.weights.of(Split::Dev, row) * cell.score()?.powi(2))
        };
        let of_all: f64 = scores.filter_map(square).sum();
        squares += of_all - sum * sum / scored;
        answers += scored;
    }
    if answers > 0.0 { (squares / answers).max(0.0) } else { 0.0 }
}

/// The fewest rows that another round makes sense with.
fn least(kind: &Regress, round: &Round) -> u64 {
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
