//! Abilities of candidates and difficulties of rows, when candidates were scored on different rows.
//!
//! For comparing candidates that were scored on different rows, and for finding the rows that are
//! hard and those that separate candidates. Not for claims: rows are assumed to differ in
//! difficulty alone, and while few candidates have seen a row, the ridge holds its difficulty near
//! 0, so that only part of an imbalance is undone.

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The most iterations and evaluations of a fit; a fit usually takes some tens of each.
const ITERATIONS: u64 = 500;
const EVALUATIONS: u32 = 20_000;

/// Scores in `[0, 1]` of candidates (first index) on rows (second index), with gaps.
#[derive(Clone, Debug)]
pub struct ScoreMatrix {
    /// Candidates × rows; NaN is missing.
    scores: Array2<f64>,
}

impl ScoreMatrix {
    /// All scores missing.
    #[must_use]
    pub fn new(candidates: usize, rows: usize) -> Self {
        Self { scores: Array2::from_elem((candidates, rows), f64::NAN) }
    }

    /// Candidates and rows.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.scores.dim()
    }

    /// Sets one score, clamped to `[0, 1]`; NaN is missing. Outside the matrix, nothing happens.
    pub fn set(&mut self, candidate: usize, row: usize, score: f64) {
        if let Some(cell) = self.scores.get_mut((candidate, row)) {
            *cell = score.clamp(0.0, 1.0);
        }
    }

    /// One score; `None` where it is missing or outside the matrix.
    #[must_use]
    pub fn get(&self, candidate: usize, row: usize) -> Option<f64> {
        self.scores.get((candidate, row)).copied().filter(|score| !score.is_nan())
    }

    /// ((candidate, row), score) of every score that is there.
    fn observed(&self) -> impl Iterator<Item = ((usize, usize), f64)> {
        self.scores.indexed_iter().filter(|(_, s)| !s.is_nan()).map(|(at, s)| (at, *s))
    }
}

/// A fitted Rasch (one-parameter logistic) model: P(candidate c is right on row i) =
/// 1 / (1 + exp(bᵢ − θ꜀)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rasch {
    /// θ, one per candidate, in logits; 0 for a candidate without scores.
    pub abilities: Vec<f64>,
    /// b, one per row, in logits, larger is harder; 0 for a row without scores.
    pub difficulties: Vec<f64>,
}

impl Rasch {
    /// The fit to `matrix`; `None` if it has no scores, or the search does not settle.
    ///
    /// Rasch (1960) by penalised joint maximum likelihood: the Bernoulli log-likelihood, a
    /// fractional score s counting as s of a success and 1 − s of a failure, less ½(Σθ² + Σb²).
    /// That ridge of 1, a standard normal prior on each parameter, fixes the origin and keeps rows
    /// that all or none get right finite. The problem is strictly convex, so the fit is unique and
    /// needs no seed; L-BFGS (Nocedal 1980) with the line search of Moré and Thuente (1994).
    #[must_use]
    pub fn fit(matrix: &ScoreMatrix) -> Option<Self> {
        matrix.observed().next()?;
        let (candidates, rows) = matrix.scores.dim();
        let problem = || Likelihood { matrix, evaluations: Cell::new(0) };
        let found = minimum(problem(), Array1::zeros(candidates + rows)).ok()?;
        // Curvature is at least 1, so the optimum is no further away than the slope is long.
        let slope = problem().slope(&found);
        (slope.dot(&slope).sqrt() < 1e-3).then(|| {
            let mut abilities = found.to_vec();
            let difficulties = abilities.split_off(candidates);
            Self { abilities, difficulties }
        })
    }

    /// The modelled chance that a candidate is right on a row; `None` outside the model.
    #[must_use]
    pub fn probability(&self, candidate: usize, row: usize) -> Option<f64> {
        Some(logistic(self.abilities.get(candidate)? - self.difficulties.get(row)?))
    }

    /// How well each row separates these candidates: its mean Fisher information p(1 − p), in
    /// `[0, ¼]`. Rows that all or none get right have little; empty if there are no candidates.
    #[must_use]
    pub fn information(&self) -> Vec<f64> {
        let of = |difficulty: &f64| {
            let each = self.abilities.iter().map(|ability| {
                let p = logistic(ability - difficulty);
                p * (1.0 - p)
            });
            each.sum::<f64>() / self.abilities.len() as f64
        };
        if self.abilities.is_empty() {
            return Vec::new();
        }
        self.difficulties.iter().map(of).collect()
    }
}

