//! The goal of a search: `goal.rule` in its three forms.
//!
//! Whether one candidate is better than another is decided with `stats`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The goal of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// `max quality`, or `max quality s.t. usd_per_1k <= 0.5`.
    MaxQuality {
        /// The highest permitted cost of 1,000 calls of the deployed prompt, in dollars.
        usd_per_1k_at_most: Option<f64>,
    },
    /// `min usd_per_1k s.t. quality >= baseline - 0.005`.
    MinCost {
        /// The lowest permitted quality.
        floor: Floor,
    },
}

/// The lowest permitted quality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Floor {
    /// The baseline's quality plus this (usually negative) difference.
    Baseline(f64),
    /// This quality in [0, 1].
    Absolute(f64),
}

impl Goal {
    /// Reads a rule.
    ///
    /// # Errors
    /// A sentence that names the three forms.
    pub fn parse(rule: &str) -> Result<Self, String> {
        let squeezed = rule.split_whitespace().collect::<Vec<_>>().join(" ");
        let complaint = || {
            format!(
                "`{rule}` is not a goal: write `max quality`, `max quality s.t. usd_per_1k <= 0.5` \
                 or `min usd_per_1k s.t. quality >= baseline - 0.005`, or with `>= 0.8`"
            )
        };
        if squeezed == "max quality" {
            return Ok(Self::MaxQuality { usd_per_1k_at_most: None });
        }
        if let Some(limit) = squeezed.strip_prefix("max quality s.t. usd_per_1k <=") {
            let limit: f64 = limit.trim().parse().map_err(|_| complaint())?;
            if !(limit.is_finite() && limit > 0.0) {
                return Err(complaint());
            }
            return Ok(Self::MaxQuality { usd_per_1k_at_most: Some(limit) });
        }
        let floor =
            squeezed.strip_prefix("min usd_per_1k s.t. quality >=").ok_or_else(complaint)?.trim();
        let floor = match floor.strip_prefix("baseline") {
            Some("") => Floor::Baseline(0.0),
            Some(offset) => {
                let offset: f64 = offset.replace(' ', "").parse().map_err(|_| complaint())?;
                Floor::Baseline(offset)
            }
            None => Floor::Absolute(floor.parse().map_err(|_| complaint())?),
        };
        match floor {
            Floor::Baseline(offset) if offset.abs() <= 1.0 => Ok(Self::MinCost { floor }),
            Floor::Absolute(quality) if (0.0..=1.0).contains(&quality) => {
                Ok(Self::MinCost { floor })
            }
            _ => Err(complaint()),
        }
    }

    /// Whether a prompt serves the goal at all: it keeps the constraint and, where the goal asks for the cheapest, costs no
    /// more than a baseline that keeps it too.
    #[must_use]
    pub fn allows(self, prompt: Measured, baseline: Measured) -> bool {
        match self {
            Self::MaxQuality { usd_per_1k_at_most } => {
                usd_per_1k_at_most.is_none_or(|limit| prompt.usd_per_1k <= limit + 1e-12)
            }
            Self::MinCost { floor } => {
                prompt.quality >= floor.quality(baseline.quality) - 1e-12
                    && (prompt.usd_per_1k <= baseline.usd_per_1k
                        || !self.is_kept_by_baseline(baseline.quality))
            }
        }
    }
}

/// What is known of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Its quality, in [0, 1].
    pub quality: f64,
    /// What 1,000 of its calls cost, in dollars.
    pub usd_per_1k: f64,
}

impl Goal {
    /// Whether the baseline keeps what the goal asks of the quality. Where it does not, a prompt that does is better
    /// whatever it costs.
    #[must_use]
    pub fn is_kept_by_baseline(self, quality: f64) -> bool {
        match self {
            Self::MaxQuality { .. } => true,
            Self::MinCost { floor } => quality >= floor.quality(quality) - 1e-12,
        }
    }

