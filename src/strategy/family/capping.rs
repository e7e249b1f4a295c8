//! Of the children of one parent in one generation only this many are tried, drawn at random
//! (ProTeGi's `max_expansion_factor`; arXiv:2305.03495, section 3.2: eight, so that the bandit's
//! pool does not grow with the beam).
//!
//! Not a judgement: whoever is left out was never run.

use crate::event::{Dropped, Event};
use crate::id::CandidateIx;
use crate::memory::State;
use crate::state::Status;
use crate::strategy::Plan;
use crate::strategy::search::Search;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

fn most_children(search: &Search<'_>) -> Option<usize> {
    search.slots.screen.iter().find_map(|screen| screen.most_children())
}

/// Whether a candidate is a child that may be left out.
pub(super) fn concerns(search: &Search<'_>, candidate: CandidateIx) -> bool {
    most_children(search).is_some() && is_of_this_generation(search.state, candidate)
}

fn is_of_this_generation(state: &State, candidate: CandidateIx) -> bool {
    state.memory.generations.current().is_some()
        && state.memory.births.of(candidate).generation == state.memory.generations.next_number()
}

/// The next child that is left out, when all of the generation are there.
pub(super) fn next(search: &Search<'_>, is_bred: impl FnOnce() -> bool) -> Option<Plan> {
    let most = most_children(search)?;
    if !is_bred() {
        return None;
    }
    let state = search.state;
    let mut families: BTreeMap<CandidateIx, Vec<CandidateIx>> = BTreeMap::new();
    for (candidate, _) in state.numbered() {
        if is_of_this_generation(state, candidate) {
            families.entry(member(state, candidate)).or_default().push(candidate);
        }
    }
    let number = u64::from(state.memory.generations.number());
    let seed = search.setting.seed.child("cap", number);
    for (parent, mut children) in families {
        children.shuffle(&mut seed.child("of", u64::from(parent.0)).rng());
        let over = children
            .into_iter()
            .skip(most)
            .find(|child| state.standing(*child).status == Status::Open);
        if let Some(candidate) = over {
            let why = Dropped::Capped;
            return Some(Plan::Decide(Event::CandidateDropped { candidate, why }));
        }
    }
    None
}

/// The member of the population that a child descends from: a paraphrase is a child of a child.
fn member(state: &State, child: CandidateIx) -> CandidateIx {
    let mut at = child;
    while let Some(parent) = state.standing(at).candidate.parents.first() {
        at = *parent;
        if !is_of_this_generation(state, at) {
            break;
        }
    }
    at
}
