//! What kinds that try combinations share: the next suggestion, the rows of a trial that is on, and how
//! many trials there are by default.

use crate::id::RowIx;
use crate::seed::Seed;
use crate::state::Cell;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Search, Trial};
use crate::strategy::space::{Combination, Observation, Space};
use crate::strategy::stop::StopRule;
use crate::task::example::Split;
use rand::Rng;

/// The next combination, as the sampler says; `None`: there is nothing to choose from.
pub(super) fn suggested(
    search: &Search<'_>,
    space: &Space,
    choices: &[Combination],
    known: &[Observation],
) -> Option<Combination> {
    let seed = search.setting.seed.child("trial", u64::from(search.state.memory.trials.count()));
    let trial = Trial { space, choices, known, seed };
    search.slots.sampler.suggest(search, &trial).or_else(|| any(choices, seed))
}

fn any(choices: &[Combination], seed: Seed) -> Option<Combination> {
    let mut rng = seed.child("any", 0).rng();
    (!choices.is_empty()).then(|| choices[rng.random_range(0..choices.len())])
}

impl Search<'_> {
    /// Rows of the round that is on, none where all that is left of them is out; `None`: all are in.
    pub(in crate::strategy) fn trial_under_way(&self) -> Option<Vec<Plan>> {
        let round = self.state.memory.contests.round()?;
        let trials = self.slots.evaluate.trials()?;
        let mut plans = Vec::new();
        let mut waiting = false;
        for &candidate in &round.candidates {
            let column = self.state.standing(candidate).dev();
            let mut unasked = trials.rows(self, round);
            unasked.retain(|row| column.cell(*row) == Cell::Empty);
            waiting |= !column.is_quiet();
            plans.extend(unasked.chunks(BLOCK).map(|rows: &[RowIx]| Plan::Evaluate {
                candidate,
                split: Split::Dev,
                replicate: 0,
                rows: rows.to_vec(),
            }));
        }
        (waiting || !plans.is_empty()).then_some(plans)
    }
}

/// The trials after which the search ends, where that is said.
pub(super) fn limit(search: &Search<'_>) -> Option<u32> {
    search.slots.stop.when.iter().find_map(|rule| match rule {
        StopRule::Trials(most) => Some(most.unwrap_or_else(|| number_of_trials(search))),
        _ => None,
    })
}

/// ⌊max(2·V·log₂ n, 1.5·n)⌋, where V lists are searched and n is the length of the longer one
/// (MIPROv2, as DSPy sets its number of trials).
pub(in crate::strategy) fn number_of_trials(search: &Search<'_>) -> u32 {
    let space = search.space();
    let longest = space.sets.len().max(space.texts.len()).max(2) as f64;
    let lists = if space.sets.len() > 1 { 2.0 } else { 1.0 };
    (2.0 * lists * longest.log2()).max(1.5 * longest) as u32
}
