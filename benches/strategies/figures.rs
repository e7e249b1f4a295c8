//! Means over worlds and seeds, with intervals that account for the similarity of seeds of one
//! world.

use crate::runs::{End, Found, Results};
use promptsearch::seed::Seed;
use rand::Rng;

const RESAMPLES: usize = 10_000;

/// A mean with its 95 % interval.
#[derive(Clone, Copy)]
pub(crate) struct Mean {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Values by world and seed; worlds without values are left out.
pub(crate) struct ByWorld(Vec<(usize, Vec<f64>)>);

impl ByWorld {
    /// The results of the runs of a strategy at a budget.
    pub(crate) fn of(
        results: &Results,
        strategy: usize,
        budget: u64,
        value: fn(&Found) -> f64,
    ) -> Self {
        Self::collect(results, |world, seed| {
            found(results, strategy, world, seed, budget).map(|it| value(&it))
        })
    }

    /// The difference in true quality between two strategies, for runs that both finished.
    pub(crate) fn ahead(results: &Results, one: usize, other: usize, budget: u64) -> Self {
        Self::paired(results, one, other, budget, |one, other| one.quality - other.quality)
    }

    /// A value of two strategies' runs on the same world with the same seed, which both finished.
    pub(crate) fn paired(
        results: &Results,
        one: usize,
        other: usize,
        budget: u64,
        value: impl Fn(&Found, &Found) -> f64,
    ) -> Self {
        Self::collect(results, |world, seed| {
            let of = |strategy| found(results, strategy, world, seed, budget);
            Some(value(&of(one)?, &of(other)?))
        })
    }

    /// The sum over all worlds and seeds.
    pub(crate) fn sum(&self) -> f64 {
        self.0.iter().flat_map(|(_, values)| values).sum()
    }

    fn collect(results: &Results, value: impl Fn(usize, u64) -> Option<f64>) -> Self {
        let mut seeds: Vec<u64> = results.runs.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let worlds = (0..results.worlds.len()).map(|world| {
            (world, seeds.iter().filter_map(|seed| value(world, *seed)).collect::<Vec<f64>>())
        });
        Self(worlds.filter(|(_, values)| !values.is_empty()).collect())
    }

    /// The mean of one world.
    pub(crate) fn world(&self, world: usize) -> Option<f64> {
        self.0.iter().find(|(own, _)| *own == world).map(|(_, values)| mean(values))
    }

    /// The world with the smallest mean.
    pub(crate) fn worst(&self) -> Option<(usize, f64)> {
        let means = self.0.iter().map(|(world, values)| (*world, mean(values)));
        means.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The mean of the worlds' means. The interval is a bootstrap of worlds, and of seeds within.
    pub(crate) fn mean(&self) -> Option<Mean> {
        if self.0.is_empty() {
            return None;
        }
        let overall =
            self.0.iter().map(|(_, values)| mean(values)).sum::<f64>() / self.0.len() as f64;
        let mut rng = Seed(1).child("strategies", 0).rng();
        let mut resampled: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let mut sum = 0.0;
                for _ in 0..self.0.len() {
                    let (_, values) = &self.0[rng.random_range(0..self.0.len())];
                    let drawn =
                        (0..values.len()).map(|_| values[rng.random_range(0..values.len())]);
                    sum += drawn.sum::<f64>() / values.len() as f64;
                }
                sum / self.0.len() as f64
            })
            .collect();
        resampled.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| resampled[((RESAMPLES - 1) as f64 * share).round() as usize];
        Some(Mean { mean: overall, low: at(0.025), high: at(0.975) })
    }
}

fn found(
    results: &Results,
    strategy: usize,
    world: usize,
    seed: u64,
    budget: u64,
) -> Option<Found> {
    let key = (budget, strategy, world, seed);
    let of = |run: &crate::runs::Run| (run.budget, run.strategy, run.world, run.seed);
    let place = results.runs.binary_search_by_key(&key, of).ok()?;
    match &results.runs[place].end {
        End::Found(found) => Some(*found),
        End::Error(_) => None,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
