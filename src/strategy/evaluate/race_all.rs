//! `race_all`: population and children raced on the same blocks of rows (CAPO; arXiv:2504.16005,
//! algorithm 3).
//!
//! Blocks come in the order of dev, which is random and the same for every race, so that a candidate that
//! stays in the population has answered the first ones already. After each block a candidate is
//! dropped when at least k others are significantly better, k being how many are kept; the race ends
//! when no more than k are left, or after the last block. Scores are those less the penalty for
//! length, here and in the ranking at the end. The tests are not corrected for their number, as in
//! the paper: a race allocates rows, and claims nothing.

use super::contest::{end, leader};
use crate::event::{Dropped, Event, Round};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::state::Status;
use crate::stats;
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds, Search};
use crate::task::example::Split;

kind! {
    /// Population and children are raced block by block in a fixed order; a candidate is dropped
    /// when enough others are significantly better, until no more are left than are kept: as many
    /// as the archive holds, or one where that may hold any number (CAPO; arXiv:2504.16005,
    /// algorithm 3). Rows that a candidate answered in an earlier race are not asked again.
    "race_all": "Together: block by block, each dropped when enough others are significantly better.",
    RaceAll {
        /// What says that another is significantly better.
        test: RaceTest = RaceTest::PairedT,
        /// The level of each test, without a correction for their number.
        alpha: f64 = 0.2 => share,
        /// Rows of a block.
        block: usize = 30 => positive,
        /// The most blocks.
        max_blocks: usize = 10 => positive,
    }
}

choice! {
    /// What says that one candidate is significantly better than another on common rows.
    RaceTest {
        /// One-sided paired t-test.
        PairedT = "paired_t",
        /// Exact sign test.
        Sign = "sign",
        /// An e-process, valid at any look.
        EProcess = "e_process",
        /// Empirical Bernstein bound.
        Bernstein = "bernstein",
        /// Posterior probability.
        Bayes = "bayes",
    }
}

impl Evaluate for RaceAll {
    /// A race compares on rows that all have: who has been in the population for long has more of them
    /// than who has just come in.
    fn worth(&self, search: &Search<'_>, candidate: CandidateIx, common: u32) -> Option<f64> {
        mean(&scores(search, candidate, u64::from(common)))
    }

    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn rows_per_child(&self, dev: u64, _: u64) -> [u64; 2] {
        [self.block as u64, dev]
    }
}

impl Rounds for RaceAll {
    fn pulls(&self) -> Pulls {
        Pulls::InOrder
    }

    /// The first block; none where no more take part than are kept.
    fn start(&self, contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
        if candidates.len() <= keeps(&contest.search) {
            let value = |candidate: &CandidateIx| (contest.fitness(*candidate), *candidate);
            let mut ranked: Vec<(f64, CandidateIx)> = candidates.iter().map(value).collect();
            sort(&mut ranked);
            return end(contest, &ranked, ranked.len());
        }
        let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let pulls = pulls(self, contest.search.state, 0);
        Event::RoundStarted(Round { pool, candidates, pulls, ..contest.round() })
    }

