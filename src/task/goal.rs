//! The goal of a search: what `goal.rule` says, and what follows from it.
//!
//! Whether one candidate is better than another is decided with `stats`.

use super::bound::{Bound, Clause, Side, Threshold, Unit, clauses};
use super::measure::Measure;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The goal of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// What is best, by quality and cost.
    pub aim: Aim,
    /// What a prompt must keep beside that.
    pub bounds: Vec<Bound>,
}

/// What is best, by quality and cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// `max quality`, or `max quality s.t. usd_per_1k <= 0.5`.
    MaxQuality {
        /// The highest permitted cost of 1,000 calls of the deployed prompt, in dollars.
        usd_per_1k_at_most: Option<f64>,
    },
    /// `min usd_per_1k s.t. quality >= baseline - 0.005`, or `min latency_p95 s.t. …`.
    MinCost {
        /// What is to be as low as possible.
        least: Least,
        /// The lowest permitted quality.
        floor: Threshold,
    },
}

/// What a prompt may spend as little of as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Least {
    /// What 1,000 calls cost, in dollars.
    #[serde(rename = "usd_per_1k")]
    UsdPer1k,
    /// Mean tokens of a request.
    InputTokens,
    /// Mean tokens of an answer.
    OutputTokens,
    /// The median latency, in milliseconds.
    LatencyP50,
    /// The time within which 95 of 100 answers came, in milliseconds.
    LatencyP95,
}

impl Least {
    const ALL: [Self; 5] =
        [Self::UsdPer1k, Self::InputTokens, Self::OutputTokens, Self::LatencyP50, Self::LatencyP95];

    /// The measure of a row's answer; `None` for dollars, which bills say.
    #[must_use]
    pub fn measure(self) -> Option<Measure> {
        match self {
            Self::UsdPer1k => None,
            Self::InputTokens => Some(Measure::InputTokens),
            Self::OutputTokens => Some(Measure::OutputTokens),
            Self::LatencyP50 => Some(Measure::LatencyP50),
            Self::LatencyP95 => Some(Measure::LatencyP95),
        }
    }

    /// A difference of two values, for people: with a sign where it is below 0.
    #[must_use]
    pub fn signed(self, difference: f64) -> String {
        let sign = if difference < 0.0 { "-" } else { "" };
        format!("{sign}{}", self.shown(difference.abs()))
    }

    /// A value of it for people: `0.3100 USD per 1,000 calls`, `412 tokens`, `1,850 ms`.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self.measure() {
            None => format!("{value:.4} USD per 1,000 calls"),
            Some(measure) => measure.shown(value),
        }
    }
}

impl fmt::Display for Least {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measure() {
            None => f.write_str("usd_per_1k"),
            Some(measure) => measure.fmt(f),
        }
    }
}

/// What each form of a goal looks like.
const FORMS: &str = "write `max quality`, `max quality s.t. usd_per_1k <= 0.5` or `min usd_per_1k s.t. quality >= \
                     baseline - 0.005` (or `>= 0.8`; or `min latency_p50`, `latency_p95`, `input_tokens`, \
                     `output_tokens`), each with further bounds as in `and recall.refund >= 0.95 and latency_p95 <= 2s`";

impl Goal {
    /// The highest quality, without a bound.
    #[must_use]
    pub fn max_quality() -> Self {
        Self { aim: Aim::MaxQuality { usd_per_1k_at_most: None }, bounds: Vec::new() }
    }

    /// Whether nothing but quality counts.
    #[must_use]
    pub fn is_quality_alone(&self) -> bool {
        *self == Self::max_quality()
    }

    /// Reads a rule.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and names the forms.
    pub fn parse(rule: &str) -> Result<Self, String> {
        let complaint = || format!("`{rule}` is not a goal: {FORMS}");
        let squeezed = rule.split_whitespace().collect::<Vec<_>>().join(" ");
        let (aim, such_that) = match squeezed.split_once("s.t.") {
            Some((aim, such_that)) => (aim.trim(), Some(such_that.trim())),
            None => (squeezed.as_str(), None),
        };
        let clauses = such_that.map_or_else(|| Some(Vec::new()), clauses).ok_or_else(complaint)?;
        let (mut quality, mut usd, mut bounds) = (None, None, Vec::<Bound>::new());
        for clause in clauses {
            let Clause { name, side, value } = clause;
            let slot = match (name, side) {
                ("quality", Side::AtLeast) => &mut quality,
                ("usd_per_1k", Side::AtMost) => &mut usd,
                ("quality" | "usd_per_1k", _) => return Err(complaint()),
                _ => {
                    let bound = Bound::parse(&clause).map_err(|why| format!("`{rule}`: {why}"))?;
                    let is_same = |other: &Bound| {
                        (&other.measure, other.side) == (&bound.measure, bound.side)
                    };
                    if bounds.iter().any(is_same) {
                        return Err(format!("`{rule}` bounds `{name}` twice"));
                    }
                    bounds.push(bound);
                    continue;
                }
            };
            let threshold = Threshold::parse(value, Unit::None).ok_or_else(complaint)?;
            if slot.replace(threshold).is_some() {
                return Err(format!("`{rule}` bounds `{name}` twice"));
            }
        }
        let aim = match (aim, quality, usd) {
            ("max quality", None, None) => Aim::MaxQuality { usd_per_1k_at_most: None },
            ("max quality", None, Some(Threshold::Absolute(limit))) if limit > 0.0 => {
                Aim::MaxQuality { usd_per_1k_at_most: Some(limit) }
            }
            (min, Some(floor), None) if floor.is_share() => {
                let name = min.strip_prefix("min ").map(str::trim);
                let least = Least::ALL.into_iter().find(|it| Some(&*it.to_string()) == name);
                Aim::MinCost { least: least.ok_or_else(complaint)?, floor }
            }
            _ => return Err(complaint()),
        };
        for (place, bound) in bounds.iter().enumerate() {
            if let Some(other) = bounds[..place].iter().find(|other| other.excludes(bound)) {
                return Err(format!(
                    "`{rule}` can never hold: no prompt has both `{other}` and `{bound}`"
                ));
            }
        }
        Ok(Self { aim, bounds })
    }

