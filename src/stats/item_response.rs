//! The two-parameter logistic model of item response: how well each row separates good prompts from bad ones.
//!
//! For finding rows that are unlike the others: a row that better prompts fail more often has a negative discrimination, and
//! its right answer may be wrong. Not for claims. Abilities and difficulties alone, with fewer answers, are [`super::Rasch`]'s.

use super::ScoreMatrix;
use rayon::prelude::*;

/// Points of the quadrature over abilities, and how far they reach on each side, in standard deviations.
const POINTS: usize = 61;
const REACH: f64 = 6.0;
/// The most rounds of the fit; LSAT6 takes some 60.
const ROUNDS: usize = 500;
/// The fit has settled when no parameter moves by more than this.
const SETTLED: f64 = 1e-4;
/// The most Newton steps for one row within a round, and the longest of them.
const STEPS: usize = 25;
const LONGEST_STEP: f64 = 2.0;

/// What is thought of a row before its answers: normal priors on its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowPrior {
    /// The standard deviation of the discrimination around 1.
    pub discrimination: f64,
    /// The standard deviation of the easiness around 0.
    pub easiness: f64,
}

impl RowPrior {
    /// Few answers move a row little away from an ordinary one.
    pub const ORDINARY: Self = Self { discrimination: 1.0, easiness: 2.0 };
}

/// A row of the fitted model: P(a prompt of ability θ is right) = 1 / (1 + exp(−(aθ + d))).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowResponse {
    /// a: how steeply the chance rises with ability, in logits by one standard deviation of the prompts' abilities. Below 0,
    /// better prompts are right less often.
    pub discrimination: f64,
    /// d: the logit of a prompt of mean ability.
    pub easiness: f64,
}

impl RowResponse {
    fn logit(&self, ability: f64) -> f64 {
        self.discrimination * ability + self.easiness
    }

    fn is_near(&self, other: Self) -> bool {
        (self.discrimination - other.discrimination).abs() < SETTLED
            && (self.easiness - other.easiness).abs() < SETTLED
    }
}

/// The rows' parameters; a score s counts as s of a success and 1 − s of a failure. `None` without scores, or where the fit
/// does not settle.
///
/// The model is Birnbaum's (1968), fitted by the marginal maximum likelihood of Bock and Aitkin (1981): abilities are drawn
/// from a standard normal distribution and integrated out, here over 61 points. The priors make it a maximum a posteriori, as
/// Mislevy (1986) adds them; wide ones give the maximum likelihood. The sign of abilities is that in which most rows, by the
/// start and the prior at 1, favour able prompts.
#[must_use]
pub fn fit(matrix: &ScoreMatrix, prior: RowPrior) -> Option<Vec<RowResponse>> {
    let (prompts, rows) = matrix.size();
    let answers: Vec<Vec<(usize, f64)>> = (0..prompts)
        .map(|prompt| (0..rows).filter_map(|row| Some((row, matrix.get(prompt, row)?))).collect())
        .filter(|answers: &Vec<_>| !answers.is_empty())
        .collect();
    if answers.is_empty() {
        return None;
    }
    let points = quadrature();
    let mut fitted = vec![RowResponse { discrimination: 1.0, easiness: 0.0 }; rows];
    for _ in 0..ROUNDS {
        let expected = expected_answers(&answers, &fitted, &points);
        let next: Vec<RowResponse> = fitted
            .par_iter()
            .zip(&expected)
            .map(|(row, of_points)| most_likely(*row, of_points, &points, prior))
            .collect::<Option<_>>()?;
        let is_settled = fitted.iter().zip(&next).all(|(row, next)| row.is_near(*next));
        fitted = next;
        if is_settled {
            return Some(fitted);
        }
    }
    None
}

/// An ability and the share of prompts that have it.
struct Point {
    ability: f64,
    share: f64,
}

fn quadrature() -> Vec<Point> {
    let at = |i: usize| REACH * (2.0 * i as f64 / (POINTS - 1) as f64 - 1.0);
    let density = |ability: f64| (-0.5 * ability * ability).exp();
    let total: f64 = (0..POINTS).map(|i| density(at(i))).sum();
    let points = (0..POINTS).map(at);
    points.map(|ability| Point { ability, share: density(ability) / total }).collect()
}

/// How many answers, and how many right ones, a row is expected to have had from prompts of each ability.
#[derive(Clone, Copy, Default)]
struct Answers {
    all: f64,
    right: f64,
}

fn expected_answers(
    answers: &[Vec<(usize, f64)>],
    fitted: &[RowResponse],
    points: &[Point],
) -> Vec<Vec<Answers>> {
    let mut expected = vec![vec![Answers::default(); points.len()]; fitted.len()];
    // (logit, ln(1 + e^logit)) by row and point, which all prompts share.
    let at_points: Vec<Vec<(f64, f64)>> = fitted
        .iter()
        .map(|row| {
            let logits = points.iter().map(|point| row.logit(point.ability));
            logits.map(|logit| (logit, softplus(logit))).collect()
        })
        .collect();
    for own in answers {
        let mut logs: Vec<f64> = points.iter().map(|point| point.share.ln()).collect();
        for (row, score) in own {
            for (log, (logit, softplus)) in logs.iter_mut().zip(&at_points[*row]) {
                *log += score * logit - softplus;
            }
        }
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - highest).exp()).collect();
        let total: f64 = weights.iter().sum();
        for (row, score) in own {
            for (sum, weight) in expected[*row].iter_mut().zip(&weights) {
                sum.all += weight / total;
                sum.right += score * weight / total;
            }
        }
    }
    expected
}

