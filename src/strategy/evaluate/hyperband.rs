//! `hyperband`: Hyperband over combinations (Li et al. 2018, algorithm 1; over prompts, where rows of dev
//! are the resource, HbBoPs, arXiv:2412.07820, section 4): brackets of successive halving, from many
//! combinations on few rows to few on all of them. Rows are nested and the same for all. New
//! combinations come from the sampler, which learns from the most rows that enough of them have had.
//!
//! When the last bracket is done the first one begins again, until the budget is out or every
//! combination has had all of dev.

use super::rows::unasked;
use super::trial::suggested;
use crate::event::{Event, Round};
use crate::grammar::Misuse;
use crate::id::{CandidateIx, RowIx};
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search, Trials};
use crate::strategy::space::{Observation, Space, mean_on, trial};

kind! {
    /// Brackets of successive halving; each rung shows more of the same nested rows (Hyperband, Li
    /// et al. 2018; for prompts HbBoPs, arXiv:2412.07820, section 4).
    "hyperband": "Brackets of successive halving over nested rows.",
    Hyperband {
        /// Rows of the lowest rung.
        min: usize = 10 => positive,
        /// Each rung has this many times the rows, and the inverse share of the candidates.
        eta: f64 = 2.0,
    }
}

impl Evaluate for Hyperband {
    fn check(&self) -> Result<(), Misuse> {
        if self.eta > 1.0 && self.eta <= 100.0 {
            return Ok(());
        }
        Err(Misuse::of(&["eta"], "`eta` must lie above 1, up to 100"))
    }

    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        Plan::on_dev(candidate, unasked(search.state, candidate, 0, BLOCK))
    }

    fn trials(&self) -> Option<&dyn Trials> {
        Some(self)
    }

    fn rows_per_child(&self, dev: u64, _: u64) -> [u64; 2] {
        [dev.min(self.min as u64), dev]
    }
}

impl Trials for Hyperband {
    /// The first rows of dev, up to those of the round's rung.
    fn rows(&self, _: &Search<'_>, round: &Round) -> Vec<RowIx> {
        let to = u32::try_from(round.first + u64::from(round.pulls)).unwrap_or(u32::MAX);
        (0..to).map(RowIx).collect()
    }

    /// The next trial, rung or bracket; `None`: every combination has had all of dev.
    fn next(&self, search: &Search<'_>, space: &Space) -> Option<Plan> {
        let ladder = Ladder::new(self, search.state.dev_rows);
        let trials = &search.state.memory.trials;
        let (mut bracket, mut s) = (0, ladder.highest);
        if let Some(last) = search.state.memory.contests.round() {
            (bracket, s) = (last.contest, last.group);
            let members = match last.round {
                0 => trials.of_series(bracket),
                _ => last.candidates.clone(),
            };
            // A bracket whose first rung is not full yet gets another combination.
            let wants_more = last.round == 0 && members.len() < ladder.combinations(s);
            if wants_more && let Some(plan) = another(ladder, search, space, (bracket, s)) {
                return Some(plan);
            }
            if last.round < s {
                return Some(promotion(ladder, search, last, members));
            }
            bracket += 1;
            s = if s == 0 { ladder.highest } else { s - 1 };
        }
        another(ladder, search, space, (bracket, s))
    }
}

/// Rows and numbers of combinations of all brackets.
#[derive(Clone, Copy, Debug)]
struct Ladder {
    /// The most rows: all of dev.
    most: f64,
    eta: f64,
    /// s_max = ⌊log_η(b_max / b_min)⌋.
    highest: u32,
}

impl Ladder {
    fn new(kind: &Hyperband, dev_rows: u32) -> Self {
        let most = f64::from(dev_rows);
        let steps = (most / kind.min as f64).log(kind.eta);
        // Rounding must not cost a step where it comes out even.
        Self { most, eta: kind.eta, highest: (steps + 1e-9).floor().max(0.0) as u32 }
    }

    /// ⌈(s_max + 1) / (s + 1) · η^s⌉ combinations begin bracket s.
    fn combinations(self, s: u32) -> usize {
        let share = f64::from(self.highest + 1) / f64::from(s + 1);
        (share * self.power(s) - 1e-9).ceil().max(1.0) as usize
    }

    /// ⌊n η^−i⌋ of n combinations are on rung i.
    fn on_rung(self, n: usize, rung: u32) -> usize {
        ((n as f64 / self.power(rung) + 1e-9) as usize).max(1)
    }

    /// ⌊b_max η^(i−s)⌋ rows on rung i of bracket s.
    fn rows(self, s: u32, rung: u32) -> u64 {
        (self.most / self.power(s.saturating_sub(rung)) + 1e-9).max(1.0) as u64
    }

    fn power(self, exponent: u32) -> f64 {
        self.eta.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
    }

    /// The numbers of rows of all rungs, most first.
    fn all_rows(self) -> impl Iterator<Item = u64> {
        (0..=self.highest).map(move |below| self.rows(below, 0))
    }
}

