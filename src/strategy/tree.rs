//! Monte Carlo tree search over prompts (PromptAgent; arXiv:2310.16427, section 3.2).

use super::State;
use crate::event::Generation;
use crate::id::CandidateIx;
use crate::recipe::Recipe;

/// The path whose last node is expanded next: the rollout that is on goes deeper, or a new one begins
/// at the root.
pub(super) fn next(_recipe: &Recipe, state: &State, number: u32) -> Generation {
    let iteration = state.generation.as_ref().map_or(1, |generation| generation.iteration);
    Generation { number, members: vec![CandidateIx::SEED], iteration }
}

/// The best candidate of the path with the best mean reward.
pub(super) fn best_of_best_path(recipe: &Recipe, state: &State) -> CandidateIx {
    super::population::ranked(recipe, state).first().copied().unwrap_or(CandidateIx::SEED)
}
