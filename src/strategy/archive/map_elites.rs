//! `map_elites`: a grid of niches, each with its best candidate (MAP-Elites; Mouret and Clune 2015).
//!
//! A candidate's place on the grid is remembered in `memory::Niches`.

use crate::id::CandidateIx;
use crate::strategy::search::{Archive, Search};
use crate::vector::ComparedText;
use std::collections::BTreeMap;

kind! {
    /// The best candidate of each cell of a grid over length and diversity, both as shares of the
    /// range that was seen when a candidate was judged (MAP-Elites, Mouret and Clune 2015; dimensions
    /// as in OpenEvolve).
    "map_elites": "The best of each kind of prompt.",
    MapElites {
        /// Cells along the prompt's length.
        length_bins: usize = 10 => positive,
        /// Cells along its unlikeness to the baseline.
        diversity_bins: usize = 10 => positive,
    }
}

impl Archive for MapElites {
    /// The best of each cell, in the order of the cells; the earlier one of equals.
    fn kept(&self, search: &Search<'_>) -> Vec<CandidateIx> {
        let mut cells: BTreeMap<(usize, usize), CandidateIx> = BTreeMap::new();
        for candidate in search.rank(search.judged()) {
            let (length, unlike) = search.state.memory.niches.of(candidate);
            let cell = (bin(length, self.length_bins), bin(unlike, self.diversity_bins));
            cells.entry(cell).or_insert(candidate);
        }
        cells.into_values().collect()
    }

    fn compares(&self) -> Option<ComparedText> {
        Some(ComparedText::Whole)
    }

    fn has_niches(&self) -> bool {
        true
    }
}

fn bin(share: f64, bins: usize) -> usize {
    ((share.clamp(0.0, 1.0) * bins as f64) as usize).min(bins.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::tests::{grown, searching};

    #[test]
    fn a_later_extreme_moves_nobody_and_the_best_of_a_cell_stays() {
        let slots = crate::recipe::load("map-elites", &[]).unwrap().slots;
        let grid = |length_bins, diversity_bins| MapElites { length_bins, diversity_bins };
        let long = "a ".repeat(60);
        let longer = "b ".repeat(120);
        // The baseline is `seed`. Child 1 is 40 bytes long, 2 is 120, 3 is 240 and 4 is as long as 1.
        let short = "c ".repeat(20);
        let other = "d ".repeat(20);
        let born = [(&*short, 0, 0.2), (&*long, 0, 0.3), (&*longer, 0, 0.4), (&*other, 0, 0.9)];
        let state = grown(&born, &[]);
        let of = |kind: MapElites| -> Vec<u32> {
            let mut elites: Vec<u32> =
                kind.kept(&searching(&slots, &state)).iter().map(|candidate| candidate.0).collect();
            elites.sort_unstable();
            elites
        };
        // One cell has one elite; four along the length: the baseline in the third, 4 in the first, and
        // the best of the longest in the last.
        assert_eq!(of(grid(1, 1)), [4]);
        assert_eq!(of(grid(4, 1)), [0, 3, 4]);
        assert!(of(grid(4, 4)).len() >= 3);
    }

    #[test]
    fn a_bin_by_hand() {
        assert_eq!((bin(0.0, 10), bin(0.55, 10), bin(1.0, 10), bin(1.0, 1)), (0, 5, 9, 0));
    }
}