    /// What is to be as low as possible, beside dollars: rows have a value of it behind those of the bounds.
    #[must_use]
    pub fn least(&self) -> Option<Measure> {
        match self.aim {
            Aim::MaxQuality { .. } => None,
            Aim::MinCost { least, .. } => least.measure(),
        }
    }

    /// What is measured of each row's answer, in the order in which events have it.
    pub fn measures(&self) -> impl Iterator<Item = Measure> {
        self.bounds.iter().map(|bound| bound.measure.clone()).chain(self.least())
    }

    /// Whether a prompt serves the goal at all, by quality and cost: it keeps the constraint and, where the goal asks for
    /// the cheapest, costs no more than a baseline that keeps it too.
    #[must_use]
    pub fn allows(&self, prompt: QualityAndCost, baseline: QualityAndCost) -> bool {
        match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most } => {
                usd_per_1k_at_most.is_none_or(|limit| prompt.cost <= limit + 1e-12)
            }
            Aim::MinCost { floor, .. } => {
                prompt.quality >= floor.value(baseline.quality) - 1e-12
                    && (prompt.cost <= baseline.cost || !self.is_kept_by_baseline(baseline.quality))
            }
        }
    }
}

/// What is known of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityAndCost {
    /// Its quality, in [0, 1].
    pub quality: f64,
    /// What the goal limits, or asks to be least: what 1,000 of its calls cost, in dollars, where it names nothing else.
    pub cost: f64,
}

impl Goal {
    /// Whether the baseline keeps what the goal asks of the quality. Where it does not, a prompt that does is better
    /// whatever it costs.
    #[must_use]
    pub fn is_kept_by_baseline(&self, quality: f64) -> bool {
        match self.aim {
            Aim::MaxQuality { .. } => true,
            Aim::MinCost { floor, .. } => quality >= floor.value(quality) - 1e-12,
        }
    }

    /// What the goal says of the winner: first of its quality, then of what it costs, then of each bound.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most } => {
                let limit = usd_per_1k_at_most.map(|usd_per_1k| Claim::CostAtMost { usd_per_1k });
                [Claim::Better].into_iter().chain(limit).collect()
            }
            Aim::MinCost { least, floor } => {
                let less = match least {
                    Least::UsdPer1k => Claim::Cheaper,
                    least => Claim::Less { of: least },
                };
                vec![floor.claim(), less]
            }
        };
        claims.extend(self.bounds.iter().cloned().map(Claim::Bound));
        claims
    }
}

/// One thing that a goal says of the winner, and that held-out rows show or do not show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// It spends less of something beside dollars than the baseline.
    Less {
        /// Of what.
        of: Least,
    },
    /// 1,000 of its calls cost at most this many dollars.
    CostAtMost {
        /// The dollars.
        usd_per_1k: f64,
    },
    /// It keeps a bound.
    Bound(Bound),
}

