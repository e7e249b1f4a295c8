//! The Pareto front of quality against cost.
//!
//! For reporting the final candidates. The instance-wise frontier for drawing parents is in
//! `dominance`.

use std::cmp::Ordering;

/// The non-dominated points, as indices into `points`, cheapest first.
///
/// Each point is (quality, larger is better; cost, smaller is better). A point is dominated by one
/// that is at least as good in both and better in one. Of equal points the first is kept; a point
/// with a NaN is never on the front. O(n log n).
#[must_use]
pub fn pareto(points: &[(f64, f64)]) -> Vec<usize> {
    let number = |i: &usize| !points[*i].0.is_nan() && !points[*i].1.is_nan();
    let mut order: Vec<usize> = (0..points.len()).filter(number).collect();
    // By cost, the best quality first; the sort is stable, so equals stay in order.
    order.sort_by(|&a, &b| {
        compare(points[a].1, points[b].1).then(compare(points[b].0, points[a].0))
    });
    let mut best = None;
    order.retain(|&i| {
        let better = best.is_none_or(|best| points[i].0 > best);
        if better {
            best = Some(points[i].0);
        }
        better
    });
    order
}

/// The order of two numbers, with −0 equal to 0.
fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_front_by_hand() {
        let points = [
            (0.9, 5.0), // 0: on the front
            (0.8, 6.0), // 1: dominated by 0
            (0.7, 1.0), // 2: on the front, cheapest
            (0.7, 1.0), // 3: the same again
            (0.7, 2.0), // 4: as good as 2, but more expensive
            (0.8, 5.0), // 5: as expensive as 0, but worse
            (0.8, 3.0), // 6: on the front
        ];
        assert_eq!(pareto(&points), [2, 6, 0]);
    }

    #[test]
    fn degenerate_points() {
        assert!(pareto(&[]).is_empty());
        assert!(pareto(&[(f64::NAN, 0.0), (1.0, f64::NAN)]).is_empty());
        assert_eq!(pareto(&[(f64::NAN, 0.0), (0.1, 9.0)]), [1]);
        assert_eq!(pareto(&[(0.5, 0.0), (0.5, -0.0)]), [0]);
        assert_eq!(pareto(&[(f64::NEG_INFINITY, 1.0)]), [0]);
        assert_eq!(pareto(&[(0.5, f64::INFINITY), (0.4, 1.0)]), [1, 0]);
    }

    fn beats(a: (f64, f64), b: (f64, f64)) -> bool {
        a.0 >= b.0 && a.1 <= b.1 && a != b
    }

    proptest! {
        #[test]
        fn on_the_front_if_and_only_if_unbeaten_and_first_of_its_kind(
            // A coarse grid, so that ties and duplicates are common.
            grid in prop::collection::vec((0..6_u8, 0..6_u8), 0..40),
        ) {
            let points: Vec<(f64, f64)> =
                grid.iter().map(|(q, c)| (f64::from(*q), f64::from(*c))).collect();
            let front = pareto(&points);
            for (i, point) in points.iter().enumerate() {
                let beaten = points.iter().any(|other| beats(*other, *point));
                let repeated = points[..i].contains(point);
                prop_assert_eq!(front.contains(&i), !beaten && !repeated, "point {}", i);
            }
            prop_assert!(front.is_sorted_by(|a, b| points[*a].1 < points[*b].1));
        }
    }
}
