//! Means of independent units, kept one unit at a time, and the difference of two of them at any number of looks.
//!
//! Not for scores on the same rows: those are compared row by row, in `sequential`.

use super::anytime::Mixture;

/// Units that each group has before a difference has an interval: with fewer, means are not normal yet.
pub const FEWEST_UNITS: usize = 100;

/// The mean, spread and range of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    n: usize,
    mean: f64,
    /// The sum of squares around the mean (Welford 1962).
    squares: f64,
    least: f64,
    most: f64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { n: 0, mean: 0.0, squares: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Sample {
    /// Adds a number; it is finite.
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let before = value - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (value - self.mean);
        (self.least, self.most) = (self.least.min(value), self.most.max(value));
    }

    /// How many numbers there are.
    #[must_use]
    pub fn n(&self) -> usize {
        self.n
    }

    /// Their mean; 0 without any.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The variance of what they are drawn from, by n − 1; 0 with fewer than two.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.squares / (self.n as f64 - 1.0).max(1.0)
    }

    /// The variance of the mean, as if one unit more were at each end of a range: what is rare may not have happened yet
    /// (as [`super::interval`] allows for it).
    fn variance_of_mean(&self, least: f64, most: f64) -> f64 {
        let ends = (self.mean - least).powi(2) + (most - self.mean).powi(2);
        (self.squares + ends) / (self.n as f64 + 1.0) / self.n as f64
    }
}

impl Extend<f64> for Sample {
    fn extend<T: IntoIterator<Item = f64>>(&mut self, values: T) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut sample = Self::default();
        sample.extend(values);
        sample
    }
}

/// A difference of means with its variance.
#[derive(Clone, Copy, Debug)]
pub struct MeanDifference {
    value: f64,
    variance: f64,
    /// Units of the smaller group.
    fewest: usize,
}

impl MeanDifference {
    /// The mean of `arm` less that of `control`.
    #[must_use]
    pub fn of(arm: &Sample, control: &Sample) -> Self {
        let (least, most) = (arm.least.min(control.least), arm.most.max(control.most));
        let variance_of_mean = |sample: &Sample| sample.variance_of_mean(least, most);
        Self {
            value: arm.mean - control.mean,
            variance: variance_of_mean(arm) + variance_of_mean(control),
            fewest: arm.n.min(control.n),
        }
    }

    /// This difference less another one, of other units.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            variance: self.variance + other.variance,
            fewest: self.fewest.min(other.fewest),
        }
    }

    /// The difference; `None` where a group is empty.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.fewest > 0).then_some(self.value)
    }

    /// The ends of an interval that, with a chance of at most `level` in (0, 1), ever leaves the truth out, however often somebody
    /// looks; `None` where a group has fewer than [`FEWEST_UNITS`] units, or no two units differ.
    #[must_use]
    pub fn interval(self, mixture: Mixture, level: f64) -> Option<[f64; 2]> {
        let half = mixture.half_width(self.variance, level);
        let is_known = self.fewest >= FEWEST_UNITS && half.is_finite() && half > 0.0;
        is_known.then_some([self.value - half, self.value + half])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_at_a_time_gives_what_all_give() {
        let sample: Sample = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().collect();
        assert_eq!((sample.n(), sample.mean()), (8, 5.0));
        assert!((sample.variance() - 32.0 / 7.0).abs() < 1e-12);
        assert_eq!((Sample::default().variance(), Sample::default().mean()), (0.0, 0.0));
    }

    #[test]
    fn a_difference_has_an_interval_once_both_groups_are_large_enough() {
        let group = |n: usize| -> Sample { (0..n).map(|unit| f64::from(unit % 2 == 0)).collect() };
        let mixture = Mixture::new(0.05);
        let interval =
            |n: usize, m: usize| MeanDifference::of(&group(n), &group(m)).interval(mixture, 0.05);
        assert!(interval(FEWEST_UNITS, FEWEST_UNITS - 1).is_none());
        let [low, high] = interval(FEWEST_UNITS, FEWEST_UNITS).unwrap();
        assert!(low < 0.0 && high > 0.0 && (low + high).abs() < 1e-12);
        let [near, _] = interval(FEWEST_UNITS * 10, FEWEST_UNITS * 10).unwrap();
        assert!(near > low);
        let alike: Sample = std::iter::repeat_n(1.0, 500).collect();
        assert!(MeanDifference::of(&alike, &alike).interval(mixture, 0.05).is_none());
        assert_eq!(MeanDifference::of(&alike, &Sample::default()).value(), None);
    }
}
