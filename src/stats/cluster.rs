//! Clusters of similar vectors: k-means.
//!
//! For spending rows on one prompt of a cluster before the others, as TRIPLE-CLST does (Shi et al.
//! 2024, section 4.1). The caller chooses k.

use super::bandit::draw;
use crate::seed::Seed;

/// The most rounds, even if assignments still change.
const ROUNDS: usize = 100;

/// A partition of vectors into clusters, none of them empty.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    /// The mean of each cluster's vectors.
    pub centres: Vec<Vec<f64>>,
    /// The cluster of each vector, as a position in `centres`.
    pub assignment: Vec<usize>,
}

impl KMeans {
    /// Groups `features` (one row of equal length per item) into `k` clusters, or fewer if there
    /// are fewer distinct rows; `None` without rows, for `k` = 0, for rows of unequal length, or
    /// with a number that is not finite.
    ///
    /// Centres start as in k-means++ (Arthur and Vassilvitskii 2007, section 2.2), then Lloyd's
    /// algorithm (1982) runs until nothing moves. A cluster that loses its last row gets the row
    /// that is furthest from its centre. Of equally near centres, the first one.
    #[must_use]
    pub fn fit(features: &[Vec<f64>], k: usize, seed: Seed) -> Option<Self> {
        let dimensions = features.first()?.len();
        let sound = |row: &Vec<f64>| row.len() == dimensions && row.iter().all(|x| x.is_finite());
        if k == 0 || !features.iter().all(sound) {
            return None;
        }
        let mut centres = spread_out(features, k, seed);
        let mut assignment = assigned(features, &centres);
        for _ in 0..ROUNDS {
            fill_empty(features, &centres, &mut assignment);
            centres = means(features, &assignment, centres.len());
            let next = assigned(features, &centres);
            if next == assignment {
                break;
            }
            assignment = next;
        }
        // After the last round allowed, a cluster may again have lost its rows.
        fill_empty(features, &centres, &mut assignment);
        Some(Self { centres: means(features, &assignment, centres.len()), assignment })
    }

    /// How many items each cluster has, 1 or more.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.centres.len()];
        self.assignment.iter().for_each(|cluster| sizes[*cluster] += 1);
        sizes
    }

    /// The sum of squared distances from each item to its centre: what Lloyd's algorithm lowers.
    #[must_use]
    pub fn inertia(&self, features: &[Vec<f64>]) -> f64 {
        let of = |(row, cluster): (&Vec<f64>, &usize)| squared(row, &self.centres[*cluster]);
        features.iter().zip(&self.assignment).map(of).sum()
    }
}

/// The Kullback-Leibler divergence of cluster sizes from equal ones, in nats, in `[0, ln k]`:
/// Σ p ln(k p). 0 without items.
#[must_use]
pub fn imbalance(sizes: &[usize]) -> f64 {
    let total = sizes.iter().sum::<usize>() as f64;
    let of = |size: &usize| {
        let p = *size as f64 / total;
        p * (p * sizes.len() as f64).ln()
    };
    // Rounding may leave equal sizes just below 0.
    sizes.iter().filter(|size| **size > 0).map(of).sum::<f64>().max(0.0)
}

/// k-means++: the first centre is any row, each other one is drawn by its squared distance to the
/// nearest so far. Rows that are a centre already are never drawn, so centres are distinct.
fn spread_out(features: &[Vec<f64>], k: usize, seed: Seed) -> Vec<Vec<f64>> {
    let mut centres: Vec<Vec<f64>> = Vec::new();
    let mut apart = vec![1.0; features.len()];
    while centres.len() < k {
        let seed = seed.child("centre", centres.len() as u64);
        let Some(chosen) = draw(&apart, seed) else { break };
        let centre = &features[chosen];
        for (nearest, row) in apart.iter_mut().zip(features) {
            let distance = squared(row, centre);
            *nearest = if centres.is_empty() { distance } else { distance.min(*nearest) };
        }
        centres.push(centre.clone());
    }
    centres
}

fn assigned(features: &[Vec<f64>], centres: &[Vec<f64>]) -> Vec<usize> {
    let nearest = |row: &Vec<f64>| {
        let distances = centres.iter().map(|centre| squared(row, centre)).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(cluster, _)| cluster)
    };
    features.iter().map(nearest).collect()
}

/// Gives every empty cluster the row that is furthest from its centre, from a cluster that has
/// others.
fn fill_empty(features: &[Vec<f64>], centres: &[Vec<f64>], assignment: &mut [usize]) {
    let mut sizes = vec![0_usize; centres.len()];
    assignment.iter().for_each(|cluster| sizes[*cluster] += 1);
    for empty in 0..centres.len() {
        if sizes[empty] > 0 {
            continue;
        }
        let apart = |item: &usize| squared(&features[*item], &centres[assignment[*item]]);
        let spare = (0..features.len()).filter(|item| sizes[assignment[*item]] > 1);
        if let Some(item) = spare.max_by(|a, b| apart(a).total_cmp(&apart(b))) {
            sizes[assignment[item]] -= 1;
            assignment[item] = empty;
            sizes[empty] = 1;
        }
    }
}

