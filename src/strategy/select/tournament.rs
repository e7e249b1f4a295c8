//! `tournament`: the better of two, in place of the worse.

use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};
use rand::seq::SliceRandom;

kind! {
    /// The population is shuffled and paired; the winner of each pair is mutated, and its child
    /// takes the loser's place (PromptBreeder; arXiv:2309.16797, section 3).
    "tournament": "The better of two, in place of the worse.",
    Tournament {}
}

impl Select for Tournament {
    fn parents(&self, search: &Search<'_>, pool: &Pool<'_>) -> Option<Parents> {
        let members = pool.members;
        let mut order: Vec<usize> = (0..members.len()).collect();
        let generation = u64::from(search.state.memory.generations.number());
        order.shuffle(&mut search.setting.seed.child("pairs", generation).rng());
        let (a, b) = (*order.get(2 * pool.index)?, *order.get(2 * pool.index + 1)?);
        let fit = |place: usize| search.fitness(members[place]).unwrap_or(0.0);
        let (winner, loser) = if fit(b) > fit(a) { (b, a) } else { (a, b) };
        Some(Parents { candidates: vec![members[winner]], place: u16::try_from(loser).ok() })
    }

    fn needs_generations(&self) -> bool {
        true
    }

    fn always_gives(&self) -> Option<usize> {
        Some(1)
    }

    fn per_generation(&self, children: usize, members: usize) -> usize {
        children.min(members / 2)
    }
}