    /// What the goal says of the winner: first of its quality, then of what it costs.
    #[must_use]
    pub fn claims(self) -> Vec<Claim> {
        match self {
            Self::MaxQuality { usd_per_1k_at_most } => {
                let limit = usd_per_1k_at_most.map(|usd_per_1k| Claim::CostAtMost { usd_per_1k });
                [Claim::Better].into_iter().chain(limit).collect()
            }
            Self::MinCost { floor } => vec![floor.claim(), Claim::Cheaper],
        }
    }
}

/// One thing that a goal says of the winner, and that held-out rows show or do not show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub enum Claim {
    /// Its quality is above the baseline's (superiority).
    Better,
    /// Its quality is above the baseline's less a margin in [−1, 1] (non-inferiority).
    NotWorse {
        /// The margin.
        margin: f64,
    },
    /// Its quality is at least this, in [0, 1].
    QualityAtLeast {
        /// The quality.
        quality: f64,
    },
    /// 1,000 of its calls cost less than 1,000 of the baseline's.
    Cheaper,
    /// 1,000 of its calls cost at most this many dollars.
    CostAtMost {
        /// The dollars.
        usd_per_1k: f64,
    },
}

impl Floor {
    fn claim(self) -> Claim {
        match self {
            Self::Baseline(offset) => Claim::NotWorse { margin: 0.0 - offset },
            Self::Absolute(quality) => Claim::QualityAtLeast { quality },
        }
    }

    /// The lowest permitted quality as a number.
    #[must_use]
    pub fn quality(self, baseline: f64) -> f64 {
        match self {
            Self::Baseline(offset) => baseline + offset,
            Self::Absolute(quality) => quality,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxQuality { usd_per_1k_at_most: None } => write!(f, "max quality"),
            Self::MaxQuality { usd_per_1k_at_most: Some(limit) } => {
                write!(f, "max quality s.t. usd_per_1k <= {limit}")
            }
            Self::MinCost { floor: Floor::Absolute(quality) } => {
                write!(f, "min usd_per_1k s.t. quality >= {quality}")
            }
            Self::MinCost { floor: Floor::Baseline(offset) } => {
                if *offset == 0.0 {
                    return write!(f, "min usd_per_1k s.t. quality >= baseline");
                }
                let sign = if *offset < 0.0 { '-' } else { '+' };
                write!(f, "min usd_per_1k s.t. quality >= baseline {sign} {}", offset.abs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_and_shown_alike() {
        for rule in [
            "max quality",
            "max quality s.t. usd_per_1k <= 0.5",
            "min usd_per_1k s.t. quality >= baseline - 0.005",
            "min usd_per_1k s.t. quality >= baseline",
            "min usd_per_1k s.t. quality >= 0.8",
        ] {
            assert_eq!(Goal::parse(rule).unwrap().to_string(), rule);
        }
        for wrong in ["", "max cost", "max quality s.t. usd_per_1k <= -1", "min usd_per_1k"] {
            assert!(Goal::parse(wrong).unwrap_err().contains("is not a goal"), "{wrong}");
        }
    }

    #[test]
    fn a_constraint_excludes() {
        let goal = Goal::parse("max quality s.t. usd_per_1k <= 0.5").unwrap();
        let measured = |quality, usd_per_1k| Measured { quality, usd_per_1k };
        assert!(goal.allows(measured(0.1, 0.5), measured(0.9, 0.4)));
        assert!(!goal.allows(measured(1.0, 0.51), measured(0.9, 0.6)));
        let goal = Goal::parse("min usd_per_1k s.t. quality >= baseline - 0.01").unwrap();
        assert!(goal.allows(measured(0.795, 8.0), measured(0.8, 9.0)));
        assert!(!goal.allows(measured(0.78, 0.1), measured(0.8, 9.0)));
        assert!(!goal.allows(measured(0.9, 9.1), measured(0.8, 9.0)), "it is dearer");
        // A baseline that misses the level is no bar for the cost.
        let goal = Goal::parse("min usd_per_1k s.t. quality >= 0.8").unwrap();
        assert!(goal.allows(measured(0.8, 9.1), measured(0.7, 9.0)));
    }
}