fn means(features: &[Vec<f64>], assignment: &[usize], k: usize) -> Vec<Vec<f64>> {
    let mut sums = vec![vec![0.0; features.first().map_or(0, Vec::len)]; k];
    let mut sizes = vec![0.0_f64; k];
    for (row, cluster) in features.iter().zip(assignment) {
        sums[*cluster].iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        sizes[*cluster] += 1.0;
    }
    for (sum, size) in sums.iter_mut().zip(sizes) {
        sum.iter_mut().for_each(|x| *x /= size.max(1.0));
    }
    sums
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn clear_clusters_are_found() {
        let mut rng = Seed(4).rng();
        let features: Vec<Vec<f64>> = (0..90)
            .map(|i| {
                let centre = f64::from(i % 3) * 10.0;
                (0..5)
                    .map(|_| centre + Distribution::<f64>::sample(&StandardNormal, &mut rng))
                    .collect()
            })
            .collect();
        let found = KMeans::fit(&features, 3, Seed(1)).unwrap();
        assert_eq!(found.sizes(), [30; 3]);
        assert!((0..90).all(|i| found.assignment[i] == found.assignment[i % 3]));
        // 90 items in 5 dimensions of variance 1.
        assert!((found.inertia(&features) - 450.0).abs() < 100.0);
    }

    #[test]
    fn a_line_by_hand() {
        let features: Vec<Vec<f64>> = [0.0, 1.0, 9.0, 11.0].map(|x| vec![x]).to_vec();
        for seed in 0..20 {
            let found = KMeans::fit(&features, 2, Seed(seed)).unwrap();
            let mut centres: Vec<f64> = found.centres.iter().map(|centre| centre[0]).collect();
            centres.sort_by(f64::total_cmp);
            assert_eq!(centres, [0.5, 10.0]);
            assert_eq!(found.inertia(&features), 2.5);
        }
    }

    #[test]
    fn degenerate_input() {
        assert_eq!(KMeans::fit(&[], 2, Seed(1)), None);
        assert_eq!(KMeans::fit(&[vec![1.0]], 0, Seed(1)), None);
        assert_eq!(KMeans::fit(&[vec![1.0], vec![1.0, 2.0]], 1, Seed(1)), None);
        assert_eq!(KMeans::fit(&[vec![f64::NAN]], 1, Seed(1)), None);
        // Two distinct rows make two clusters, however many are asked for.
        let rows = vec![vec![1.0], vec![1.0], vec![2.0]];
        assert_eq!(KMeans::fit(&rows, 9, Seed(1)).unwrap().centres.len(), 2);
        assert_eq!(KMeans::fit(&vec![vec![]; 3], 2, Seed(1)).unwrap().sizes(), [3]);
    }

    #[test]
    fn an_empty_cluster_gets_the_furthest_row() {
        let features = [0.0, 1.0, 5.0].map(|x| vec![x]);
        let mut assignment = vec![0, 0, 0];
        fill_empty(&features, &[vec![1.0], vec![100.0]], &mut assignment);
        assert_eq!(assignment, [0, 0, 1]);
    }

    #[test]
    fn imbalance_by_hand() {
        assert_eq!(imbalance(&[5, 5, 5]), 0.0);
        assert!((imbalance(&[6, 0]) - 2.0_f64.ln()).abs() < 1e-12);
        let expected = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((imbalance(&[3, 1]) - expected).abs() < 1e-12);
        assert_eq!((imbalance(&[]), imbalance(&[0, 0])), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn every_item_is_nearest_to_its_own_centre_and_no_cluster_is_empty(
            features in prop::collection::vec(prop::collection::vec(-3..4_i8, 2), 1..40),
            k in 1..8_usize, seed: u64,
        ) {
            let features: Vec<Vec<f64>> = features
                .into_iter()
                .map(|row| row.into_iter().map(f64::from).collect())
                .collect();
            let found = KMeans::fit(&features, k, Seed(seed)).unwrap();
            prop_assert_eq!(&found, &KMeans::fit(&features, k, Seed(seed)).unwrap());
            prop_assert!(found.centres.len() <= k && found.sizes().iter().all(|size| *size > 0));
            prop_assert!((0.0..=(k as f64).ln() + 1e-12).contains(&imbalance(&found.sizes())));
            for (row, cluster) in features.iter().zip(&found.assignment) {
                let own = squared(row, &found.centres[*cluster]);
                prop_assert!(found.centres.iter().all(|centre| own <= squared(row, centre) + 1e-9));
            }
            let one = KMeans::fit(&features, 1, Seed(seed)).unwrap();
            prop_assert!(found.inertia(&features) <= one.inertia(&features) + 1e-9);
        }
    }
}
