//! Candidates that are judged together: rounds in which each of them gets rows, until a few are left.
//!
//! A contest is a function of the state: the round that is on says who takes part and how many rows
//! each gets; which rows these are follows from the seed. When all of them are in, the kind's `judge`
//! says what that means, one decision at a time: a new leader, somebody who is out, another round, or
//! the end.

mod cluster;
mod continuous_reject;
mod halving;
mod race_all;
mod regress;
mod ucb;

pub(super) use race_all::worth as worth_in_race;

use super::ranking::{fitness, length_penalty};
use super::{Plan, Remaining, State};
use crate::event::{Dropped, Event, Round};
use crate::id::{CandidateIx, RowIx};
use crate::memory::Observed;
use crate::recipe::{BLOCK, Evaluate, Recipe};
use crate::seed::Seed;
use crate::state::{Cell, Status};
use crate::task::example::Split;
use rand::seq::SliceRandom;
use std::ops::Range;

/// What a contest knows.
pub(super) struct Contest<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) state: &'a State,
    pub(super) remaining: Remaining,
    /// The seed of this contest alone.
    pub(super) seed: Seed,
}

/// How the rows of pulls are drawn. Pulls are numbered from 0; every full turn through dev is another
/// replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulls {
    /// The same rows for all, in the order of dev, which is random already.
    InOrder,
    /// The same random rows for all.
    Shared,
    /// As `Shared`, but a row that comes again is no other answer to it.
    Again,
    /// Each candidate draws its own.
    Own,
}

impl Contest<'_> {
    /// An empty round of this contest.
    pub(super) fn round(&self) -> Round {
        Round {
            contest: self.state.memory.contests.ended(),
            group: 0,
            round: 0,
            first: 0,
            pool: 0,
            candidates: Vec::new(),
            pulls: 0,
            budget: 0,
            each: Vec::new(),
        }
    }

    /// What a candidate is ranked by, over all its answers to dev.
    pub(super) fn fitness(&self, candidate: CandidateIx) -> f64 {
        fitness(self.recipe, self.state, candidate).unwrap_or(0.0)
    }

    /// What a candidate's length costs it.
    fn penalty(&self, candidate: CandidateIx) -> f64 {
        length_penalty(self.recipe, self.state, candidate)
    }

    /// Best first; the earlier one of equals.
    fn ranked(
        &self,
        candidates: &[CandidateIx],
        value: impl Fn(CandidateIx) -> f64,
    ) -> Vec<(f64, CandidateIx)> {
        let mut ranked: Vec<(f64, CandidateIx)> =
            candidates.iter().map(|candidate| (value(*candidate), *candidate)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked
    }

    fn is_dropped(&self, candidate: CandidateIx) -> bool {
        matches!(self.state.standing(candidate).status, Status::Dropped(_))
    }

    /// How many of a candidate's pulls were scored, and their sum.
    fn answers(&self, candidate: CandidateIx) -> (f64, f64) {
        let columns = self.state.standing(candidate).replicates(Split::Dev);
        columns.fold((0.0, 0.0), |(scored, sum), (_, column)| {
            (scored + f64::from(column.scored), sum + column.sum)
        })
    }

    /// How many pulls a candidate has had.
    fn pulled(&self, candidate: CandidateIx) -> u64 {
        let columns = self.state.standing(candidate).replicates(Split::Dev);
        columns.map(|(_, column)| u64::from(column.issued)).sum()
    }

    /// What a regression on features is fitted to.
    fn observed(&self, candidates: &[CandidateIx], features: usize) -> Observed {
        let answers: Vec<(f64, f64)> = candidates.iter().map(|c| self.answers(*c)).collect();
        let mean = |(scored, sum): &(f64, f64)| if *scored > 0.0 { sum / scored } else { 0.0 };
        Observed {
            features,
            candidates: candidates.to_vec(),
            means: answers.iter().map(mean).collect(),
            pulls: answers.iter().map(|(scored, _)| *scored).collect(),
        }
    }

    /// The rows of a candidate's pulls `range`: a permutation of dev, and another one for each time
    /// round.
    pub(super) fn rows(
        &self,
        pulls: Pulls,
        candidate: CandidateIx,
        range: Range<u64>,
    ) -> Vec<(u16, RowIx)> {
        let dev_rows = self.state.dev_rows;
        let rows = u64::from(dev_rows.max(1));
        let stream = match pulls {
            Pulls::InOrder | Pulls::Shared | Pulls::Again => 0,
            Pulls::Own => u64::from(candidate.0) + 1,
        };
        let mut found = Vec::new();
        let mut cycle = None;
        let mut order: Vec<RowIx> = Vec::new();
        for pull in range {
            if cycle != Some(pull / rows) {
                cycle = Some(pull / rows);
                order = (0..dev_rows).map(RowIx).collect();
                if pulls != Pulls::InOrder {
                    let seed = self.seed.child("pulls", stream).child("cycle", pull / rows);
                    order.shuffle(&mut seed.rng());
                }
            }
            let replicate = match pulls {
                Pulls::Again => 0,
                _ => u16::try_from(pull / rows).unwrap_or(u16::MAX),
            };
            if let Some(row) = order.get((pull % rows) as usize) {
                found.push((replicate, *row));
            }
        }
        found
    }

    /// The mean over some of a candidate's pulls.
    pub(super) fn mean_of(&self, pulls: Pulls, candidate: CandidateIx, range: Range<u64>) -> f64 {
        let standing = self.state.standing(candidate);
        let scores: Vec<f64> = self
            .rows(pulls, candidate, range)
            .into_iter()
            .filter_map(|(replicate, row)| standing.column(Split::Dev, replicate).cell(row).score())
            .collect();
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }

    /// Blocks of a round that are not issued yet.
    fn unasked(
        &self,
        pulls: Pulls,
        candidate: CandidateIx,
        range: Range<u64>,
    ) -> Vec<(u16, Vec<RowIx>)> {
        let standing = self.state.standing(candidate);
        let mut blocks: Vec<(u16, Vec<RowIx>)> = Vec::new();
        for (replicate, row) in self.rows(pulls, candidate, range) {
            if standing.column(Split::Dev, replicate).cell(row) != Cell::Empty {
                continue;
            }
            match blocks.last_mut() {
                Some((last, rows)) if *last == replicate && rows.len() < BLOCK => rows.push(row),
                _ => blocks.push((replicate, vec![row])),
            }
        }
        blocks
    }
}