    /// A block is in: drop the beaten candidates one by one, name the leader, go on or end.
    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event {
        let (search, state) = (&contest.search, contest.search.state);
        let done = round.first + u64::from(round.pulls);
        let columns: Vec<Vec<Option<f64>>> =
            round.candidates.iter().map(|c| scores(search, *c, done)).collect();
        let worth = columns.iter().map(|scores| mean(scores).unwrap_or(0.0));
        let mut ranked: Vec<(f64, CandidateIx)> =
            worth.zip(round.candidates.iter().copied()).collect();
        sort(&mut ranked);
        let keep = keeps(search);
        let mut left = Vec::new();
        for (place, &(value, candidate)) in ranked.iter().enumerate() {
            let by = beaten_by(self, &columns, &round.candidates, candidate);
            // Under a test of the mean the best k are never beaten by k others; under any test they stay.
            if place < keep || by < keep {
                left.push((value, candidate));
            } else if !matches!(state.standing(candidate).status, Status::Dropped(_)) {
                let by = u32::try_from(by).unwrap_or(u32::MAX);
                let why = Dropped::Beaten { by, rows: u32::try_from(done).unwrap_or(u32::MAX) };
                return Event::CandidateDropped { candidate, why };
            }
        }
        let pulls = pulls(self, state, done);
        let is_over = left.len() <= keep || pulls == 0;
        // A leader after few rows does not replace one who is known by more, before the race is over.
        let incumbent = state.standing(state.incumbent);
        let is_out = matches!(incumbent.status, Status::Dropped(_));
        let is_due = is_over || is_out || u64::from(incumbent.dev().folded) <= done;
        // Whoever misses too many rows may stay, but not lead.
        let may_lead =
            |(_, candidate): &(f64, CandidateIx)| !state.standing(*candidate).misses_too_much();
        let leaders: Vec<(f64, CandidateIx)> = left.iter().copied().filter(may_lead).collect();
        if let Some(change) = leader(contest, &leaders, round).filter(|_| is_due) {
            return change;
        }
        if is_over {
            return end(contest, &left, keep);
        }
        let mut candidates: Vec<CandidateIx> =
            left.into_iter().map(|(_, candidate)| candidate).collect();
        candidates.sort();
        Event::RoundStarted(Round {
            round: round.round + 1,
            first: done,
            candidates,
            pulls,
            ..round.clone()
        })
    }
}

/// How many are kept: as many as the archive holds, or one where that may hold any number.
fn keeps(search: &Search<'_>) -> usize {
    search.slots.archive.capacity().map_or(1, |capacity| capacity.max(1))
}

/// Rows of the block after this many rows; 0 where there is none.
fn pulls(kind: &RaceAll, state: &State, done: u64) -> u32 {
    let most = (kind.block * kind.max_blocks) as u64;
    let left = most.min(u64::from(state.dev_rows)).saturating_sub(done);
    u32::try_from(left.min(kind.block as u64)).unwrap_or(u32::MAX)
}

fn sort(ranked: &mut [(f64, CandidateIx)]) {
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
}

/// A candidate's scores on the first rows of dev, less the penalty for its length, each times the weight of its row; `None`
/// where a row has no score.
fn scores(search: &Search<'_>, candidate: CandidateIx, rows: u64) -> Vec<Option<f64>> {
    let penalty = search.length_penalty(candidate);
    let column = search.state.standing(candidate).dev();
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    let weights = &search.state.weights;
    let score = |row| Some(weights.of(Split::Dev, row) * (column.cell(row).score()? - penalty));
    (0..rows).map(RowIx).map(score).collect()
}

fn mean(scores: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = scores.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// How many others are significantly better than a candidate, on rows that both have.
fn beaten_by(
    kind: &RaceAll,
    columns: &[Vec<Option<f64>>],
    candidates: &[CandidateIx],
    candidate: CandidateIx,
) -> usize {
    let Some(place) = candidates.iter().position(|other| *other == candidate) else { return 0 };
    let mine = &columns[place];
    let is_better = |(other, theirs): &(usize, &Vec<Option<f64>>)| {
        let differences: Vec<f64> = mine
            .iter()
            .zip(*theirs)
            .filter_map(|(mine, theirs)| Some((*mine)? - (*theirs)?))
            .collect();
        *other != place && test(kind.test).is_worse(&differences, kind.alpha)
    };
    columns.iter().enumerate().filter(is_better).count()
}

fn test(test: RaceTest) -> stats::RaceTest {
    match test {
        RaceTest::PairedT => stats::RaceTest::PairedT,
        RaceTest::Sign => stats::RaceTest::Sign,
        RaceTest::EProcess => stats::RaceTest::EProcess,
        RaceTest::Bernstein => stats::RaceTest::Bernstein,
        RaceTest::Bayes => stats::RaceTest::Bayes,
    }
}