/// Newton's method for one row, from where it stands. The posterior is log-concave, so that it has one maximum; a step that
/// does not climb is halved.
fn most_likely(
    start: RowResponse,
    answers: &[Answers],
    points: &[Point],
    prior: RowPrior,
) -> Option<RowResponse> {
    let (for_a, for_d) = (prior.discrimination.powi(-2), prior.easiness.powi(-2));
    let height = |row: RowResponse| {
        let fit = points.iter().zip(answers).map(|(point, it)| {
            let logit = row.logit(point.ability);
            it.right * logit - it.all * softplus(logit)
        });
        fit.sum::<f64>()
            - 0.5 * for_a * (row.discrimination - 1.0).powi(2)
            - 0.5 * for_d * row.easiness.powi(2)
    };
    let mut row = start;
    for _ in 0..STEPS {
        let mut slope = [-for_a * (row.discrimination - 1.0), -for_d * row.easiness];
        let (mut aa, mut ad, mut dd) = (for_a, 0.0, for_d);
        for (point, it) in points.iter().zip(answers) {
            let p = 1.0 / (1.0 + (-row.logit(point.ability)).exp());
            let (excess, information) = (it.right - it.all * p, it.all * p * (1.0 - p));
            slope[0] += excess * point.ability;
            slope[1] += excess;
            aa += information * point.ability * point.ability;
            ad += information * point.ability;
            dd += information;
        }
        let determinant = aa * dd - ad * ad;
        if !(determinant > 0.0 && determinant.is_finite()) {
            return None;
        }
        let step = [
            (dd * slope[0] - ad * slope[1]) / determinant,
            (aa * slope[1] - ad * slope[0]) / determinant,
        ];
        let length = step[0].abs().max(step[1].abs());
        let mut part = (LONGEST_STEP / length).min(1.0);
        let at = |part: f64| RowResponse {
            discrimination: row.discrimination + part * step[0],
            easiness: row.easiness + part * step[1],
        };
        while height(at(part)) < height(row) && part > 1e-9 {
            part /= 2.0;
        }
        row = at(part);
        if length < SETTLED / 10.0 {
            break;
        }
    }
    Some(row)
}

/// ln(1 + eˣ), without overflow.
fn softplus(logit: f64) -> f64 {
    logit.max(0.0) + (-logit.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// Section 6 of the Law School Admission Test (Bock and Lieberman 1970): how many of 1,000 gave each pattern of answers
    /// to five questions, from `00000` to `11111`.
    const LSAT6: [u16; 32] = [
        3, 6, 2, 11, 1, 1, 3, 4, 1, 8, 0, 16, 0, 3, 2, 15, 10, 29, 14, 81, 3, 28, 15, 80, 16, 56,
        21, 173, 11, 61, 28, 298,
    ];

    #[test]
    fn the_law_school_test_has_its_published_parameters() {
        let mut matrix = ScoreMatrix::new(1_000, 5);
        let mut person = 0;
        for (pattern, count) in LSAT6.iter().enumerate() {
            for _ in 0..*count {
                for item in 0..5 {
                    matrix.set(person, item, f64::from(u8::from(pattern >> (4 - item) & 1 == 1)));
                }
                person += 1;
            }
        }
        assert_eq!(person, 1_000);
        let flat = RowPrior { discrimination: 1e4, easiness: 1e4 };
        let fitted = fit(&matrix, flat).unwrap();
        // The package mirt (Chalmers 2012) gives these, and Bock and Aitkin (1981) the same to two digits.
        let published =
            [(0.825, 2.773), (0.723, 0.990), (0.890, 0.249), (0.689, 1.285), (0.658, 2.053)];
        for (row, (a, d)) in fitted.iter().zip(published) {
            assert!((row.discrimination - a).abs() < 0.005, "{row:?} {a}");
            assert!((row.easiness - d).abs() < 0.005, "{row:?} {d}");
        }
    }

    #[test]
    fn rows_whose_answers_are_turned_round_discriminate_negatively() {
        let mut rng = Seed(5).rng();
        let (prompts, rows) = (40, 60);
        let mut matrix = ScoreMatrix::new(prompts, rows);
        let easiness: Vec<f64> = (0..rows).map(|_| StandardNormal.sample(&mut rng)).collect();
        for prompt in 0..prompts {
            let ability: f64 = StandardNormal.sample(&mut rng);
            for (row, easiness) in easiness.iter().enumerate() {
                let slope = if row < 6 { -1.5 } else { 1.5 };
                let chance = 1.0 / (1.0 + (-(slope * ability + easiness)).exp());
                if rng.random_bool(0.8) {
                    let is_right = rng.random_bool(chance);
                    matrix.set(prompt, row, f64::from(u8::from(is_right)));
                }
            }
        }
        let fitted = fit(&matrix, RowPrior::ORDINARY).unwrap();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|a, b| fitted[*a].discrimination.total_cmp(&fitted[*b].discrimination));
        let turned = order[..6].iter().filter(|row| **row < 6).count();
        assert!(turned >= 5, "{:?}", &order[..6]);
        assert!(order[6..].iter().filter(|row| fitted[**row].discrimination < -0.2).count() <= 1);
    }

    #[test]
    fn without_answers_there_is_no_fit_and_with_few_the_prior_stays() {
        assert_eq!(fit(&ScoreMatrix::new(3, 2), RowPrior::ORDINARY), None);
        assert_eq!(fit(&ScoreMatrix::new(0, 0), RowPrior::ORDINARY), None);
        let mut matrix = ScoreMatrix::new(2, 3);
        matrix.set(0, 0, 1.0);
        let fitted = fit(&matrix, RowPrior::ORDINARY).unwrap();
        assert!(fitted[0].easiness > 0.0 && (fitted[0].discrimination - 1.0).abs() < 0.2);
        assert_eq!(fitted[2], RowResponse { discrimination: 1.0, easiness: 0.0 });
    }
}