impl Threshold {
    fn claim(self) -> Claim {
        match self {
            Self::Baseline(offset) => Claim::NotWorse { margin: 0.0 - offset },
            Self::Absolute(quality) => Claim::QualityAtLeast { quality },
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (aim, first) = match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most: limit } => {
                ("max quality".to_owned(), limit.map(|limit| format!("usd_per_1k <= {limit}")))
            }
            Aim::MinCost { least, floor } => {
                (format!("min {least}"), Some(format!("quality >= {}", floor.written(Unit::None))))
            }
        };
        f.write_str(&aim)?;
        let bounds = self.bounds.iter().map(Bound::to_string);
        for (place, clause) in first.into_iter().chain(bounds).enumerate() {
            let join = if place == 0 { "s.t." } else { "and" };
            write!(f, " {join} {clause}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown_alike() {
        for rule in [
            "max quality",
            "max quality s.t. usd_per_1k <= 0.5",
            "min usd_per_1k s.t. quality >= baseline - 0.005",
            "min usd_per_1k s.t. quality >= baseline",
            "min usd_per_1k s.t. quality >= 0.8",
            "min latency_p50 s.t. quality >= baseline - 0.01",
            "min latency_p95 s.t. quality >= 0.8 and input_tokens <= 900",
            "min input_tokens s.t. quality >= baseline",
            "min output_tokens s.t. quality >= 0.8 and output_tokens <= baseline - 10",
            "max quality s.t. recall.security >= 0.95",
            "max quality s.t. usd_per_1k <= 0.5 and validity >= 0.99 and latency_p95 <= 1500ms",
            "min usd_per_1k s.t. quality >= 0.8 and precision.\"a >= b and c\" >= 0.5",
            "max quality s.t. recall.a >= 0.5 and recall.a <= 0.9",
            "max quality s.t. recall.a >= 0.9 and recall.b <= 0.5",
            "max quality s.t. recall.a >= 0.9 and recall.a <= baseline",
            "max quality s.t. latency_p95 >= 2000ms and latency_p50 <= 1000ms",
            "max quality s.t. metrics.brevity >= baseline - 0.1 and input_tokens <= baseline + 100",
        ] {
            assert_eq!(Goal::parse(rule).unwrap().to_string(), rule);
        }
        assert_eq!(
            Goal::parse(" max quality  s.t. latency_p50<=2 s").unwrap().to_string(),
            "max quality s.t. latency_p50 <= 2000ms"
        );
    }

    #[test]
    fn a_wrong_rule_says_what_is_wrong() {
        for (rule, says) in [
            ("", "is not a goal"),
            ("max cost", "is not a goal"),
            ("max quality s.t. usd_per_1k <= -1", "is not a goal"),
            ("max quality s.t. usd_per_1k <= baseline", "is not a goal"),
            ("max quality s.t. quality >= 0.5", "is not a goal"),
            ("min usd_per_1k", "is not a goal"),
            ("min latency_p95", "is not a goal"),
            ("min validity s.t. quality >= 0.8", "is not a goal"),
            ("min latency_p9 s.t. quality >= 0.8", "`min latency_p50`, `latency_p95`"),
            ("min usd_per_1k s.t. quality >= baseline - 2", "is not a goal"),
            ("min usd_per_1k s.t. quality >= baseline * 2", "is not a goal"),
            ("max quality s.t.", "is not a goal"),
            ("max quality s.t. validity >= 0.9 and", "is not a value"),
            ("max quality s.t. validty >= 0.9", "did you mean `validity`?"),
            ("max quality s.t. consistency >= 0.9", "held-out rows are asked once"),
            ("max quality s.t. recal.x >= 0.9", "did you mean `recall`?"),
            ("max quality s.t. recall >= 0.9", "`recall.NAME`"),
            ("max quality s.t. validity >= 95", "from 0 to 1"),
            ("max quality s.t. validity >= 1", "`validity >= 0.99`"),
            ("max quality s.t. latency_p95 <= 2", "such as `800ms` or `2s`"),
            ("max quality s.t. latency_p95 <= baseline", "give a number"),
            ("max quality s.t. usd_per_1k <= 1 and usd_per_1k <= 2", "twice"),
            ("max quality s.t. validity >= 0.5 and validity >= 0.6", "twice"),
            ("max quality s.t. input_tokens <= -3", "is always above 0"),
            ("max quality s.t. validity >= NaN", "is not a value"),
            (
                "max quality s.t. recall.x >= 0.9 and recall.x <= 0.5",
                "can never hold: no prompt has both `recall.x >= 0.9` and `recall.x <= 0.5`",
            ),
            (
                "max quality s.t. metrics.a <= baseline - 0.1 and metrics.a >= baseline",
                "never hold",
            ),
            ("max quality s.t. latency_p50 >= 2s and latency_p95 <= 1s", "can never hold"),
        ] {
            let error = Goal::parse(rule).expect_err(rule);
            assert!(error.contains(says), "{rule}: {error}");
        }
    }

    #[test]
    fn a_constraint_excludes() {
        let goal = Goal::parse("max quality s.t. usd_per_1k <= 0.5").unwrap();
        let measured = |quality, cost| QualityAndCost { quality, cost };
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

    #[test]
    fn a_bound_is_kept_up_to_its_threshold() {
        let goal = Goal::parse("max quality s.t. validity >= baseline - 0.1 and latency_p50 <= 2s");
        let bounds = goal.unwrap().bounds;
        assert!(bounds[0].is_kept(0.8, 0.9) && !bounds[0].is_kept(0.79, 0.9));
        assert!(bounds[1].is_kept(2_000.0, 9.0) && !bounds[1].is_kept(2_001.0, 9.0));
    }
}
