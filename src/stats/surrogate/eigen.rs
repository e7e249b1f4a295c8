//! Eigenvalues of symmetric matrices of some hundreds of rows, for regression.

use ndarray::{Array1, Array2};

/// The eigenvalues of a symmetric `matrix`, in no order, and its eigenvectors as columns.
///
/// Jacobi's cyclic method (Golub and Van Loan, section 8.5): slow, short, and accurate.
pub(super) fn eigen(mut matrix: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = matrix.nrows();
    let mut vectors = Array2::<f64>::eye(n);
    let size = matrix.iter().map(|x| x * x).sum::<f64>();
    for _ in 0..30 {
        let pairs = || (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)));
        let off: f64 = pairs().map(|at| matrix[at] * matrix[at]).sum();
        // Also stops for NaN.
        if off.is_nan() || off <= 1e-28 * size {
            break;
        }
        for (p, q) in pairs() {
            if matrix[(p, q)] != 0.0 {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    (matrix.diag().to_owned(), vectors)
}

/// Turns the plane of p and q so that their entry becomes 0.
fn rotate(matrix: &mut Array2<f64>, vectors: &mut Array2<f64>, p: usize, q: usize) {
    let theta = (matrix[(q, q)] - matrix[(p, p)]) / (2.0 * matrix[(p, q)]);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    for k in 0..matrix.nrows() {
        let (a, b) = (matrix[(k, p)], matrix[(k, q)]);
        (matrix[(k, p)], matrix[(k, q)]) = (c * a - s * b, s * a + c * b);
        let (a, b) = (vectors[(k, p)], vectors[(k, q)]);
        (vectors[(k, p)], vectors[(k, q)]) = (c * a - s * b, s * a + c * b);
    }
    for k in 0..matrix.nrows() {
        let (a, b) = (matrix[(p, k)], matrix[(q, k)]);
        (matrix[(p, k)], matrix[(q, k)]) = (c * a - s * b, s * a + c * b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use ndarray::array;
    use proptest::prelude::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn eigenvalues_by_hand() {
        let (mut values, _) = eigen(array![[2.0, 1.0], [1.0, 2.0]]);
        values.as_slice_mut().unwrap().sort_by(f64::total_cmp);
        assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
        assert!(eigen(array![[f64::NAN, 1.0], [1.0, 0.0]]).0.len() == 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn eigenvectors_rebuild_the_matrix(n in 1..24_usize, seed: u64) {
            let mut rng = Seed(seed).rng();
            let root = Array2::from_shape_fn((n, n), |_| StandardNormal.sample(&mut rng));
            let matrix: Array2<f64> = root.dot(&root.t());
            let (values, vectors) = eigen(matrix.clone());
            let rebuilt = (&vectors * &values).dot(&vectors.t());
            prop_assert!((rebuilt - matrix).iter().all(|e| e.abs() < 1e-8));
        }
    }
}
