//! A grid of niches, each with its best candidate (MAP-Elites; Mouret and Clune 2015).
//!
//! A candidate gets its place when it is judged, by the ranges that were seen up to then (as in
//! OpenEvolve), and keeps it: later extremes never move what is there.

use super::State;
use super::population::{competes, rank};
use super::views::Likeness;
use crate::id::CandidateIx;
use crate::recipe::{MapElitesArchive, Recipe};
use crate::state::{Facts, Status};
use std::collections::BTreeMap;

/// The best of each cell, in the order of the cells; the earlier one of equals.
pub(super) fn elites(kind: &MapElitesArchive, recipe: &Recipe, state: &State) -> Vec<CandidateIx> {
    let judged = state.views.fronts.finished().iter().copied().filter(|candidate| {
        competes(recipe, *candidate) && state.standing(*candidate).status == Status::Finished
    });
    let mut cells: BTreeMap<(usize, usize), CandidateIx> = BTreeMap::new();
    for candidate in rank(recipe, state, judged) {
        let (length, unlike) = state.views.niches.of(candidate);
        let cell = (bin(length, kind.length_bins), bin(unlike, kind.diversity_bins));
        cells.entry(cell).or_insert(candidate);
    }
    cells.into_values().collect()
}

fn bin(share: f64, bins: usize) -> usize {
    ((share.clamp(0.0, 1.0) * bins as f64) as usize).min(bins.saturating_sub(1))
}

/// Where each judged candidate stands: how long it is, and how unlike the seed, each as a share of the
/// range up to then.
#[derive(Clone, Debug, Default)]
pub struct Niches {
    places: Vec<Option<(f64, f64)>>,
    length: Option<(f64, f64)>,
    unlike: Option<(f64, f64)>,
}

impl Niches {
    /// A candidate's place, each coordinate in [0, 1].
    #[must_use]
    pub fn of(&self, candidate: CandidateIx) -> (f64, f64) {
        self.places.get(candidate.index()).copied().flatten().unwrap_or_default()
    }

    pub(super) fn add(&mut self, candidate: CandidateIx, facts: &Facts, likeness: &Likeness) {
        self.places.resize(facts.candidates.len(), None);
        // Whoever stays in a population is judged again and again.
        if self.places[candidate.index()].is_some() {
            return;
        }
        let length = facts.standing(candidate).candidate.prompt.bytes() as f64;
        let unlike = 1.0 - likeness.between(facts, candidate, CandidateIx::BASELINE);
        let place = (within(&mut self.length, length), within(&mut self.unlike, unlike));
        self.places[candidate.index()] = Some(place);
    }
}

/// Where a value stands in a range that it widens; in the middle of one without width.
fn within(range: &mut Option<(f64, f64)>, value: f64) -> f64 {
    let (low, high) = range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)));
    *range = Some((low, high));
    if high > low { (value - low) / (high - low) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::tests::grown;

    #[test]
    fn a_later_extreme_moves_nobody_and_the_best_of_a_cell_stays() {
        let recipe = crate::recipe::load("map-elites", &[]).unwrap();
        let grid = |length_bins, diversity_bins| MapElitesArchive { length_bins, diversity_bins };
        let long = "a ".repeat(60);
        let longer = "b ".repeat(120);
        // The seed is `seed`. Child 1 is 40 bytes long, 2 is 120, 3 is 240 and 4 is as long as 1.
        let short = "c ".repeat(20);
        let other = "d ".repeat(20);
        let born = [(&*short, 0, 0.2), (&*long, 0, 0.3), (&*longer, 0, 0.4), (&*other, 0, 0.9)];
        let state = grown(&born, &[]);
        let niches = &state.views.niches;
        // Each where it stood when it was judged: 4..=40, 4..=120, 4..=240 bytes, and the last at
        // (40 − 4) / (240 − 4).
        let lengths: Vec<f64> = (0..5).map(|n| niches.of(CandidateIx(n)).0).collect();
        assert_eq!(lengths[..4], [0.5, 1.0, 1.0, 1.0]);
        assert!((lengths[4] - 36.0 / 236.0).abs() < 1e-12, "{lengths:?}");
        let of = |kind: MapElitesArchive| -> Vec<u32> {
            let mut elites: Vec<u32> =
                elites(&kind, &recipe, &state).iter().map(|candidate| candidate.0).collect();
            elites.sort_unstable();
            elites
        };
        // One cell has one elite; four along the length: the seed in the third, 4 in the first, and
        // the best of the longest in the last.
        assert_eq!(of(grid(1, 1)), [4]);
        assert_eq!(of(grid(4, 1)), [0, 3, 4]);
        assert!(of(grid(4, 4)).len() >= 3);
    }

    #[test]
    fn a_place_in_a_range_by_hand() {
        let mut range = None;
        let places: Vec<f64> =
            [5.0, 7.0, 3.0, 4.0].into_iter().map(|value| within(&mut range, value)).collect();
        assert_eq!(places, [0.5, 1.0, 0.0, 0.25]);
        assert_eq!((bin(0.0, 10), bin(0.55, 10), bin(1.0, 10), bin(1.0, 1)), (0, 5, 9, 0));
    }
}
