//! Rank correlations.
//!
//! For checking whether a cheap score (few rows, a surrogate, a simulation) ranks candidates like
//! the expensive one. Only the order counts, not the distances.

use std::cmp::Ordering;

/// Spearman's ρ in `[-1, 1]`: the correlation of ranks, equal values sharing their mean rank
/// (Spearman 1904; Kendall, *Rank Correlation Methods*, section 3.8).
///
/// `None` if the slices have unequal lengths, fewer than two values, a value that is not a number,
/// or all values equal on a side.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    if !comparable(a, b) {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    // The mean of all ranks, with or without ties.
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let cross = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let rho = cross(&a, &b) / (cross(&a, &a) * cross(&b, &b)).sqrt();
    rho.is_finite().then(|| rho.clamp(-1.0, 1.0))
}

/// Kendall's τ-b in `[-1, 1]`: (concordant − discordant) / √((pairs − ties in a) (pairs − ties in
/// b)) (Kendall 1945). `None` as for [`spearman`]. Every pair is looked at.
#[must_use]
pub fn kendall_tau_b(a: &[f64], b: &[f64]) -> Option<f64> {
    if !comparable(a, b) {
        return None;
    }
    let (mut balance, mut untied_a, mut untied_b) = (0_i64, 0_i64, 0_i64);
    let sign = |x: f64, y: f64| match x.total_cmp(&y) {
        // Zeros of either sign are equal, which the total order denies.
        _ if x == y => 0,
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    };
    for i in 0..a.len() {
        for j in 0..i {
            let (in_a, in_b) = (sign(a[i], a[j]), sign(b[i], b[j]));
            balance += in_a * in_b;
            untied_a += in_a * in_a;
            untied_b += in_b * in_b;
        }
    }
    let tau = balance as f64 / (untied_a as f64 * untied_b as f64).sqrt();
    tau.is_finite().then_some(tau)
}

fn comparable(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.len() > 1 && !a.iter().chain(b).any(|x| x.is_nan())
}

/// The rank of each value, from 1; equal values have the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|i| ranks[*i] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_by_hand() {
        assert_eq!(ranks(&[0.3, -1.0, 0.3, 9.0, 0.3]), [3.0, 1.0, 3.0, 5.0, 3.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn orders_by_hand() {
        let up = [1.0, 2.0, 3.0, 4.0];
        // One neighbouring pair swapped: ρ = 1 − 6 · 2 / 60, τ = (5 − 1) / 6.
        let swapped = [1.0, 3.0, 2.0, 4.0];
        assert!((spearman(&up, &swapped).unwrap() - 0.8).abs() < 1e-12);
        assert!((kendall_tau_b(&up, &swapped).unwrap() - 4.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn ties_agree_with_scipy() {
        // scipy.stats.spearmanr and kendalltau.
        let a = [12.0, 2.0, 1.0, 12.0, 2.0, 7.0, 7.0, 3.0];
        let b = [1.0, 4.0, 7.0, 1.0, 0.0, 3.0, 3.0, 3.0];
        assert!((spearman(&a, &b).unwrap() - -0.537_541_997_109_100_3).abs() < 1e-12);
        assert!((kendall_tau_b(&a, &b).unwrap() - -0.530_722_777_603_022).abs() < 1e-12);
    }

    #[test]
    fn without_an_order_there_is_no_answer() {
        for (a, b) in [
            (&[][..], &[][..]),
            (&[1.0], &[1.0]),
            (&[1.0, 2.0], &[1.0]),
            (&[1.0, 1.0], &[1.0, 2.0]),
            (&[0.0, -0.0], &[1.0, 2.0]),
            (&[1.0, f64::NAN], &[1.0, 2.0]),
        ] {
            assert_eq!((spearman(a, b), kendall_tau_b(a, b)), (None, None), "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn only_the_order_counts(
            pairs in prop::collection::vec((-9..9_i8, -9..9_i8), 2..30),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                pairs.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
            let stretched: Vec<f64> = a.iter().map(|x| (x / 3.0).exp()).collect();
            let reversed: Vec<f64> = a.iter().map(|x| -x).collect();
            for of in [spearman, kendall_tau_b] {
                let Some(r) = of(&a, &b) else { continue };
                prop_assert!((-1.0..=1.0).contains(&r));
                prop_assert!((of(&b, &a).unwrap() - r).abs() < 1e-12);
                prop_assert!((of(&stretched, &b).unwrap() - r).abs() < 1e-12);
                prop_assert!((of(&reversed, &b).unwrap() + r).abs() < 1e-12);
                prop_assert!((of(&a, &stretched).unwrap() - 1.0).abs() < 1e-12);
            }
        }
    }
}
