//! Linear regression that estimates its own penalty.

use super::Sample;
use super::eigen::eigen;
use ndarray::{Array1, Array2, Axis};

/// The most rounds of re-estimation; some tens are usual.
const ROUNDS: usize = 300;
/// The largest precision; beyond it, only rounding is estimated.
const PRECISION: (f64, f64) = (1e-9, 1e9);

/// Bayesian ridge regression with the two precisions of the largest evidence.
///
/// MacKay (1992), *Bayesian interpolation*, section 4.4: with γ = Σ βλ/(α + βλ) over the
/// eigenvalues λ of the design, α = γ/|w|² and β = (n − γ)/|residual|², in turns. Observations
/// count by their weights, which are scaled to a mean of 1; the intercept has no penalty.
#[derive(Clone, Debug)]
pub struct Ridge {
    centre: Vec<f64>,
    intercept: f64,
    coefficients: Array1<f64>,
    /// Orthonormal directions as columns, and the posterior variance along each.
    directions: Array2<f64>,
    variances: Array1<f64>,
    /// α and β.
    precisions: (f64, f64),
}

impl Ridge {
    pub(super) fn fit(sample: &Sample) -> Self {
        let weight: f64 = sample.iter().map(|(_, _, w)| w).sum();
        let (n, dimensions) = (sample.len(), sample.dimensions());
        let mut centre = vec![0.0; dimensions];
        let mut intercept = 0.0;
        for (row, y, w) in sample.iter() {
            centre.iter_mut().zip(row).for_each(|(sum, x)| *sum += w * x / weight);
            intercept += w * y / weight;
        }
        let mut design = Array2::zeros((n, dimensions));
        let mut target = Array1::zeros(n);
        for (i, (row, y, w)) in sample.iter().enumerate() {
            let root = (w * n as f64 / weight).sqrt();
            target[i] = root * (y - intercept);
            for (j, x) in row.iter().enumerate() {
                design[(i, j)] = root * (x - centre[j]);
            }
        }
        let (values, directions) = directions(&design);
        // The design's part of the target, along each direction.
        let along = directions.t().dot(&design.t().dot(&target));
        let precisions = precisions(&values, &along, &target);
        let (alpha, beta) = precisions;
        let shrunk: Array1<f64> =
            along.iter().zip(&values).map(|(z, l)| beta * z / (alpha + beta * l)).collect();
        let variances = values.mapv(|l| 1.0 / (alpha + beta * l));
        let coefficients = directions.dot(&shrunk);
        Self { centre, intercept, coefficients, directions, variances, precisions }
    }

    /// Mean and variance of the true value at `features`: the noise of an observation is not in it.
    /// Numbers missing at the end of `features` are taken as average.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> (f64, f64) {
        let missing = self.centre.iter().skip(features.len());
        let all = features.iter().chain(missing).zip(&self.centre);
        let centred: Array1<f64> = all.map(|(x, centre)| x - centre).collect();
        let along = self.directions.t().dot(&centred);
        let known: f64 = along.iter().zip(&self.variances).map(|(z, v)| z * z * v).sum();
        // A direction in which no observation varies keeps its prior.
        let unknown = (centred.dot(&centred) - along.dot(&along)).max(0.0) / self.precisions.0;
        (self.intercept + centred.dot(&self.coefficients), known + unknown)
    }

    /// 1/β: the variance of an observation of average weight about its true value.
    #[must_use]
    pub fn noise_variance(&self) -> f64 {
        1.0 / self.precisions.1
    }
}

/// The eigenvalues above 0 of XᵀX and their eigenvectors, from the smaller of XᵀX and XXᵀ.
fn directions(design: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let tall = design.nrows() >= design.ncols();
    let (values, vectors) =
        eigen(if tall { design.t().dot(design) } else { design.dot(&design.t()) });
    let most = values.iter().copied().fold(0.0, f64::max);
    let kept: Vec<usize> = (0..values.len()).filter(|i| values[*i] > 1e-10 * most).collect();
    let (values, vectors) = (values.select(Axis(0), &kept), vectors.select(Axis(1), &kept));
    if tall {
        return (values, vectors);
    }
    let roots = values.mapv(f64::sqrt);
    (values, design.t().dot(&vectors) / roots)
}