fn minimum(problem: Likelihood<'_>, start: Array1<f64>) -> Result<Array1<f64>, Error> {
    let at_start = problem.value(&start);
    // The cost is a sum of many terms: below this its changes are rounding.
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7)
        .with_tolerance_grad(1e-8)?
        .with_tolerance_cost(1e-15 * (1.0 + at_start))?;
    let run = Executor::new(problem, solver)
        .configure(|state| state.param(start).max_iters(ITERATIONS))
        .run()?;
    run.state.get_best_param().cloned().ok_or_else(|| Error::msg("no parameters"))
}

/// The penalised negative log-likelihood over (θ, b) in one vector, candidates first.
struct Likelihood<'a> {
    matrix: &'a ScoreMatrix,
    evaluations: Cell<u32>,
}

impl Likelihood<'_> {
    fn value(&self, parameters: &Array1<f64>) -> f64 {
        let candidates = self.matrix.scores.nrows();
        let fit = self.matrix.observed().map(|((c, i), score)| {
            let logit = parameters[c] - parameters[candidates + i];
            // ln(1 + e^logit), without overflow.
            logit.max(0.0) + (-logit.abs()).exp().ln_1p() - score * logit
        });
        fit.sum::<f64>() + 0.5 * parameters.dot(parameters)
    }

    fn slope(&self, parameters: &Array1<f64>) -> Array1<f64> {
        let candidates = self.matrix.scores.nrows();
        let mut slope = parameters.clone();
        for ((c, i), score) in self.matrix.observed() {
            let excess = logistic(parameters[c] - parameters[candidates + i]) - score;
            slope[c] += excess;
            slope[candidates + i] -= excess;
        }
        slope
    }

    fn count(&self) -> Result<(), Error> {
        self.evaluations.set(self.evaluations.get() + 1);
        if self.evaluations.get() > EVALUATIONS {
            return Err(Error::msg("too many evaluations"));
        }
        Ok(())
    }
}

impl CostFunction for Likelihood<'_> {
    type Param = Array1<f64>;
    type Output = f64;

    fn cost(&self, parameters: &Self::Param) -> Result<f64, Error> {
        self.count()?;
        Ok(self.value(parameters))
    }
}

