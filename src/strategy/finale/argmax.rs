//! `argmax`: the best mean.

use super::shrinkage::win;
use crate::id::CandidateIx;
use crate::state::Status;
use crate::strategy::Plan;
use crate::strategy::search::{Final, Search};

kind! {
    /// The best mean on dev.
    "argmax": "The best mean.",
    Argmax {
        /// Among which candidates.
        among: Among = Among::Finished,
    }
}

choice! {
    /// Among which candidates the winner is chosen.
    Among {
        /// All that were judged.
        Finished = "finished",
        /// Those tried on all of dev.
        FullyEvaluated = "fully_evaluated",
        /// Those that the last contest kept.
        Survivors = "survivors",
        /// The population that the last generation left.
        Population = "population",
    }
}

impl Final for Argmax {
    fn next(&self, search: &Search<'_>) -> Vec<Plan> {
        vec![win(search.state, argmax(search, self.among))]
    }
}

/// The best mean that the goal allows.
pub(super) fn argmax(search: &Search<'_>, among: Among) -> CandidateIx {
    let state = search.state;
    let value = |candidate: CandidateIx| search.fitness(candidate);
    let finished = || search.best_by_goal(state.memory.fronts.finished().iter().copied(), value);
    let best = match among {
        Among::Finished => finished(),
        Among::Survivors => match survivors(search) {
            Some(survivors) => best_survivor(search, &survivors),
            None => finished(),
        },
        Among::Population => search.best_by_goal(search.next_generation().members, value),
        Among::FullyEvaluated => {
            let rows = state.dev_rows;
            let full = state.numbered().filter(|(_, standing)| standing.dev().folded >= rows);
            search.best_by_goal(full.map(|(candidate, _)| candidate), value)
        }
    };
    best.unwrap_or(CandidateIx::BASELINE)
}

/// Those whom the last contest left; `None`: there was no contest.
fn survivors(search: &Search<'_>) -> Option<Vec<CandidateIx>> {
    let contests = &search.state.memory.contests;
    let known = Some(contests.survivors().to_vec()).filter(|survivors| !survivors.is_empty());
    match contests.round() {
        // The contest did not come to its end: whoever is left in its last round. Before the end of its
        // first one, its newcomers are known by fewer rows than those whom the last contest left.
        Some(round) if round.first > 0 || known.is_none() => {
            let is_left = |candidate: &CandidateIx| {
                !matches!(search.state.standing(*candidate).status, Status::Dropped(_))
            };
            Some(round.candidates.iter().copied().filter(is_left).collect())
        }
        _ => known,
    }
}

/// The best of those whom a contest left. A race compares on rows that all of them have: who has been
/// in the population for long has more of them than who has just come in.
fn best_survivor(search: &Search<'_>, survivors: &[CandidateIx]) -> Option<CandidateIx> {
    let rows = |candidate: &CandidateIx| search.state.standing(*candidate).dev().folded;
    let common = survivors.iter().map(rows).min().unwrap_or(0);
    let all = survivors.iter().copied();
    let evaluate = &search.slots.evaluate;
    search.best_by_goal(all, |one| {
        evaluate.worth(search, one, common).or_else(|| search.fitness(one))
    })
}
