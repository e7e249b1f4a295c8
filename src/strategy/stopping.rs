//! When to stop, beside the budget.

use super::{Plan, State};
use crate::event::{Event, StopReason};
use crate::recipe::{Recipe, StopRule};
use crate::state::Status;

/// Fruitless proposals in a row after which any steady search ends: nothing that it does costs
/// anything any more, so no budget would end it.
const MOST_FRUITLESS: u32 = 1_000;

/// The end, if a rule says so: of the phase that is on, where another one follows it.
pub(super) fn reason(whole: &Recipe, recipe: &Recipe, state: &State) -> Option<Plan> {
    let fruitless = state.counts.rejected_in_a_row;
    let generation = state.generation_number();
    let found = recipe.stop.when.iter().find_map(|rule| match rule {
        StopRule::Budget | StopRule::PoolDone => None,
        StopRule::Generations(most) => (generation >= *most).then_some(StopReason::Generations),
        // The rollout after the last one has begun.
        StopRule::Iterations(most) => {
            let iteration = state.generation.as_ref().map_or(0, |generation| generation.iteration);
            (iteration > *most).then_some(StopReason::Generations)
        }
        StopRule::Trials(most) => {
            let most = most.unwrap_or_else(|| super::product::trials(recipe, state));
            (state.views.trials.count() >= most).then_some(StopReason::Generations)
        }
        StopRule::Patience(most) => {
            (generation > state.improved_in + *most).then_some(StopReason::Stalled)
        }
        StopRule::Stalled(most) => {
            (state.counts.decided_since_incumbent >= *most).then_some(StopReason::Stalled)
        }
        StopRule::Score(score) => {
            let incumbent = state.standing(state.incumbent);
            let reached = incumbent.status == Status::Finished
                && incumbent.dev().mean().is_some_and(|mean| mean >= *score - 1e-9);
            reached.then_some(StopReason::ScoreReached)
        }
        StopRule::Rejected(most) => (fruitless >= *most).then_some(StopReason::PoolDone),
    });
    let next = state.phase_number + 1;
    if found.is_some() && usize::from(next) < whole.phase.len() {
        return Some(Plan::Decide(Event::PhaseStarted { phase: next }));
    }
    let reason = found.or((fruitless >= MOST_FRUITLESS).then_some(StopReason::PoolDone))?;
    Some(Plan::Decide(Event::SearchEnded { reason }))
}
