//! A difference between two groups of units, its interval and what that decides.

use crate::stats::{MeanDifference, Mixture};
use serde::Serialize;

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

impl Effect {
    /// A difference with its interval at a level in (0, 1).
    pub(super) fn of(difference: MeanDifference, mixture: Mixture, level: f64) -> Self {
        let ends = difference.interval(mixture, level);
        Self {
            difference: difference.value(),
            low: ends.map(|[low, _]| low),
            high: ends.map(|[_, high]| high),
        }
    }

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
