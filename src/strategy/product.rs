//! Combinations of ingredients: an instruction with a set of demonstrations, as a sampler says.

use super::drafting::Setting;
use super::{Plan, Remaining, State};
use crate::event::{Event, StopReason};
use crate::recipe::Recipe;

/// What comes next when all ingredients are there and nothing is out.
pub(super) fn next(
    _recipe: &Recipe,
    _state: &State,
    _setting: Setting,
    _remaining: Remaining,
) -> Vec<Plan> {
    vec![Plan::Decide(Event::SearchEnded { reason: StopReason::PoolDone })]
}

/// max(2·V·log₂ n, 1.5·n), where V lists are searched and n is the length of the longer one (MIPROv2,
/// as DSPy sets its number of trials).
pub(super) fn trials(state: &State) -> u32 {
    let sets = state.demo_sets.as_ref().map_or(1, Vec::len);
    let texts = state.candidates.iter().filter(|standing| standing.candidate.demos.is_empty());
    let longest = sets.max(texts.count()).max(2) as f64;
    let lists = if sets > 1 { 2.0 } else { 1.0 };
    (2.0 * lists * longest.log2()).max(1.5 * longest).ceil() as u32
}
