//! The difference of two groups within strata: what remains of it where the groups differ in something else, too.

use super::interval::Interval;
use super::level::Level;
use super::normal;

/// The values of two groups in a stratum.
pub type Stratum = [Vec<f64>; 2];

/// The mean of the first group less that of the second, within strata, with a 95 % interval: Σ w (x̄₁ − x̄₂)/Σ w with
/// w = n₁n₂/(n₁ + n₂) (Cochran 1954, *Biometrics* 10, section 5: weights that are best where the difference is the same in all strata).
/// The variance of a group in a stratum is at least that of one value that is off by 1 among one more, so that values which
/// are all alike leave an interval; that is our own. Values lie in [−1, 1]; `n` counts both groups.
///
/// `None` where no stratum has both groups.
#[must_use]
pub fn stratified_difference(strata: &[Stratum]) -> Option<Interval> {
    let both: Vec<&Stratum> =
        strata.iter().filter(|stratum| stratum.iter().all(|it| !it.is_empty())).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    if both.is_empty() {
        return None;
    }
    // The variance of a mean.
    let variance_of = |values: &[f64]| {
        let (n, centre) = (values.len() as f64, mean(values));
        let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
        (squares / (n - 1.0).max(1.0)).max(1.0 / (n + 1.0)) / n
    };
    let (mut weights, mut sum, mut variance, mut n) = (0.0, 0.0, 0.0, 0);
    for [one, other] in both {
        let (n1, n2) = (one.len() as f64, other.len() as f64);
        let weight = n1 * n2 / (n1 + n2);
        weights += weight;
        sum += weight * (mean(one) - mean(other));
        variance += weight * weight * (variance_of(one) + variance_of(other));
        n += one.len() + other.len();
    }
    let centre = sum / weights;
    let half = normal::quantile(1.0 - Level::FIRST.one_sided) * variance.sqrt() / weights;
    Some(Interval { mean: centre, low: centre - half, high: centre + half, n })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::Rng;

    /// By hand: strata of 2 and 2, and of 4 and 1, with differences 0.5 and 0.25: weights 1 and 0.8.
    #[test]
    fn it_is_the_weighted_mean_of_the_differences_within() {
        let strata = [
            [vec![1.0, 0.5], vec![0.5, 0.0]],
            [vec![0.5, 0.0, 0.5, 0.0], vec![0.0]],
            [vec![1.0], vec![]],
        ];
        let it = stratified_difference(&strata).unwrap();
        assert!((it.mean - (0.5 + 0.8 * 0.25) / 1.8).abs() < 1e-12, "{it:?}");
        assert_eq!(it.n, 9);
        // Groups that are never in one stratum say nothing of each other.
        assert_eq!(stratified_difference(&[[vec![1.0; 9], vec![]], [vec![], vec![0.0; 9]]]), None);
        assert_eq!(stratified_difference(&[]), None);
        let alike = stratified_difference(&[[vec![0.0; 40], vec![0.0; 40]]]).unwrap();
        assert!(alike.low < -0.05 && alike.high > 0.05, "{alike:?}");
    }

    /// One group lies mostly in one stratum, whose values are higher: the plain difference is far off.
    #[test]
    fn what_the_strata_differ_in_does_not_count_and_the_interval_holds_the_truth() {
        let (truth, trials) = (0.1, 1_000_u64);
        let holds = |trial: &u64| {
            let mut rng = Seed(7).child("stratified", *trial).rng();
            let mut values = |n: usize, chance: f64| -> Vec<f64> {
                (0..n).map(|_| f64::from(u8::from(rng.random_bool(chance)))).collect()
            };
            let strata = [
                [values(60, 0.8 + truth), values(15, 0.8)],
                [values(15, 0.1 + truth), values(60, 0.1)],
            ];
            let it = stratified_difference(&strata).unwrap();
            it.low <= truth && truth <= it.high
        };
        let held = (0..trials).filter(holds).count();
        // 95 %, with three standard deviations of 0.7 %.
        assert!((925..=985).contains(&held), "{held}");
    }
}
