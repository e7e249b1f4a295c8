//! Populations that rarely meet: whose turn it is, and who is copied to the next one.

use super::population::members;
use super::{Plan, State};
use crate::event::{Event, Migrant};
use crate::recipe::{Archive, Recipe};

/// The island whose turn it is: they breed in turn, so that each gets the same share of uses.
pub(super) fn turn(recipe: &Recipe, state: &State) -> Option<u16> {
    match &recipe.archive {
        Archive::Islands(kind) => {
            let uses: u32 = state.memory.uses.total();
            u16::try_from(uses as usize % kind.count.max(1)).ok()
        }
        _ => None,
    }
}

/// A migration that is due: the best of each island are copied to the next one of the ring, all at
/// once. Candidates of `init` are on every island already.
pub(super) fn migration(recipe: &Recipe, state: &State) -> Option<Plan> {
    let Archive::Islands(kind) = &recipe.archive else { return None };
    let done = state.memory.islands.migrations();
    let due = kind.migrate_every > 0
        && kind.count > 1
        && state.memory.turns.decided() / kind.migrate_every > done;
    if !due {
        return None;
    }
    let count = u16::try_from(kind.count).unwrap_or(u16::MAX);
    let mut moves = Vec::new();
    for island in 0..count {
        let next = (island + 1) % count;
        let bred: Vec<_> = members(recipe, state, Some(island))
            .into_iter()
            .filter(|candidate| !state.memory.islands.of(*candidate).is_empty())
            .collect();
        let most = (bred.len() as f64 * kind.migrate_rate).ceil() as usize;
        let new = bred
            .into_iter()
            .take(most)
            .filter(|candidate| !state.memory.islands.of(*candidate).contains(&next));
        moves.extend(new.map(|candidate| Migrant { candidate, island: next }));
    }
    Some(Plan::Decide(Event::Migrated { moves }))
}
