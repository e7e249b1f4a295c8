//! The instance-wise frontier: non-dominated candidates that are best on some row.
//!
//! For drawing parents, so that the only candidate that solves a row stays a parent even with a low
//! mean. The Pareto front of quality and cost is in `front`.

use std::collections::BTreeMap;

/// Candidates that remain on the instance-wise frontier and on how many fronts each is, sorted by
/// candidate; the count is the weight with which GEPA draws it as a parent.
///
/// `fronts` has one entry per row: the candidates that reach the row's best score, in any order
/// (repeats count once). `aggregate` is a candidate's overall score; one that is not a number
/// counts as the lowest.
///
/// GEPA (arXiv 2507.19457), Algorithm 2, as its reference implementation reads it: going up by
/// aggregate score (equals by number), a candidate is dropped if on every front that it is on
/// another one remains. A candidate that survives cannot be dropped later, because fronts only get
/// smaller, so one pass is enough. Every front that had a candidate keeps one. O(m log m) for m
/// entries in all.
#[must_use]
pub fn frontier_weights(fronts: &[Vec<u32>], aggregate: impl Fn(u32) -> f64) -> Vec<(u32, usize)> {
    let mut fronts_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut remaining = vec![0_usize; fronts.len()];
    for (front, members) in fronts.iter().enumerate() {
        for candidate in members {
            let seen = fronts_of.entry(*candidate).or_default();
            if seen.last() != Some(&front) {
                seen.push(front);
                remaining[front] += 1;
            }
        }
    }
    let score = |candidate| Some(aggregate(candidate)).filter(|score| !score.is_nan());
    let mut order: Vec<_> = fronts_of.keys().map(|c| (score(*c), *c)).collect();
    // Stable, and the keys come sorted: equals stay in the order of their numbers.
    order.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    for (_, candidate) in order {
        let on = &fronts_of[&candidate];
        if on.iter().all(|front| remaining[*front] > 1) {
            on.iter().for_each(|front| remaining[*front] -= 1);
            fronts_of.remove(&candidate);
        }
    }
    fronts_of.into_iter().map(|(candidate, on)| (candidate, on.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_frontier_by_hand() {
        // Candidate 0 shares its row with 2; 1 is alone on a row; 3 shares both of its rows.
        let fronts = [vec![0, 2], vec![1], vec![1, 3], vec![2, 3], vec![2]];
        let aggregate = [0.2, 0.3, 0.6, 0.5];
        // Going up: 0 goes (2 remains), 1 stays (alone on row 1), 3 goes (1 and 2 remain), 2 stays.
        assert_eq!(frontier_weights(&fronts, |c| aggregate[c as usize]), [(1, 2), (2, 3)]);
    }

    #[test]
    fn the_weaker_of_two_equals_on_every_front_goes() {
        let fronts = [vec![4, 7], vec![7, 4]];
        assert_eq!(frontier_weights(&fronts, f64::from), [(7, 2)]);
        assert_eq!(frontier_weights(&fronts, |c| -f64::from(c)), [(4, 2)]);
        assert_eq!(frontier_weights(&fronts, |_| 0.5), [(7, 2)], "the lower number goes first");
        let unknown = |c| if c == 7 { f64::NAN } else { -9.0 };
        assert_eq!(frontier_weights(&fronts, unknown), [(4, 2)]);
    }

    #[test]
    fn a_specialist_stays_however_low_its_mean() {
        let fronts = [vec![1, 2], vec![1, 2], vec![9]];
        assert_eq!(frontier_weights(&fronts, |c| -f64::from(c)), [(1, 2), (9, 1)]);
    }

    #[test]
    fn degenerate_fronts() {
        assert_eq!(frontier_weights(&[], |_| 0.0), []);
        assert_eq!(frontier_weights(&[vec![], vec![]], |_| 0.0), []);
        assert_eq!(frontier_weights(&[vec![3, 3, 3]], |_| 0.0), [(3, 1)], "a repeat is one");
        // As large as it gets: 300 rows on which 200 candidates tie.
        let tied = vec![(0..200).collect::<Vec<u32>>(); 300];
        assert_eq!(frontier_weights(&tied, |c| f64::from(c % 100)), [(199, 300)]);
    }

    /// The published loop: start again from the lowest after every removal.
    fn by_the_book(fronts: &[Vec<u32>], aggregate: impl Fn(u32) -> f64) -> Vec<(u32, usize)> {
        let all: BTreeSet<u32> = fronts.iter().flatten().copied().collect();
        let mut order: Vec<u32> = all.into_iter().collect();
        order.sort_by(|a, b| aggregate(*a).total_cmp(&aggregate(*b)));
        let mut dropped = BTreeSet::new();
        while let Some(next) = order.iter().copied().find(|y| {
            let spared = |front: &Vec<u32>| front.iter().any(|z| z != y && !dropped.contains(z));
            !dropped.contains(y) && fronts.iter().filter(|f| f.contains(y)).all(spared)
        }) {
            dropped.insert(next);
        }
        order.retain(|c| !dropped.contains(c));
        order.sort_unstable();
        order.iter().map(|c| (*c, fronts.iter().filter(|f| f.contains(c)).count())).collect()
    }

    proptest! {
        #[test]
        fn one_pass_equals_the_published_loop(
            fronts in prop::collection::vec(prop::collection::vec(0..9_u32, 0..5), 0..12),
            scores in prop::collection::vec(0..4_u8, 9),
        ) {
            let aggregate = |c: u32| f64::from(scores[c as usize]);
            let weights = frontier_weights(&fronts, aggregate);
            prop_assert_eq!(&weights, &by_the_book(&fronts, aggregate));
            for front in fronts.iter().filter(|front| !front.is_empty()) {
                prop_assert!(weights.iter().any(|(c, _)| front.contains(c)), "{:?} is lost", front);
            }
        }
    }
}
