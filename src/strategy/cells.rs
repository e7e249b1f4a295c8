//! A grid of niches, each with its best candidate (MAP-Elites; Mouret and Clune 2015).

use super::State;
use super::population::rank;
use crate::id::CandidateIx;
use crate::recipe::{MapElitesArchive, Recipe};
use crate::state::Status;
use std::collections::BTreeMap;

/// The best of each cell, in the order of the cells.
pub(super) fn elites(kind: &MapElitesArchive, recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let judged = state.views.fronts.finished().iter().copied();
    let judged = judged.filter(|candidate| state.standing(*candidate).status == Status::Finished);
    let mut cells: BTreeMap<(usize, usize), CandidateIx> = BTreeMap::new();
    for candidate in rank(recipe, state, judged) {
        cells.entry(cell(kind, state, candidate)).or_insert(candidate);
    }
    cells.into_values().collect()
}

/// A candidate's cell: by its length, as a share of the longest so far, and by how unlike the seed it
/// is.
fn cell(kind: &MapElitesArchive, state: &State, candidate: CandidateIx) -> (usize, usize) {
    let bytes = |candidate: CandidateIx| state.standing(candidate).candidate.prompt.bytes() as f64;
    let longest = state.candidates.iter().map(|s| s.candidate.prompt.bytes()).max().unwrap_or(1);
    let unlike = 1.0 - state.views.likeness.between(state, candidate, CandidateIx::SEED);
    let bin = |share: f64, bins: usize| {
        ((share.clamp(0.0, 1.0) * bins as f64) as usize).min(bins.saturating_sub(1))
    };
    (
        bin(bytes(candidate) / (longest as f64).max(1.0), kind.length_bins),
        bin(unlike, kind.diversity_bins),
    )
}
