//! Candidates that are judged together: what kinds of contests share.
//!
//! A contest is a function of the state: the round that is on says who takes part and how many rows
//! each gets; which rows these are follows from the seed. When all of them are in, the kind's `judge`
//! says what that means, one decision at a time: a new leader, somebody who is out, another round, or
//! the end.

use crate::event::{Dropped, Event, Round};
use crate::id::{CandidateIx, RowIx};
use crate::memory::Observed;
use crate::state::{Cell, Status};
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Contest, Pulls, Search};
use crate::task::example::Split;
use rand::seq::SliceRandom;
use std::ops::Range;

impl Contest<'_> {
    /// An empty round of this contest.
    pub(super) fn round(&self) -> Round {
        Round {
            contest: self.search.state.memory.contests.ended(),
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
        self.search.fitness(candidate).unwrap_or(0.0)
    }

    /// What a candidate's length costs it.
    pub(super) fn penalty(&self, candidate: CandidateIx) -> f64 {
        self.search.length_penalty(candidate)
    }

    /// Best first; the earlier one of equals.
    pub(super) fn ranked(
        &self,
        candidates: &[CandidateIx],
        value: impl Fn(CandidateIx) -> f64,
    ) -> Vec<(f64, CandidateIx)> {
        let mut ranked: Vec<(f64, CandidateIx)> =
            candidates.iter().map(|candidate| (value(*candidate), *candidate)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked
    }

    pub(super) fn is_dropped(&self, candidate: CandidateIx) -> bool {
        matches!(self.search.state.standing(candidate).status, Status::Dropped(_))
    }

    /// How many of a candidate's pulls were scored, each by the weight of its row, and their weighted sum.
    pub(super) fn answers(&self, candidate: CandidateIx) -> (f64, f64) {
        let columns = self.search.state.standing(candidate).replicates(Split::Dev);
        columns.fold((0.0, 0.0), |(scored, sum), (_, column)| {
            (scored + column.weight, sum + column.sum)
        })
    }

    /// How many pulls a candidate has had.
    pub(super) fn pulled(&self, candidate: CandidateIx) -> u64 {
        let columns = self.search.state.standing(candidate).replicates(Split::Dev);
        columns.map(|(_, column)| u64::from(column.issued)).sum()
    }

    /// What a regression on features is fitted to.
    pub(super) fn observed(&self, candidates: &[CandidateIx], features: usize) -> Observed {
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
        let dev_rows = self.search.state.dev_rows;
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
        let (standing, weights) =
            (self.search.state.standing(candidate), &self.search.state.weights);
        let (mut sum, mut all) = (0.0, 0.0);
        for (replicate, row) in self.rows(pulls, candidate, range) {
            if let Some(score) = standing.column(Split::Dev, replicate).cell(row).score() {
                let weight = weights.of(Split::Dev, row);
                sum += weight * score;
                all += weight;
            }
        }
        if all > 0.0 { sum / all } else { 0.0 }
    }

    /// Blocks of a round that are not issued yet.
    fn unasked(
        &self,
        pulls: Pulls,
        candidate: CandidateIx,
        range: Range<u64>,
    ) -> Vec<(u16, Vec<RowIx>)> {
        let standing = self.search.state.standing(candidate);
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

impl Search<'_> {
    /// What comes next in the contest that is on; `None`: there is none.
    pub(in crate::strategy) fn contest_under_way(&self) -> Option<Vec<Plan>> {
        self.state.memory.contests.round().and_then(|_| self.contest())
    }

    /// What comes next in the contest that is on, or in the next one; `None` where candidates are not
    /// judged together. Empty: wait for what is out.
    pub(in crate::strategy) fn contest(&self) -> Option<Vec<Plan>> {
        let rounds = self.slots.evaluate.rounds()?;
        let ended = u64::from(self.state.memory.contests.ended());
        let contest = Contest { search: *self, seed: self.setting.seed.child("contest", ended) };
        let Some(round) = self.state.memory.contests.round() else {
            return Some(vec![Plan::Decide(rounds.start(&contest, self.contenders()))]);
        };
        let mut plans = Vec::new();
        let mut waiting = false;
        for (place, &candidate) in round.candidates.iter().enumerate() {
            let range = round.range(place);
            for (replicate, rows) in contest.unasked(rounds.pulls(), candidate, range) {
                plans.push(Plan::Evaluate { candidate, split: Split::Dev, replicate, rows });
            }
            let mut columns = self.state.standing(candidate).replicates(Split::Dev);
            waiting |= columns.any(|(_, column)| !column.is_quiet());
        }
        if plans.is_empty() && !waiting {
            plans.push(Plan::Decide(rounds.judge(&contest, round)));
        }
        Some(plans)
    }

    /// Who is judged together: the population and its children that are not judged yet; before the
    /// first generation, all that `init` brought. Whoever left the population is not asked again.
    pub(in crate::strategy) fn contenders(&self) -> Vec<CandidateIx> {
        let mut pool = self.pool();
        if let Some(generation) = self.generation() {
            pool.retain(|candidate| {
                let is_open = self.state.standing(*candidate).status == Status::Open;
                is_open || generation.members.contains(candidate)
            });
        }
        pool
    }
}

/// The contest ends with the best `keep` of these, which are ranked. Everybody else is taken out, one
/// by one: who is neither left nor out would count as not judged, and be asked into the next contest.
pub(super) fn end(contest: &Contest<'_>, ranked: &[(f64, CandidateIx)], keep: usize) -> Event {
    for &(mean, candidate) in ranked.iter().skip(keep) {
        if !matches!(contest.search.state.standing(candidate).status, Status::Dropped(_)) {
            let why = Dropped::Outranked { mean };
            return Event::CandidateDropped { candidate, why };
        }
    }
    let survivors = ranked.iter().take(keep).map(|(_, candidate)| *candidate).collect();
    Event::ContestEnded { survivors }
}

/// Whoever leads becomes the incumbent, so that an early end has somebody to return.
pub(super) fn leader(
    contest: &Contest<'_>,
    ranked: &[(f64, CandidateIx)],
    round: &Round,
) -> Option<Event> {
    let (mean, leader) = ranked.first()?;
    (*leader != contest.search.state.incumbent).then(|| {
        let why = format!("mean {mean:.4} after round {}", round.round);
        Event::IncumbentChanged { candidate: *leader, why }
    })
}
