//! `minibatch_promote`: minibatch trials with promotions (MIPROv2, arXiv:2406.11695, section 3.3): each
//! trial sees a random minibatch; after every few, the combination with the best mean over its minibatches
//! that has not had all of dev gets the rest, and so does one more at the end.
//!
//! The first trial of all is the baseline on all of dev, which every run begins with.

use super::rows::unasked;
use super::trial::{limit, suggested};
use crate::event::Round;
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search, Trials};
use crate::strategy::space::{Combination, Made, Observation, Space, is_full, mean_on, trial};
use rand::seq::SliceRandom;

kind! {
    /// Each trial gets a minibatch; after every few, the best mean that has not seen all of dev gets
    /// the rest (MIPROv2; arXiv:2406.11695, section 3.3).
    "minibatch_promote": "A minibatch for each trial, all of dev for the best one now and then.",
    MinibatchPromote {
        /// Rows of a minibatch.
        size: usize = 35 => positive,
        /// Trials between two promotions.
        promote_every: usize = 5 => positive,
        /// Up to this many rows of dev, every trial gets all of them.
        full_below: usize = 50,
    }
}

/// Trials for each combination after which a sampler that only repeats itself has nothing to add.
const MAX_REPEATS: usize = 10;

impl Evaluate for MinibatchPromote {
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        Plan::on_dev(candidate, unasked(search.state, candidate, 0, BLOCK))
    }

    fn trials(&self) -> Option<&dyn Trials> {
        Some(self)
    }

    fn rows_per_child(&self, dev: u64, _: u64) -> [u64; 2] {
        [dev.min(self.size as u64), dev]
    }
}

impl Trials for MinibatchPromote {
    /// The rows of a round: a minibatch for a trial, all for a promotion.
    fn rows(&self, search: &Search<'_>, round: &Round) -> Vec<RowIx> {
        if round.round > 0 { all(search.state) } else { self.minibatch(search, round.contest) }
    }

    /// The next trial; `None`: there is nothing left to learn.
    fn next(&self, search: &Search<'_>, space: &Space) -> Option<Plan> {
        let trials = &search.state.memory.trials;
        if let Some(candidate) = trials.waiting() {
            return Some(trial(candidate, round(trials.count(), 0)));
        }
        let untried = space.untried(search.state, &[]);
        if untried.is_empty() || trials.tried().len() >= MAX_REPEATS * space.all().count() {
            return None;
        }
        // What an estimator asks for again gets other rows.
        let (choices, known) = if search.slots.sampler.repeats() {
            let refused = |c: &Combination| space.made(search.state, *c) == Made::Refused;
            let choices = space.all().filter(|combination| !refused(combination)).collect();
            (choices, self.each_trial(search, space))
        } else {
            (untried, each_candidate(search, space))
        };
        let chosen = suggested(search, space, &choices, &known)?;
        Some(space.try_out(search.state, chosen, round(trials.count(), 0)))
    }

    /// The full evaluation that is due.
    fn promotion(&self, search: &Search<'_>) -> Option<Plan> {
        let trials = search.state.memory.trials.count();
        let every = u32::try_from(self.promote_every).unwrap_or(u32::MAX);
        let is_last = limit(search).is_some_and(|limit| trials >= limit);
        let is_due = trials > 0 && (trials.is_multiple_of(every) || is_last);
        if !is_due
            || self.is_small(search.state)
            || search.state.memory.trials.promoted_at() == Some(trials)
        {
            return None;
        }
        let mut means: Vec<(CandidateIx, f64, u32)> = Vec::new();
        for (candidate, mean) in self.results(search) {
            match means.iter_mut().find(|(other, ..)| *other == candidate) {
                Some((_, sum, count)) => {
                    *sum += mean;
                    *count += 1;
                }
                None => means.push((candidate, mean, 1)),
            }
        }
        let mut best: Option<(f64, CandidateIx)> = None;
        for (candidate, sum, count) in means {
            let mean = sum / f64::from(count);
            // Of equals, the one that was tried first.
            if !is_full(search.state, candidate)
                && best.is_none_or(|(highest, _)| mean > highest + 1e-12)
            {
                best = Some((mean, candidate));
            }
        }
        Some(trial(best?.1, round(trials, 1)))
    }
}

impl MinibatchPromote {
    /// Whether trials see all of dev.
    fn is_small(&self, state: &State) -> bool {
        state.dev_rows as usize <= self.full_below.max(self.size)
    }

    /// The rows of a trial.
    fn minibatch(&self, search: &Search<'_>, number: u32) -> Vec<RowIx> {
        let mut rows = all(search.state);
        if !self.is_small(search.state) {
            rows.shuffle(&mut search.setting.seed.child("minibatch", u64::from(number)).rng());
            rows.truncate(self.size);
        }
        rows
    }

    /// Trials in their order with the mean of each.
    fn results(&self, search: &Search<'_>) -> Vec<(CandidateIx, f64)> {
        let trials = search.state.memory.trials.tried().iter();
        trials
            .filter_map(|trial| {
                let rows = self.minibatch(search, trial.series);
                let (mean, _) = mean_on(search.state, trial.candidate, rows.into_iter())?;
                Some((trial.candidate, mean))
            })
            .collect()
    }

    /// The baseline's full evaluation, each trial, and each promotion, as observations of their own.
    fn each_trial(&self, search: &Search<'_>, space: &Space) -> Vec<Observation> {
        let mut found: Vec<(CandidateIx, f64)> = Vec::new();
        let full_mean = |candidate: CandidateIx| search.state.standing(candidate).dev().mean();
        found.extend(full_mean(CandidateIx::BASELINE).map(|mean| (CandidateIx::BASELINE, mean)));
        found.extend(self.results(search));
        for candidate in search.state.memory.trials.promoted() {
            found.extend(full_mean(*candidate).map(|mean| (*candidate, mean)));
        }
        found
            .into_iter()
            .filter_map(|(candidate, mean)| {
                let combination = space.combination(search.state, candidate)?;
                Some(Observation { combination, mean, rows: 1 })
            })
            .collect()
    }
}

fn round(series: u32, number: u32) -> Round {
    Round {
        contest: series,
        group: 0,
        round: number,
        first: 0,
        pool: 1,
        candidates: Vec::new(),
        pulls: 0,
        budget: 0,
        each: Vec::new(),
    }
}

fn all(state: &State) -> Vec<RowIx> {
    (0..state.dev_rows).map(RowIx).collect()
}

/// What is known of each combination that has answers.
fn each_candidate(search: &Search<'_>, space: &Space) -> Vec<Observation> {
    let numbered = search.state.numbered();
    numbered
        .filter_map(|(candidate, standing)| {
            let combination = space.combination(search.state, candidate)?;
            let mean = search.fitness(candidate)?;
            let rows = standing.dev().scored as usize;
            Some(Observation { combination, mean, rows })
        })
        .collect()
}
