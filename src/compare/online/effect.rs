//! A difference between two groups of units, its interval and what that decides.

use crate::stats::Mixture;
use serde::Serialize;

/// Units that each arm has before anything is decided: with fewer, estimates are not normal yet.
pub(super) const FEWEST_UNITS: usize = 100;
/// A difference of means with its interval, in the unit of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The difference; `None` where a group is empty.
    pub difference: Option<f64>,
    /// The lower end; `None` where a group has fewer than 100 units, or no two units differ.
    pub low: Option<f64>,
    /// The upper end, where there is a lower one.
    pub high: Option<f64>,
}

/// What is decided about an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Its outcome is higher.
    Higher,
    /// Its outcome is lower.
    Lower,
    /// It differs by no more than the margin.
    Same,
    /// Nothing yet.
    Open,
}

/// The mean and spread of some numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub(super) n: usize,
    pub(super) mean: f64,
    /// The sum of squares around the mean (Welford 1962).
    squares: f64,
}

impl Sample {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sample = Self::default();
        for value in values {
            sample.n += 1;
            let before = value - sample.mean;
            sample.mean += before / sample.n as f64;
            sample.squares += before * (value - sample.mean);
        }
        sample
    }

    pub(super) fn variance(self) -> f64 {
        self.squares / (self.n as f64 - 1.0).max(1.0)
    }

    /// The variance of the mean, as if one unit more were at each end of the range: what is rare may not have happened yet
    /// (as [`crate::stats::interval`] allows for it).
    fn variance_of_mean(self, [least, most]: [f64; 2]) -> f64 {
        let ends = (self.mean - least).powi(2) + (most - self.mean).powi(2);
        (self.squares + ends) / (self.n as f64 + 1.0) / self.n as f64
    }
}

/// A difference with its variance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Difference {
    value: f64,
    variance: f64,
    /// Units of the smaller group.
    fewest: usize,
}

impl Difference {
    pub(super) fn of(arm: &[f64], control: &[f64]) -> Self {
        let values = || arm.iter().chain(control).copied();
        let range = [values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max)];
        let [arm, control] = [arm, control].map(|values| Sample::of(values.iter().copied()));
        Self {
            value: arm.mean - control.mean,
            variance: arm.variance_of_mean(range) + control.variance_of_mean(range),
            fewest: arm.n.min(control.n),
        }
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            variance: self.variance + other.variance,
            fewest: self.fewest.min(other.fewest),
        }
    }

    /// With its interval, where the groups are large enough to know their spread.
    pub(super) fn effect(self, mixture: Mixture, level: f64) -> Effect {
        let half = mixture.half_width(self.variance, level);
        let is_known = self.fewest >= FEWEST_UNITS && half.is_finite() && half > 0.0;
        Effect {
            difference: (self.fewest > 0).then_some(self.value),
            low: is_known.then_some(self.value - half),
            high: is_known.then_some(self.value + half),
        }
    }
}

impl Effect {
    /// This effect less another one, where each has an interval of its own: the interval holds where both do.
    pub(super) fn less_apart(self, other: Self) -> Self {
        let less = |a: Option<f64>, b: Option<f64>| Some(a? - b?);
        Self {
            difference: less(self.difference, other.difference),
            low: less(self.low, other.high),
            high: less(self.high, other.low),
        }
    }

    pub(super) fn decision(self, margin: Option<f64>) -> Decision {
        let (Some(low), Some(high)) = (self.low, self.high) else { return Decision::Open };
        match margin {
            Some(margin) if low > -margin && high < margin => Decision::Same,
            _ if low > 0.0 => Decision::Higher,
            _ if high < 0.0 => Decision::Lower,
            _ => Decision::Open,
        }
    }
}