/// What comes next in the contest of these candidates. Empty: wait for what is out.
pub(super) fn next(
    recipe: &Recipe,
    state: &State,
    contenders: impl FnOnce() -> Vec<CandidateIx>,
    remaining: Remaining,
    seed: Seed,
) -> Vec<Plan> {
    let seed = seed.child("contest", u64::from(state.memory.contests.ended()));
    let contest = Contest { recipe, state, remaining, seed };
    let Some(round) = state.memory.contests.round() else {
        return vec![Plan::Decide(start(&contest, contenders()))];
    };
    let mut plans = Vec::new();
    let mut waiting = false;
    let how = pulls(&recipe.evaluate);
    for (place, &candidate) in round.candidates.iter().enumerate() {
        for (replicate, rows) in contest.unasked(how, candidate, round.range(place)) {
            plans.push(Plan::Evaluate { candidate, split: Split::Dev, replicate, rows });
        }
        waiting |= state.standing(candidate).replicates(Split::Dev).any(|(_, c)| !c.is_quiet());
    }
    if !plans.is_empty() || waiting {
        return plans;
    }
    vec![Plan::Decide(judge(&contest, round))]
}

fn start(contest: &Contest<'_>, contenders: Vec<CandidateIx>) -> Event {
    match &contest.recipe.evaluate {
        Evaluate::SequentialHalving(_) => halving::start(contest, contenders),
        Evaluate::RaceAll(kind) => race_all::start(kind, contest, contenders),
        Evaluate::ContinuousReject(kind) => continuous_reject::start(kind, contest, contenders),
        Evaluate::Cluster(kind) => cluster::start(kind, contest, contenders),
        Evaluate::Regress(kind) => regress::start(kind, contest, contenders),
        Evaluate::Ucb(kind) => ucb::start(kind, contest, contenders),
        _ => Event::ContestEnded { survivors: contenders },
    }
}

fn pulls(evaluate: &Evaluate) -> Pulls {
    match evaluate {
        Evaluate::SequentialHalving(kind) => halving::pulls(kind),
        Evaluate::ContinuousReject(kind) => continuous_reject::pulls(kind),
        Evaluate::Cluster(kind) => cluster::pulls(kind),
        Evaluate::Regress(kind) => regress::pulls(kind),
        Evaluate::Ucb(_) => Pulls::Again,
        _ => Pulls::InOrder,
    }
}

/// All pulls of the round are in.
fn judge(contest: &Contest<'_>, round: &Round) -> Event {
    match &contest.recipe.evaluate {
        Evaluate::SequentialHalving(kind) => halving::judge(kind, contest, round),
        Evaluate::RaceAll(kind) => race_all::judge(kind, contest, round),
        Evaluate::ContinuousReject(kind) => continuous_reject::judge(kind, contest, round),
        Evaluate::Cluster(kind) => cluster::judge(kind, contest, round),
        Evaluate::Regress(kind) => regress::judge(kind, contest, round),
        Evaluate::Ucb(kind) => ucb::judge(kind, contest, round),
        _ => Event::ContestEnded { survivors: round.candidates.clone() },
    }
}

/// The contest ends with the best `keep` of these, which are ranked. Everybody else is taken out, one
/// by one: who is neither left nor out would count as not judged, and be asked into the next contest.
fn end(contest: &Contest<'_>, ranked: &[(f64, CandidateIx)], keep: usize) -> Event {
    for &(mean, candidate) in ranked.iter().skip(keep) {
        if !matches!(contest.state.standing(candidate).status, Status::Dropped(_)) {
            let why = Dropped::Outranked { mean };
            return Event::CandidateDropped { candidate, why };
        }
    }
    let survivors = ranked.iter().take(keep).map(|(_, candidate)| *candidate).collect();
    Event::ContestEnded { survivors }
}

/// Whoever leads becomes the incumbent, so that an early end has somebody to return.
fn leader(contest: &Contest<'_>, ranked: &[(f64, CandidateIx)], round: &Round) -> Option<Event> {
    let (mean, leader) = ranked.first()?;
    (*leader != contest.state.incumbent).then(|| {
        let why = format!("mean {mean:.4} after round {}", round.round);
        Event::IncumbentChanged { candidate: *leader, why }
    })
}