fn precisions(values: &Array1<f64>, along: &Array1<f64>, target: &Array1<f64>) -> (f64, f64) {
    let within = |x: f64| if x.is_nan() { 1.0 } else { x.clamp(PRECISION.0, PRECISION.1) };
    let (n, total) = (target.len() as f64, target.dot(target));
    let (mut alpha, mut beta) = (1.0, within(n / total));
    for _ in 0..ROUNDS {
        let (mut gamma, mut size, mut explained) = (0.0, 0.0, 0.0);
        for (l, z) in values.iter().zip(along) {
            let w = beta * z / (alpha + beta * l);
            gamma += beta * l / (alpha + beta * l);
            size += w * w;
            explained += 2.0 * w * z - w * w * l;
        }
        let next = (within(gamma / size), within((n - gamma) / (total - explained).max(0.0)));
        let moved = (next.0 / alpha).ln().abs() + (next.1 / beta).ln().abs();
        (alpha, beta) = next;
        if moved < 1e-8 {
            break;
        }
    }
    (alpha, beta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scikit_learn() {
        let features: Vec<Vec<f64>> = (0..8)
            .map(|i| vec![f64::from(i * i % 7), f64::from(i), f64::from(i * 3 % 5)])
            .collect();
        let values: Vec<f64> = (0..8).map(|i| f64::from(i * 5 % 11) + 0.7 * f64::from(i)).collect();
        // BayesianRidge(alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, max_iter=5000, tol=1e-13).
        let ridge = Ridge::fit(&Sample::new(&features, &values, &[2.0; 8]).unwrap());
        let expected = [0.525_310_64, 0.562_934_80, 0.402_103_20];
        for (found, expected) in ridge.coefficients.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{:?}", ridge.coefficients);
        }
        let (mean, variance) = ridge.predict(&[1.0, 2.0, 3.0]);
        assert!((mean - 6.839_243_82).abs() < 1e-5, "{mean}");
        assert!((variance + ridge.noise_variance() - 11.273_309_81).abs() < 1e-4, "{variance}");
    }

    #[test]
    fn wide_and_tall_designs_agree() {
        // A dimension without information changes nothing, but makes four rows a wide design.
        let narrow: Vec<Vec<f64>> =
            [[0.0, 1.0], [1.0, 0.5], [2.0, 2.0], [3.0, 0.0]].map(|row| row.to_vec()).to_vec();
        let wide: Vec<Vec<f64>> =
            narrow.iter().map(|row| [&row[..], &[0.0, 7.0, 0.0]].concat()).collect();
        let values = [0.1, 0.4, 0.35, 0.8];
        let of = |rows: &[Vec<f64>], at: &[f64]| {
            Ridge::fit(&Sample::new(rows, &values, &[1.0; 4]).unwrap()).predict(at)
        };
        let (a, b) = (of(&narrow, &[1.5, 1.0]), of(&wide, &[1.5, 1.0, 0.0, 7.0, 0.0]));
        assert!((a.0 - b.0).abs() < 1e-7 && (a.1 - b.1).abs() < 1e-7, "{a:?} {b:?}");
        // Uncertainty is larger far from the observations.
        assert!(of(&wide, &[1.5, 1.0, 5.0]).1 > b.1);
    }

    #[test]
    fn a_weight_of_two_is_two_observations() {
        let rows: Vec<Vec<f64>> = (0..6).map(|i| vec![f64::from(i), f64::from(i % 2)]).collect();
        let values = [0.0, 0.3, 0.2, 0.5, 0.7, 0.6];
        let fit = |rows: &[Vec<f64>], values: &[f64], weights: &[f64]| {
            Ridge::fit(&Sample::new(rows, values, weights).unwrap())
        };
        let mut weights = [1.0; 6];
        weights[2] = 1e6;
        // One observation far outweighs the rest: the line passes through it.
        let pulled = fit(&rows, &values, &weights);
        assert!((pulled.predict(&rows[2]).0 - 0.2).abs() < 1e-3);
        let once = fit(&rows, &values, &[3.0; 6]).predict(&[2.5, 0.5]).0;
        let same = fit(&rows, &values, &[1.0; 6]).predict(&[2.5, 0.5]).0;
        assert!((once - same).abs() < 1e-9, "only ratios of weights count");
    }

    #[test]
    fn equal_values_are_predicted_exactly() {
        let rows: Vec<Vec<f64>> = (0..4).map(|i| vec![f64::from(i)]).collect();
        let ridge = Ridge::fit(&Sample::new(&rows, &[0.5; 4], &[1.0; 4]).unwrap());
        assert!((ridge.predict(&[9.0]).0 - 0.5).abs() < 1e-9);
        let flat = Ridge::fit(
            &Sample::new(&vec![vec![1.0]; 4], &[0.0, 1.0, 0.0, 1.0], &[1.0; 4]).unwrap(),
        );
        assert!((flat.predict(&[1.0]).0 - 0.5).abs() < 1e-9);
    }
}
