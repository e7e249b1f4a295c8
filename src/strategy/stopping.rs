//! When to stop, beside the budget.

use super::{Plan, State, drafting};
use crate::event::{Event, StopReason};
use crate::recipe::{Evaluate, Recipe, StopRule};
use crate::state::Status;

/// Fruitless proposals in a row after which any steady search ends: nothing that it does costs
/// anything any more, so no budget would end it.
const MOST_FRUITLESS: u32 = 1_000;

/// Whether a recipe uses more rows as it goes.
fn is_widened(recipe: &Recipe) -> bool {
    matches!(&recipe.evaluate, Evaluate::Race(race) if race.first_rows > 0)
}

/// The end, if a rule says so: of the phase that is on, where another one follows it.
pub(super) fn reason(whole: &Recipe, recipe: &Recipe, state: &State, texts: u16) -> Option<Plan> {
    let fruitless = state.counts.rejected_in_a_row;
    let generation = state.memory.generations.number();
    let found = recipe.stop.when.iter().find_map(|rule| match rule {
        StopRule::Budget | StopRule::PoolDone => None,
        StopRule::Generations(most) => {
            let turns = most.saturating_mul(drafting::turns(recipe, texts));
            (generation - state.memory.generations.first_of_phase() >= turns)
                .then_some(StopReason::Generations)
        }
        // The rollout after the last one has begun.
        StopRule::Iterations(most) => {
            let iteration =
                state.memory.generations.current().map_or(0, |generation| generation.iteration);
            (iteration > *most).then_some(StopReason::Generations)
        }
        StopRule::Trials(most) => {
            let most = most.unwrap_or_else(|| super::product::trials(recipe, state));
            (state.memory.trials.count() >= most).then_some(StopReason::Generations)
        }
        StopRule::Patience(most) => (generation
            >= state.memory.generations.improved_in() + (*most).max(1))
        .then_some(StopReason::Stalled),
        StopRule::Stalled(most) => {
            (state.counts.decided_since_incumbent >= *most).then_some(StopReason::Stalled)
        }
        StopRule::NoHeadroom(score, children) => {
            let seed = state.baseline();
            let high = seed.status == Status::Finished
                && seed.dev().mean().is_some_and(|mean| mean >= *score - 1e-9);
            (high && state.counts.decided_since_incumbent >= *children)
                .then_some(StopReason::NoHeadroom)
        }
        StopRule::Score(score) => {
            let incumbent = state.standing(state.incumbent);
            let reached = incumbent.status == Status::Finished
                && incumbent.dev().folded >= super::population::quota(recipe, state)
                && (incumbent.dev().folded >= state.dev_rows || !is_widened(recipe))
                && incumbent.dev().mean().is_some_and(|mean| mean >= *score - 1e-9);
            reached.then_some(StopReason::ScoreReached)
        }
        StopRule::Rejected(most) => (fruitless >= *most).then_some(StopReason::PoolDone),
    });
    let reason = found.or((fruitless >= MOST_FRUITLESS).then_some(StopReason::PoolDone))?;
    Some(end(whole, state, reason))
}

/// The end of the search, or of the phase that is on where another one follows it.
pub(super) fn end(whole: &Recipe, state: &State, reason: StopReason) -> Plan {
    let next = state.phase_number + 1;
    if usize::from(next) < whole.phase.len() {
        Plan::Decide(Event::PhaseStarted { phase: next })
    } else {
        Plan::Decide(Event::SearchEnded { reason })
    }
}
