//! Which operator is next.

use super::State;
use crate::recipe::{Choose, Recipe};
use crate::seed::Seed;

/// The chance of each operator, up to a factor: 0 for those that may not be used.
pub(super) fn weights(recipe: &Recipe, _state: &State, eligible: &[bool], _seed: Seed) -> Vec<f64> {
    let fixed = |place: usize| {
        if eligible[place] { recipe.operator[place].weight() } else { 0.0 }
    };
    match &recipe.choose {
        Choose::Fixed(_) | Choose::Each(_) => (0..eligible.len()).map(fixed).collect(),
        Choose::Thompson(_) | Choose::Ucb(_) | Choose::Exp3(_) => {
            (0..eligible.len()).map(fixed).collect()
        }
    }
}
