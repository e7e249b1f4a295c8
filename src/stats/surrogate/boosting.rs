//! Gradient-boosted regression trees.

use super::Sample;

const TREES: usize = 50;
const SHRINKAGE: f64 = 0.1;
/// The most splits from the root to a leaf.
const DEPTH: usize = 2;
/// The fewest observations in a leaf.
const LEAF: usize = 2;

/// Gradient-boosted regression trees under squared error: Friedman (2001), *Greedy function
/// approximation*, algorithm 2, with 50 trees of depth 2 and shrinkage 0.1. Deterministic: every
/// tree sees every observation and every dimension.
#[derive(Clone, Debug)]
pub struct Boosting {
    base: f64,
    trees: Vec<Tree>,
}

#[derive(Clone, Debug)]
enum Tree {
    Leaf(f64),
    Split { dimension: usize, threshold: f64, below: Box<Tree>, above: Box<Tree> },
}

impl Boosting {
    pub(super) fn fit(sample: &Sample) -> Self {
        let weight: f64 = sample.iter().map(|(_, _, w)| w).sum();
        let base = sample.iter().map(|(_, y, w)| w * y).sum::<f64>() / weight;
        let mut residuals: Vec<f64> = sample.iter().map(|(_, y, _)| y - base).collect();
        // Sorted once for all trees; ties by position, so that sums are always the same.
        let orders: Vec<Vec<usize>> = (0..sample.dimensions())
            .map(|dimension| {
                let mut order: Vec<usize> = (0..sample.len()).collect();
                order.sort_by(|a, b| {
                    sample.features(*a)[dimension].total_cmp(&sample.features(*b)[dimension])
                });
                order
            })
            .collect();
        let mut trees = Vec::new();
        for _ in 0..TREES {
            let tree = grow(sample, &residuals, &orders, &vec![true; sample.len()], DEPTH);
            for (i, residual) in residuals.iter_mut().enumerate() {
                *residual -= SHRINKAGE * tree.value(sample.features(i));
            }
            let done = matches!(tree, Tree::Leaf(_));
            trees.push(tree);
            // Without a split there will be none later: the residuals only shrink.
            if done {
                break;
            }
        }
        Self { base, trees }
    }

    /// The predicted value; a number missing at the end of `features` counts as small.
    #[must_use]
    pub fn predict(&self, features: &[f64]) -> f64 {
        self.base + SHRINKAGE * self.trees.iter().map(|tree| tree.value(features)).sum::<f64>()
    }
}

impl Tree {
    fn value(&self, features: &[f64]) -> f64 {
        match self {
            Self::Leaf(value) => *value,
            Self::Split { dimension, threshold, below, above } => {
                let goes_up = features.get(*dimension).is_some_and(|x| x > threshold);
                if goes_up { above.value(features) } else { below.value(features) }
            }
        }
    }
}

/// The tree of at most `depth` splits over the observations that are `inside`.
fn grow(
    sample: &Sample,
    residuals: &[f64],
    orders: &[Vec<usize>],
    inside: &[bool],
    depth: usize,
) -> Tree {
    let members = || (0..sample.len()).filter(|i| inside[*i]);
    let (sum, weight) = sums(sample, residuals, members());
    let leaf = Tree::Leaf(sum / weight);
    if depth == 0 {
        return leaf;
    }
    // Of equal gains, the first dimension and the lowest threshold.
    let mut best: Option<(f64, usize, f64)> = None;
    for (dimension, order) in orders.iter().enumerate() {
        let order: Vec<usize> = order.iter().copied().filter(|i| inside[*i]).collect();
        let (mut left_sum, mut left_weight) = (0.0, 0.0);
        for (place, pair) in order.windows(2).enumerate() {
            let (s, w) = sums(sample, residuals, std::iter::once(pair[0]));
            left_sum += s;
            left_weight += w;
            let (x, next) =
                (sample.features(pair[0])[dimension], sample.features(pair[1])[dimension]);
            if x == next || place + 1 < LEAF || order.len() - place - 1 < LEAF {
                continue;
            }
            let (right_sum, right_weight) = (sum - left_sum, weight - left_weight);
            let gain = left_sum * left_sum / left_weight + right_sum * right_sum / right_weight
                - sum * sum / weight;
            if gain > best.map_or(1e-12 * weight, |best| best.0) {
                // The lower one itself, should there be no number between the two.
                let middle = x + (next - x) / 2.0;
                best = Some((gain, dimension, if middle < next { middle } else { x }));
            }
        }
    }
    let Some((_, dimension, threshold)) = best else { return leaf };
    let side = |up: bool| -> Vec<bool> {
        let is = |i: usize| inside[i] && (sample.features(i)[dimension] > threshold) == up;
        (0..sample.len()).map(is).collect()
    };
    let child = |up| Box::new(grow(sample, residuals, orders, &side(up), depth - 1));
    Tree::Split { dimension, threshold, below: child(false), above: child(true) }
}

/// Σ weight × residual, and Σ weight.
fn sums(sample: &Sample, residuals: &[f64], of: impl Iterator<Item = usize>) -> (f64, f64) {
    of.fold((0.0, 0.0), |(sum, weight), i| {
        (sum + sample.weight(i) * residuals[i], weight + sample.weight(i))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_by_hand() {
        let rows: Vec<Vec<f64>> = [0.0, 1.0, 2.0, 3.0].map(|x| vec![x]).to_vec();
        let sample = Sample::new(&rows, &[0.0, 0.0, 1.0, 1.0], &[1.0; 4]).unwrap();
        let trees = Boosting::fit(&sample);
        // Each tree leaves 0.9 of what was left; leaves of two allow no other split.
        let rest = 0.5 * 0.9_f64.powi(50);
        assert!((trees.predict(&[0.4]) - rest).abs() < 1e-9, "{}", trees.predict(&[0.4]));
        assert!((trees.predict(&[9.0]) - (1.0 - rest)).abs() < 1e-9);
        assert_eq!(trees.predict(&[1.5]), trees.predict(&[]));
    }

    #[test]
    fn it_learns_an_interaction_that_no_line_can() {
        let rows: Vec<Vec<f64>> =
            (0..100).map(|i| vec![f64::from(i % 10), f64::from(i / 10)]).collect();
        let value = |row: &Vec<f64>| f64::from(u8::from(row[0] > 5.5 && row[1] < 3.5));
        let values: Vec<f64> = rows.iter().map(value).collect();
        let trees = Boosting::fit(&Sample::new(&rows, &values, &[1.0; 100]).unwrap());
        for row in &rows {
            assert!((trees.predict(row) - value(row)).abs() < 0.1, "{row:?}");
        }
    }

    #[test]
    fn weights_move_leaves_and_constants_stay() {
        let rows = vec![vec![1.0]; 4];
        let of = |weights: &[f64]| {
            let sample = Sample::new(&rows, &[0.0, 0.0, 1.0, 1.0], weights).unwrap();
            Boosting::fit(&sample).predict(&[1.0])
        };
        assert!((of(&[1.0; 4]) - 0.5).abs() < 1e-12);
        assert!((of(&[3.0, 3.0, 1.0, 1.0]) - 0.25).abs() < 1e-12);
    }
}
