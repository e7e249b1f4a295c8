//! How the scores of a task are written for people: in percent, or as plain numbers from 0 to 1.
//!
//! All pages write scores with [`ScoreForm`]. Shares of other things (of rows, of tokens, a recall) are `text::percent`'s.

use crate::text;
use serde::{Deserialize, Serialize};

/// How the scores of a task are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreForm {
    /// A mean score is a share of what is right: `69.8 %`, and differences are in percentage points.
    #[default]
    Percent,
    /// A mean score is no such share, because kinds of mistakes have costs: `0.698`.
    Number,
}

impl ScoreForm {
    /// Whether scores are written in percent.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub fn is_percent(&self) -> bool {
        *self == Self::Percent
    }

    /// A score in [0, 1]: `69.8 %`, `0.698`.
    #[must_use]
    pub fn score(self, score: f64) -> String {
        match self {
            Self::Percent => text::percent(score),
            Self::Number => format!("{score:.3}"),
        }
    }

    /// A score without its unit: `69.8`, `0.698`.
    #[must_use]
    pub fn bare(self, score: f64) -> String {
        match self {
            Self::Percent => format!("{:.1}", score * 100.0),
            Self::Number => self.score(score),
        }
    }

    /// The ends of an interval of scores: `62.3 to 76.2`.
    #[must_use]
    pub fn range(self, low: f64, high: f64) -> String {
        format!("{} to {}", self.bare(low), self.bare(high))
    }

    /// A score at the axis of a plot: `70 %`, `0.70`.
    #[must_use]
    pub fn tick(self, score: f64) -> String {
        match self {
            Self::Percent => format!("{:.0} %", score * 100.0),
            Self::Number => format!("{score:.2}"),
        }
    }

    /// A difference of scores with its sign: `+12.3 pp`, `+0.123`.
    #[must_use]
    pub fn gain(self, difference: f64) -> String {
        match self {
            Self::Percent => text::points(difference),
            Self::Number => format!("{difference:+.3}"),
        }
    }

    /// The same without its unit: `+12.3`, `+0.123`.
    #[must_use]
    pub fn bare_gain(self, difference: f64) -> String {
        match self {
            Self::Percent => format!("{:+.1}", difference * 100.0),
            Self::Number => self.gain(difference),
        }
    }

    /// A difference at the axis of a plot, without its unit: `+12`, `+0.12`.
    #[must_use]
    pub fn gain_tick(self, difference: f64) -> String {
        match self {
            Self::Percent => format!("{:+.0}", difference * 100.0),
            Self::Number => format!("{difference:+.2}"),
        }
    }

    /// The ends of an interval of differences: `+4.1 to +20.3`.
    #[must_use]
    pub fn gain_range(self, low: f64, high: f64) -> String {
        format!("{} to {}", self.bare_gain(low), self.bare_gain(high))
    }

    /// The size of a difference, such as a margin: `12.3 pp`, `0.123`.
    #[must_use]
    pub fn size(self, difference: f64) -> String {
        format!("{}{}", self.bare(difference), self.gain_unit())
    }

    /// What stands behind a difference that is written without its unit: ` pp`, or nothing.
    #[must_use]
    pub fn gain_unit(self) -> &'static str {
        if self.is_percent() { " pp" } else { "" }
    }

    /// What a title says of scores that are written without their unit below it: `, in percent`, or nothing.
    #[must_use]
    pub fn in_title(self) -> &'static str {
        if self.is_percent() { ", in percent" } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::ScoreForm::{Number, Percent};

    #[test]
    fn the_same_score_in_both_forms() {
        assert_eq!([Percent, Number].map(|it| it.score(0.6983)), ["69.8 %", "0.698"]);
        assert_eq!(
            [Percent, Number].map(|it| it.range(0.623, 0.7)),
            ["62.3 to 70.0", "0.623 to 0.700"]
        );
        assert_eq!([Percent, Number].map(|it| it.gain(0.1234)), ["+12.3 pp", "+0.123"]);
        assert_eq!(
            [Percent, Number].map(|it| it.gain_range(-0.05, 0.2)),
            ["-5.0 to +20.0", "-0.050 to +0.200"]
        );
        assert_eq!([Percent, Number].map(|it| it.size(0.02)), ["2.0 pp", "0.020"]);
        assert_eq!([Percent, Number].map(|it| it.tick(0.55)), ["55 %", "0.55"]);
    }
}
