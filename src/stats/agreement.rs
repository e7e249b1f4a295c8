//! How far two raters agree on the same things, beyond what chance gives.
//!
//! For a judge beside a person. Not whether the judge's mean score is right, which `misclassification` corrects.

use super::interval::{Interval, wilson};
use super::level::Level;
use crate::seed::Seed;
use rand_distr::{Distribution, Gamma};
use serde::Serialize;

/// Draws from the posterior of the table.
const DRAWS: usize = 4_000;

/// Two raters' levels of the same things.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The share of things that got the same level from both.
    pub share: Interval,
    /// κ, at most 1; 0 is what chance gives. `None` where both raters know one level only.
    pub kappa: Option<Interval>,
    /// κ that counts a difference between levels by its square, at most 1; `None` as for κ.
    pub weighted_kappa: Option<Interval>,
}

impl Agreement {
    /// Of pairs of levels, each below `levels`; `None` without pairs, or where a level is not below it.
    ///
    /// κ = (pₒ − pₑ)/(1 − pₑ) with the share pₒ of equal levels and what pₑ of them two raters with these shares of
    /// levels have who do not look (Cohen 1960); weighted, each cell (i, j) agrees by 1 − (i − j)²/(levels − 1)² (Cohen
    /// 1968). The 95 % interval is that of the posterior of the table, for a Dirichlet prior of one thing spread evenly over
    /// its cells (Perks 1947), by 4,000 draws: unlike the one by the standard error of Fleiss, Cohen and Everitt (1969) it
    /// is not of zero width where the raters never disagreed.
    #[must_use]
    pub fn of(pairs: &[(usize, usize)], levels: usize, seed: Seed) -> Option<Self> {
        let mut table = Table { levels, cells: vec![0.0; levels * levels] };
        for (one, other) in pairs {
            if *one >= levels || *other >= levels {
                return None;
            }
            table.cells[one * levels + other] += 1.0;
        }
        let equal = pairs.iter().filter(|(one, other)| one == other).count();
        let share = wilson(equal, pairs.len())?;
        let observed = table.kappas();
        let mut rng = seed.rng();
        let prior = 1.0 / table.cells.len() as f64;
        let gammas: Vec<Gamma<f64>> =
            table.cells.iter().filter_map(|count| Gamma::new(count + prior, 1.0).ok()).collect();
        let mut drawn = [Vec::with_capacity(DRAWS), Vec::with_capacity(DRAWS)];
        for _ in 0..DRAWS {
            let cells = gammas.iter().map(|gamma| gamma.sample(&mut rng)).collect();
            let kappas = Table { levels, cells }.kappas();
            for (all, kappa) in drawn.iter_mut().zip(kappas) {
                all.extend(kappa);
            }
        }
        let [kappa, weighted_kappa] = [0, 1].map(|which| {
            let ends = ends(&mut drawn[which])?;
            Some(Interval::around(observed[which]?, ends, pairs.len()))
        });
        Some(Self { share, kappa, weighted_kappa })
    }
}

/// How often each pair of levels is met, in any unit.
struct Table {
    levels: usize,
    cells: Vec<f64>,
}

impl Table {
    /// κ, and κ weighted by squares; `None` where chance agrees as well as can be.
    fn kappas(&self) -> [Option<f64>; 2] {
        let total: f64 = self.cells.iter().sum();
        let (mut rows, mut columns) = (vec![0.0; self.levels], vec![0.0; self.levels]);
        let cells = || (0..self.levels).flat_map(|i| (0..self.levels).map(move |j| (i, j)));
        for (i, j) in cells() {
            rows[i] += self.cells[i * self.levels + j] / total;
            columns[j] += self.cells[i * self.levels + j] / total;
        }
        let furthest = self.levels.saturating_sub(1).max(1) as f64;
        let plain = |i: usize, j: usize| f64::from(u8::from(i == j));
        let squared = |i: usize, j: usize| 1.0 - (i.abs_diff(j) as f64 / furthest).powi(2);
        let kappa = |weight: &dyn Fn(usize, usize) -> f64| {
            let (mut seen, mut chance) = (0.0, 0.0);
            for (i, j) in cells() {
                seen += weight(i, j) * self.cells[i * self.levels + j] / total;
                chance += weight(i, j) * rows[i] * columns[j];
            }
            (1.0 - chance > 1e-12).then(|| (seen - chance) / (1.0 - chance))
        };
        [kappa(&plain), kappa(&squared)]
    }
}

