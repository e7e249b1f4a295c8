//! The factorisation that Gaussian processes need.
//!
//! Not a linear algebra library: matrices here have some hundreds of rows, and are symmetric.

use ndarray::{Array2, aview1};

/// A lower triangle: row i has i + 1 numbers, the last one above 0.
pub(super) type Lower = Vec<Vec<f64>>;

/// The lower triangle L with L Lᵀ = `matrix`; `None` unless that is positive definite.
///
/// Cholesky row by row (Golub and Van Loan, *Matrix Computations*, section 4.2). Only the lower
/// triangle of `matrix` is read.
pub(super) fn cholesky(matrix: &Array2<f64>) -> Option<Lower> {
    let mut lower = Lower::new();
    for (i, row) in matrix.outer_iter().enumerate() {
        let mut row: Vec<f64> = row.iter().take(i + 1).copied().collect();
        for (j, above) in lower.iter().enumerate() {
            row[j] = (row[j] - dot(&above[..j], &row[..j])) / above[j];
        }
        let rest = row[i] - dot(&row[..i], &row[..i]);
        // Also false for NaN.
        if !(rest > 0.0 && rest.is_finite()) {
            return None;
        }
        row[i] = rest.sqrt();
        lower.push(row);
    }
    Some(lower)
}

/// The x with L x = `right`.
pub(super) fn solve_lower(lower: &Lower, mut right: Vec<f64>) -> Vec<f64> {
    for (i, row) in lower.iter().enumerate() {
        right[i] = (right[i] - dot(&row[..i], &right[..i])) / row[i];
    }
    right
}

/// The x with Lᵀ x = `right`.
pub(super) fn solve_transposed(lower: &Lower, mut right: Vec<f64>) -> Vec<f64> {
    for (i, row) in lower.iter().enumerate().rev() {
        let x = right[i] / row[i];
        right[i] = x;
        // Row by row, as the triangle lies in memory.
        right[..i].iter_mut().zip(row).for_each(|(rest, entry)| *rest -= x * entry);
    }
    right
}

/// Σ a b, in several partial sums at once.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    aview1(a).dot(&aview1(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use ndarray::array;
    use proptest::prelude::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn a_factor_by_hand() {
        let lower = cholesky(&array![[4.0, 9.9], [2.0, 10.0]]).unwrap();
        assert_eq!(lower, [vec![2.0], vec![1.0, 3.0]]);
        assert_eq!(cholesky(&array![[1.0, 2.0], [2.0, 1.0]]), None);
        assert_eq!(cholesky(&array![[f64::NAN]]), None);
        assert!(cholesky(&Array2::zeros((0, 0))).unwrap().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn factors_solve(n in 1..24_usize, seed: u64) {
            let mut rng = Seed(seed).rng();
            let root = Array2::from_shape_fn((n, n), |_| StandardNormal.sample(&mut rng));
            let matrix: Array2<f64> = root.dot(&root.t()) + Array2::<f64>::eye(n);
            let right: Vec<f64> = (0..n).map(|i| i as f64 - 3.0).collect();
            let lower = cholesky(&matrix).unwrap();
            let x = solve_transposed(&lower, solve_lower(&lower, right.clone()));
            prop_assert!((matrix.dot(&aview1(&x)) - aview1(&right)).iter().all(|e| e.abs() < 1e-8));
        }
    }
}