impl Gradient for Likelihood<'_> {
    type Param = Array1<f64>;
    type Gradient = Array1<f64>;

    fn gradient(&self, parameters: &Self::Param) -> Result<Self::Gradient, Error> {
        Ok(self.slope(parameters))
    }
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use proptest::prelude::*;
    use rand::Rng;
    use rand_distr::{Distribution, StandardNormal};

    fn matrix(rows: &[&[f64]]) -> ScoreMatrix {
        let mut matrix = ScoreMatrix::new(rows.len(), rows[0].len());
        for (c, scores) in rows.iter().enumerate() {
            scores.iter().enumerate().for_each(|(i, score)| matrix.set(c, i, *score));
        }
        matrix
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{found:?} against {expected:?}");
        }
    }

    #[test]
    fn agrees_with_scipy() {
        let fit = Rasch::fit(&matrix(&[
            &[1.0, 1.0, 0.0, 0.0],
            &[1.0, 1.0, 1.0, 0.0],
            &[1.0, 0.0, f64::NAN, 0.0],
            &[1.0, 1.0, 1.0, 0.5],
        ]))
        .unwrap();
        // scipy.optimize.minimize of the same function, BFGS, gtol=1e-9.
        assert_close(&fit.abilities, &[-0.088_122_68, 0.446_027_56, -0.382_841_92, 0.723_563_45]);
        assert_close(
            &fit.difficulties,
            &[-0.987_809_85, -0.433_935_23, -0.140_696_51, 0.863_815_27],
        );
    }

    #[test]
    fn one_score_by_hand() {
        // θ = −b = t with t = 1 / (1 + e^2t): t = 0.337416.
        let fit = Rasch::fit(&matrix(&[&[1.0]])).unwrap();
        assert!((fit.abilities[0] - 0.337_416).abs() < 1e-5, "{fit:?}");
        assert!((fit.abilities[0] + fit.difficulties[0]).abs() < 1e-8);
        assert!((fit.probability(0, 0).unwrap() - (1.0 - fit.abilities[0])).abs() < 1e-6);
        assert_eq!(fit.probability(1, 0), None);
        assert_eq!(fit.probability(0, 1), None);
    }

    #[test]
    fn degenerate_matrices() {
        for (candidates, rows) in [(0, 0), (0, 3), (3, 0), (2, 2)] {
            assert_eq!(Rasch::fit(&ScoreMatrix::new(candidates, rows)), None);
        }
        // All one half: the start is the answer. No scores: the prior is.
        let mut half = ScoreMatrix::new(2, 2);
        half.set(0, 0, 0.5);
        half.set(0, 1, 0.5);
        half.set(7, 7, 1.0);
        half.set(1, 0, f64::NAN);
        assert_eq!((half.get(0, 0), half.get(1, 0), half.get(7, 7)), (Some(0.5), None, None));
        let mut outside = half.clone();
        outside.set(0, 0, 1.5);
        outside.set(0, 1, -0.5);
        assert_eq!((outside.get(0, 0), outside.get(0, 1)), (Some(1.0), Some(0.0)));
        let fit = Rasch::fit(&half).unwrap();
        assert_eq!(fit, Rasch { abilities: vec![0.0; 2], difficulties: vec![0.0; 2] });
        assert_eq!(fit.information(), [0.25; 2]);
        assert!(Rasch { abilities: vec![], difficulties: vec![0.0] }.information().is_empty());
    }

    #[test]
    fn rows_that_all_candidates_get_right_have_little_information() {
        let fit = Rasch::fit(&matrix(&[
            &[1.0, 1.0, 0.0],
            &[1.0, 0.0, 0.0],
            &[1.0, 1.0, 0.0],
            &[1.0, 0.0, 0.0],
        ]))
        .unwrap();
        assert!(fit.difficulties.is_sorted(), "{fit:?}");
        let information = fit.information();
        assert!(information[1] > information[0] && information[1] > information[2]);
    }

    /// Simulated candidates on unequal rows: the fit is nearer the truth than the means of what
    /// each happened to see.
    #[test]
    fn unequal_rows_are_allowed_for() {
        let mut rng = Seed(41).rng();
        let (candidates, rows) = (40, 150);
        let mut normals =
            |n| -> Vec<f64> { StandardNormal.sample_iter(&mut rng).take(n).collect() };
        let (mut ability, mut difficulty) = (normals(candidates), normals(rows));
        ability.sort_by(f64::total_cmp);
        difficulty.sort_by(f64::total_cmp);
        let mut matrix = ScoreMatrix::new(candidates, rows);
        for (c, theta) in ability.iter().enumerate() {
            // The weaker half sees the easier two thirds, the stronger half the harder.
            let seen = if c < candidates / 2 { 0..100 } else { 50..150 };
            for i in seen {
                let p = logistic(theta - difficulty[i]);
                matrix.set(c, i, f64::from(u8::from(rng.random_bool(p))));
            }
        }
        let fit = Rasch::fit(&matrix).unwrap();
        let means: Vec<f64> = (0..candidates)
            .map(|c| {
                let seen: Vec<f64> = (0..rows).filter_map(|i| matrix.get(c, i)).collect();
                seen.iter().sum::<f64>() / seen.len() as f64
            })
            .collect();
        let fitted = correlation(&fit.abilities, &ability);
        let plain = correlation(&means, &ability);
        assert!(fitted > 0.95 && plain < 0.9, "{fitted} against {plain}");
        assert!(correlation(&fit.difficulties, &difficulty) > 0.7);
    }

    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let n = a.len() as f64;
        let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
        let cross = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
        };
        cross(a, ma, b, mb) / (cross(a, ma, a, ma) * cross(b, mb, b, mb)).sqrt()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// At the one optimum, each parameter equals its own sum of residuals.
        #[test]
        fn every_matrix_is_fitted_to_its_optimum(
            (candidates, rows) in (1..12_usize, 1..40_usize),
            kind in 0..3_u8, keep in 0.2..1.0_f64, seed: u64,
        ) {
            let mut rng = Seed(seed).rng();
            let mut matrix = ScoreMatrix::new(candidates, rows);
            for c in 0..candidates {
                for i in 0..rows {
                    let score = match kind {
                        0 => f64::from(u8::from(rng.random_bool(0.6))),
                        1 => rng.random(),
                        _ => 1.0,
                    };
                    if rng.random_bool(keep) { matrix.set(c, i, score) }
                }
            }
            matrix.set(0, 0, 1.0);
            let fit = Rasch::fit(&matrix).unwrap();
            let residual = |c, i| matrix.get(c, i).map_or(0.0, |score| {
                score - fit.probability(c, i).unwrap()
            });
            for c in 0..candidates {
                let sum: f64 = (0..rows).map(|i| residual(c, i)).sum();
                prop_assert!((fit.abilities[c] - sum).abs() < 1e-5);
            }
            for i in 0..rows {
                let sum: f64 = (0..candidates).map(|c| residual(c, i)).sum();
                prop_assert!((fit.difficulties[i] + sum).abs() < 1e-5);
            }
        }
    }
}