/// The ends of the 95 % interval of draws.
fn ends(drawn: &mut [f64]) -> Option<(f64, f64)> {
    drawn.sort_by(f64::total_cmp);
    let at = |chance: f64| drawn.get((chance * drawn.len() as f64) as usize).copied();
    let chance = Level::FIRST.one_sided;
    Some((at(chance)?, at(1.0 - chance)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    /// Things that got these levels, so often.
    fn pairs(counts: &[(usize, usize, usize)]) -> Vec<(usize, usize)> {
        let of = |(i, j, n): &(usize, usize, usize)| std::iter::repeat_n((*i, *j), *n);
        counts.iter().flat_map(of).collect()
    }

    #[test]
    fn the_published_diagnoses() {
        // Fleiss, Levin and Paik (2003), table 18.1: diagnoses of 100 subjects by two raters; κ = 0.68, and its standard
        // error is 0.09.
        let counts =
            [(0, 0, 75), (0, 1, 1), (0, 2, 4), (1, 0, 5), (1, 1, 4), (1, 2, 1), (2, 2, 10)];
        let found = Agreement::of(&pairs(&counts), 3, Seed(1)).unwrap();
        let kappa = found.kappa.unwrap();
        assert!((kappa.mean - 0.23 / 0.34).abs() < 1e-12);
        assert!((kappa.low - (0.676 - 1.96 * 0.088)).abs() < 0.03, "{kappa:?}");
        assert!((kappa.high - (0.676 + 1.96 * 0.088)).abs() < 0.03, "{kappa:?}");
        assert_eq!((found.share.mean, found.share.n), (0.89, 100));
    }

    #[test]
    fn edges() {
        let of = |counts: &[(usize, usize, usize)], levels| {
            Agreement::of(&pairs(counts), levels, Seed(1))
        };
        assert_eq!(of(&[], 2), None);
        assert_eq!(of(&[(0, 2, 1)], 2), None);
        assert_eq!(of(&[(1, 1, 9)], 2).unwrap().kappa, None, "they know one level");
        let always = of(&[(0, 0, 15), (1, 1, 15)], 2).unwrap().kappa.unwrap();
        assert!((always.mean, always.high) == (1.0, 1.0) && (0.7..0.95).contains(&always.low));
        let never = of(&[(0, 1, 15), (1, 0, 15)], 2).unwrap();
        assert_eq!(never.kappa.unwrap().mean, -1.0);
        assert_eq!(never.kappa.unwrap().mean, never.weighted_kappa.unwrap().mean, "two levels");
        // One level off is a quarter of two levels off.
        let near = of(&[(0, 0, 10), (1, 1, 10), (2, 2, 10), (0, 1, 5), (2, 1, 5)], 3).unwrap();
        let far = of(&[(0, 0, 10), (1, 1, 10), (2, 2, 10), (0, 2, 5), (2, 0, 5)], 3).unwrap();
        assert!(near.weighted_kappa.unwrap().low > far.weighted_kappa.unwrap().high - 0.25);
        assert!(near.weighted_kappa.unwrap().mean > far.weighted_kappa.unwrap().mean + 0.2);
    }

    /// Of samples from a table whose κ is known, the intervals hold it in 95 of 100 cases.
    #[test]
    fn intervals_hold_the_truth() {
        for (levels, agree, n) in [(2, 0.9, 40), (2, 0.7, 100), (3, 0.8, 60), (5, 0.6, 80)] {
            let uniform = 1.0 / levels as f64;
            // Levels are met alike, and who does not agree draws another level.
            let truth = (agree - uniform) / (1.0 - uniform);
            let mut rng = Seed(7).child("pairs", levels as u64).rng();
            let mut held = 0;
            for round in 0..300 {
                let pair = |_| {
                    let level = rng.random_range(0..levels);
                    let other = (level + rng.random_range(1..levels)) % levels;
                    (level, if rng.random_bool(agree) { level } else { other })
                };
                let pairs: Vec<_> = (0..n).map(pair).collect();
                let found = Agreement::of(&pairs, levels, Seed(round)).unwrap().kappa.unwrap();
                held += u32::from(found.low <= truth && truth <= found.high);
            }
            assert!((275..=299).contains(&held), "{levels} levels, {n} things: {held} of 300");
        }
    }
}