/// Another combination on the first rung of a bracket.
fn another(
    ladder: Ladder,
    search: &Search<'_>,
    space: &Space,
    (bracket, s): (u32, u32),
) -> Option<Plan> {
    let trials = &search.state.memory.trials;
    let round = Round {
        contest: bracket,
        group: s,
        round: 0,
        first: 0,
        pool: u32::try_from(ladder.combinations(s)).unwrap_or(u32::MAX),
        candidates: Vec::new(),
        pulls: u32::try_from(ladder.rows(s, 0)).unwrap_or(u32::MAX),
        budget: 0,
        each: Vec::new(),
    };
    if let Some(candidate) = trials.waiting() {
        return Some(trial(candidate, round));
    }
    let choices = space.untried(search.state, &trials.of_series(bracket));
    let known = observations(ladder, search, space);
    let chosen = suggested(search, space, &choices, &known)?;
    Some(space.try_out(search.state, chosen, round))
}

/// The best of a rung get the rows of the next one.
fn promotion(ladder: Ladder, search: &Search<'_>, last: &Round, members: Vec<CandidateIx>) -> Plan {
    let s = last.group;
    let seen = ladder.rows(s, last.round);
    let mut ranked: Vec<(f64, CandidateIx)> = members
        .into_iter()
        .map(|candidate| {
            let mean = on_first(search, candidate, seen).map_or(0.0, |(mean, _)| mean);
            (mean, candidate)
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.truncate(ladder.on_rung(last.pool as usize, last.round + 1));
    let mut candidates: Vec<CandidateIx> = ranked.into_iter().map(|(_, c)| c).collect();
    candidates.sort();
    let more = ladder.rows(s, last.round + 1) - seen;
    Plan::Decide(Event::RoundStarted(Round {
        round: last.round + 1,
        first: seen,
        candidates,
        pulls: u32::try_from(more).unwrap_or(u32::MAX),
        ..last.clone()
    }))
}

/// A candidate's mean over the first rows of dev, less what its length costs, and how many of them
/// have a score.
fn on_first(search: &Search<'_>, candidate: CandidateIx, rows: u64) -> Option<(f64, usize)> {
    let rows = (0..u32::try_from(rows).unwrap_or(u32::MAX)).map(RowIx);
    let (mean, scored) = mean_on(search.state, candidate, rows)?;
    Some((mean - search.length_penalty(candidate), scored))
}

/// What is known on the most rows that enough combinations have had.
fn observations(ladder: Ladder, search: &Search<'_>, space: &Space) -> Vec<Observation> {
    let Some(enough) = search.slots.sampler.observations() else { return Vec::new() };
    let mut best = Vec::new();
    for rows in ladder.all_rows() {
        let known: Vec<Observation> = search
            .state
            .numbered()
            .filter(|(_, standing)| u64::from(standing.dev().folded) >= rows)
            .filter_map(|(candidate, _)| {
                let combination = space.combination(search.state, candidate)?;
                let (mean, rows) = on_first(search, candidate, rows)?;
                Some(Observation { combination, mean, rows })
            })
            .collect();
        if known.len() >= enough {
            return known;
        }
        best = known;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_by_hand() {
        // Dev of 80, from 10 rows on, halved: s_max = log₂ 8 = 3.
        let ladder = Ladder::new(&Hyperband { min: 10, eta: 2.0 }, 80);
        assert_eq!(ladder.highest, 3);
        // ⌈4/4 · 8⌉, ⌈4/3 · 4⌉, ⌈4/2 · 2⌉, ⌈4/1 · 1⌉.
        assert_eq!([3, 2, 1, 0].map(|s| ladder.combinations(s)), [8, 6, 4, 4]);
        assert_eq!([0, 1, 2, 3].map(|rung| ladder.rows(3, rung)), [10, 20, 40, 80]);
        assert_eq!([0, 1, 2].map(|rung| ladder.rows(2, rung)), [20, 40, 80]);
        assert_eq!([0, 1, 2, 3].map(|rung| ladder.on_rung(8, rung)), [8, 4, 2, 1]);
        assert_eq!([0, 1, 2].map(|rung| ladder.on_rung(6, rung)), [6, 3, 1]);
        assert_eq!(ladder.all_rows().collect::<Vec<_>>(), [80, 40, 20, 10]);
        // Eta of 3: ⌊log₃ 8⌋ = 1, and ⌊80/3⌋ rows.
        let ladder = Ladder::new(&Hyperband { min: 10, eta: 3.0 }, 80);
        assert_eq!((ladder.highest, ladder.rows(1, 0), ladder.combinations(1)), (1, 26, 3));
        // Less dev than the lowest rung: one at a time, on all of it.
        let ladder = Ladder::new(&Hyperband { min: 10, eta: 2.0 }, 6);
        assert_eq!((ladder.highest, ladder.rows(0, 0), ladder.combinations(0)), (0, 6, 1));
    }
}
