//! Several claims at once: which of them are shown, so that the chance of any wrong one stays at the level.
//!
//! Holm (1979), *Scandinavian Journal of Statistics* 6, 65 to 70: of m claims, one that is shown at level/m holds;
//! then the others are tested at level/(m − 1), and so on. It needs no assumption on the dependence between the claims.

use super::level::Level;

/// Which of some claims are shown, and the level that decided each. `is_shown` says whether a claim is shown at a
/// level; what is shown at a level must be shown at any higher one.
#[must_use]
pub fn decided(
    claims: usize,
    level: Level,
    is_shown: impl Fn(usize, Level) -> bool,
) -> Vec<(bool, Level)> {
    let mut decided = vec![(false, level.shared_by(claims)); claims];
    let mut open: Vec<usize> = (0..claims).collect();
    loop {
        let share = level.shared_by(open.len());
        open.iter().for_each(|claim| decided[*claim].1 = share);
        // All that are shown at this share are among those that the rule takes one after the other.
        let (shown, left): (Vec<usize>, Vec<usize>) =
            open.into_iter().partition(|claim| is_shown(*claim, share));
        shown.iter().for_each(|claim| decided[*claim].0 = true);
        if shown.is_empty() || left.is_empty() {
            return decided;
        }
        open = left;
    }
}

/// The p-values as they may be compared with the undivided level, in the order of `p_values`: the i-th smallest of m
/// times m − i + 1, and at least the one before it; at most 1.
#[must_use]
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let (mut adjusted, mut least) = (vec![1.0; p_values.len()], 0.0_f64);
    for (place, claim) in order.iter().enumerate() {
        least = least.max(p_values[*claim] * (p_values.len() - place) as f64).min(1.0);
        adjusted[*claim] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    #[test]
    fn adjusted_p_values_agree_with_published_ones() {
        let cases: [(&[f64], &[f64]); 4] = [
            // R 4: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
            (&[0.01, 0.02, 0.03, 0.04, 0.05], &[0.05, 0.08, 0.09, 0.09, 0.09]),
            // Of four, the two smallest are shown at 5 %, in any order.
            (&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]),
            (&[0.5, 0.9], &[1.0, 1.0]),
            (&[], &[]),
        ];
        for (p_values, expected) in cases {
            let is = adjusted(p_values);
            let is_near =
                is.iter().zip(expected).all(|(is, expected)| (is - expected).abs() < 1e-12);
            assert!(is_near && is.len() == expected.len(), "{p_values:?}: {is:?}");
        }
    }

    #[test]
    fn what_is_shown_leaves_its_share_to_the_others() {
        let level = Level { look: 1, one_sided: 0.05 };
        let p_values = [0.01, 0.04, 0.03, 0.005];
        let decided = decided(4, level, |claim, level| p_values[claim] <= level.one_sided);
        let shown: Vec<bool> = decided.iter().map(|(shown, _)| *shown).collect();
        assert_eq!(shown, [true, false, false, true]);
        assert_eq!(decided[1].1.one_sided, 0.025, "two are left");
        assert!(super::decided(0, level, |_, _| true).is_empty());
    }

    /// Of five candidates none, or one alone, is better: how often is any of the others called better? Independent
    /// claims are the worst case for the rule; candidates on the same rows are dependent.
    #[test]
    fn a_family_of_five_has_a_wrong_claim_in_five_percent_of_cases_at_most() {
        let level = Level { look: 1, one_sided: 0.05 };
        let wrong = |true_claims: usize, is_shared: bool| {
            (0..20_000)
                .filter(|trial| {
                    let mut rng = Seed(5).child("family", *trial).rng();
                    let one: f64 = rng.random();
                    let p_values: Vec<f64> = (0..5)
                        .map(|claim| match claim {
                            claim if claim < true_claims => 0.0,
                            _ if is_shared => one,
                            _ => rng.random(),
                        })
                        .collect();
                    let shown = decided(5, level, |claim, at| p_values[claim] <= at.one_sided);
                    shown[true_claims..].iter().any(|(is_shown, _)| *is_shown)
                })
                .count()
        };
        // 5 % of 20,000 are 1,000, with a standard deviation of 31.
        for true_claims in [0, 1, 4] {
            let count = wrong(true_claims, false);
            assert!((880..=1_100).contains(&count), "{true_claims}: {count}");
            assert!(wrong(true_claims, true) <= 1_100);
        }
    }

    proptest! {
        #[test]
        fn deciding_and_adjusting_are_one_rule(p_values in prop::collection::vec(0.0..0.1_f64, 0..7)) {
            let level = Level { look: 1, one_sided: 0.05 };
            let shown = decided(p_values.len(), level, |claim, at| p_values[claim] <= at.one_sided);
            for ((is_shown, _), adjusted) in shown.into_iter().zip(adjusted(&p_values)) {
                prop_assume!((adjusted - 0.05).abs() > 1e-9);
                prop_assert_eq!(is_shown, adjusted < 0.05);
            }
        }
    }
}
