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
    Least {
        /// What is to be as low as possible.
        of: Least,
        /// The lowest permitted quality.
        floor: Threshold,
    },
}

/// What a prompt is to spend as little of as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// What 1,000 calls cost, in dollars, which bills say.
    UsdPer1k,
    /// What is measured of each row's answer.
    Measure(LeastMeasure),
}

/// What an answer may spend, or lack, as little of as possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum LeastMeasure {
    /// Mean tokens of a request.
    InputTokens,
    /// Mean tokens of an answer.
    OutputTokens,
    /// The median latency, in milliseconds.
    LatencyP50,
    /// The time within which 95 of 100 answers came, in milliseconds.
    LatencyP95,
    /// The share of a row's answers, of this many, that differ from its most common one, in [0, 1]: what `max consistency`
    /// asks to be least.
    Inconsistency(u16),
}

impl Least {
    /// The part of a rule that asks for it: `min latency_p95`, `max consistency.3`.
    fn aim(self) -> String {
        match self {
            Self::Measure(of @ LeastMeasure::Inconsistency(_)) => format!("max {of}"),
            _ => format!("min {self}"),
        }
    }

    fn of_aim(aim: &str) -> Option<Self> {
        if let Some(name) = aim.strip_prefix("max ") {
            return match Measure::parse(name.trim()) {
                Ok(Measure::Consistency(answers)) => {
                    Some(Self::Measure(LeastMeasure::Inconsistency(answers)))
                }
                _ => None,
            };
        }
        let name = aim.strip_prefix("min ")?.trim();
        let measures = LeastMeasure::ALL.into_iter().map(Self::Measure);
        [Self::UsdPer1k].into_iter().chain(measures).find(|it| it.to_string() == name)
    }

    /// What is measured of each row's answer; `None` for dollars.
    #[must_use]
    pub fn measure(self) -> Option<LeastMeasure> {
        match self {
            Self::UsdPer1k => None,
            Self::Measure(of) => Some(of),
        }
    }
}

impl fmt::Display for Least {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsdPer1k => f.write_str("usd_per_1k"),
            Self::Measure(of) => of.fmt(f),
        }
    }
}

impl LeastMeasure {
    const ALL: [Self; 4] =
        [Self::InputTokens, Self::OutputTokens, Self::LatencyP50, Self::LatencyP95];

    /// The measure of a row's answer.
    #[must_use]
    pub fn measure(self) -> Measure {
        match self {
            Self::InputTokens => Measure::InputTokens,
            Self::OutputTokens => Measure::OutputTokens,
            Self::LatencyP50 => Measure::LatencyP50,
            Self::LatencyP95 => Measure::LatencyP95,
            Self::Inconsistency(answers) => Measure::Consistency(answers),
        }
    }

    /// How much of it is spent where its measure has this value.
    #[must_use]
    pub fn spent(self, measured: f64) -> f64 {
        match self {
            Self::Inconsistency(_) => 1.0 - measured,
            _ => measured,
        }
    }

    /// What it means to spend less of it, or more: `less latency_p95`, `more consistency.3`.
    #[must_use]
    pub fn words(self, is_less: bool) -> String {
        let is_more = is_less == matches!(self, Self::Inconsistency(_));
        format!("{} {self}", if is_more { "more" } else { "less" })
    }

    /// A difference of two values, for people: with a sign where it is below 0.
    #[must_use]
    pub fn signed(self, difference: f64) -> String {
        let sign = if difference < 0.0 { "-" } else { "" };
        format!("{sign}{}", self.shown(difference.abs()))
    }

    /// An amount of it for people: `412 tokens`, `1,850 ms`, `4.2 pp`.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Inconsistency(_) => format!("{:.1} pp", value * 100.0),
            _ => self.measure().shown(value),
        }
    }
}

impl fmt::Display for LeastMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.measure().fmt(f)
    }
}

impl From<Least> for String {
    fn from(least: Least) -> Self {
        least.to_string()
    }
}

impl TryFrom<String> for Least {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let unknown = || format!("`{name}` is nothing that a goal asks to be least");
        let of =
            ["min", "max"].into_iter().find_map(|verb| Self::of_aim(&format!("{verb} {name}")));
        of.ok_or_else(unknown)
    }
}

impl From<LeastMeasure> for String {
    fn from(least: LeastMeasure) -> Self {
        least.to_string()
    }
}

impl TryFrom<String> for LeastMeasure {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let of = |verb| Least::of_aim(&format!("{verb} {name}")).and_then(Least::measure);
        ["min", "max"]
            .into_iter()
            .find_map(of)
            .ok_or_else(|| format!("`{name}` is nothing that a goal asks to be least"))
    }
}

/// What each form of a goal looks like.
const FORMS: &str = "write `max quality`, `max quality s.t. usd_per_1k <= 0.5` or `min usd_per_1k s.t. quality >= \
                     baseline - 0.005` (or `>= 0.8`; or `min latency_p50`, `latency_p95`, `input_tokens`, \
                     `output_tokens`, `max consistency.3`), each with further bounds as in `and recall.refund >= 0.95 and latency_p95 <= 2s`";

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
            (aim, Some(floor), None) if floor.is_share() => {
                // Why a number of answers will not do is said as it is of a bound.
                if let Some(name) = aim.strip_prefix("max consistency.") {
                    let name = format!("consistency.{name}");
                    Measure::parse(&name).map_err(|why| format!("`{rule}`: {why}"))?;
                }
                Aim::Least { of: Least::of_aim(aim).ok_or_else(complaint)?, floor }
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

    /// What is to be as low as possible, where the goal names something.
    #[must_use]
    pub fn least(&self) -> Option<Least> {
        match self.aim {
            Aim::MaxQuality { .. } => None,
            Aim::Least { of, .. } => Some(of),
        }
    }

    /// What is measured of each row's answer and is to be as low as possible, where the goal names something.
    #[must_use]
    pub fn least_measure(&self) -> Option<LeastMeasure> {
        self.least().and_then(Least::measure)
    }

    /// What is measured of each row's answer, in the order in which events have it: bounds first, then what is to be least.
    pub fn measures(&self) -> impl Iterator<Item = Measure> {
        let least = self.least_measure().map(LeastMeasure::measure);
        self.bounds.iter().map(|bound| bound.measure.clone()).chain(least)
    }

    /// The place of a measure's value among those that events have of a row's answer; `None` where the goal does not name it.
    #[must_use]
    pub fn place_of(&self, measure: &Measure) -> Option<usize> {
        self.measures().position(|other| other == *measure)
    }

    /// How many answers to each row of dev and of the held-out rows the goal needs: 1, but for its consistency.
    #[must_use]
    pub fn answers_per_row(&self) -> u16 {
        let asked = self.measures().map(|measure| match measure {
            Measure::Consistency(answers) => answers,
            _ => 1,
        });
        asked.max().unwrap_or(1)
    }

    /// Whether a prompt serves the goal at all, by quality and cost: it keeps the constraint and, where the goal asks for
    /// the cheapest, costs no more than a baseline that keeps it too.
    #[must_use]
    pub fn allows(&self, prompt: QualityAndCost, baseline: QualityAndCost) -> bool {
        match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most } => {
                usd_per_1k_at_most.is_none_or(|limit| prompt.cost <= limit + 1e-12)
            }
            Aim::Least { floor, .. } => {
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
            Aim::Least { floor, .. } => quality >= floor.value(quality) - 1e-12,
        }
    }

    /// Among how many ways to serve the goal the cost is one: each way is tested at that share of the level, so that all
    /// together are wrong as often as it says (Bonferroni). Two where a baseline that misses the floor is no bar, so that one
    /// of two things is enough: that the winner costs less, or that the baseline misses the floor. Beside a floor that
    /// follows the baseline it is the only one.
    #[must_use]
    pub fn ways_of_cost(&self) -> usize {
        match self.aim {
            Aim::Least { floor: Threshold::Absolute(_), .. } => 2,
            Aim::Least { .. } | Aim::MaxQuality { .. } => 1,
        }
    }

    /// What the goal says of the winner's quality.
    #[must_use]
    pub fn quality_claim(&self) -> Claim {
        match self.aim {
            Aim::MaxQuality { .. } => Claim::Better,
            Aim::Least { floor: Threshold::Baseline(offset), .. } => {
                Claim::NotWorse { margin: 0.0 - offset }
            }
            Aim::Least { floor: Threshold::Absolute(quality), .. } => {
                Claim::QualityAtLeast { quality }
            }
        }
    }

    /// What the goal says of what the winner costs, where it says something.
    #[must_use]
    pub fn cost_claim(&self) -> Option<Claim> {
        match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most } => {
                usd_per_1k_at_most.map(|usd_per_1k| Claim::CostAtMost { usd_per_1k })
            }
            Aim::Least { of: Least::UsdPer1k, .. } => Some(Claim::Cheaper),
            Aim::Least { of: Least::Measure(of), .. } => Some(Claim::Less { of }),
        }
    }

    /// What the goal says of the winner: of its quality, of what it costs, and of each bound.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        let bounds = self.bounds.iter().cloned().map(Claim::Bound);
        [self.quality_claim()].into_iter().chain(self.cost_claim()).chain(bounds).collect()
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
        of: LeastMeasure,
    },
    /// 1,000 of its calls cost at most this many dollars.
    CostAtMost {
        /// The dollars.
        usd_per_1k: f64,
    },
    /// It keeps a bound.
    Bound(Bound),
}

impl Claim {
    /// Whether it is one of the quality.
    #[must_use]
    pub fn is_of_quality(&self) -> bool {
        matches!(self, Self::Better | Self::NotWorse { .. } | Self::QualityAtLeast { .. })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (aim, first) = match self.aim {
            Aim::MaxQuality { usd_per_1k_at_most: limit } => {
                ("max quality".to_owned(), limit.map(|limit| format!("usd_per_1k <= {limit}")))
            }
            Aim::Least { of, floor } => {
                (of.aim(), Some(format!("quality >= {}", floor.written(Unit::None))))
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
            "max consistency.5 s.t. quality >= baseline - 0.01",
            "max quality s.t. consistency.2 >= 0.9 and consistency.4 >= baseline - 0.02",
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
        let three =
            Goal::parse("max consistency s.t. quality >= 0.8 and consistency >= 0.9").unwrap();
        assert_eq!(
            three.to_string(),
            "max consistency.3 s.t. quality >= 0.8 and consistency.3 >= 0.9"
        );
        assert_eq!((three.answers_per_row(), Goal::max_quality().answers_per_row()), (3, 1));
        // Both ask for the same values.
        assert_eq!(three.place_of(&Measure::Consistency(3)), Some(0));
        for least in LeastMeasure::ALL.into_iter().chain([LeastMeasure::Inconsistency(4)]) {
            let json = serde_json::to_value(least).unwrap();
            assert_eq!(json, serde_json::json!(least.to_string()));
            assert_eq!(serde_json::from_value::<LeastMeasure>(json).unwrap(), least);
        }
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
            (
                "max quality s.t. consistency.1 >= 0.9",
                "write `consistency.3` to ask each row 3 times",
            ),
            ("max quality s.t. consistency.3 <= 0.2", "can only be bounded from below"),
            (
                "max quality s.t. consistency.3 <= baseline",
                "write for example `consistency.3 >= 0.9`",
            ),
            ("max quality s.t. consistency.4 >= 0.25", "is never below 0.250"),
            ("max quality s.t. consistency >= baseline + 0.7", "is from 0.333 to 1"),
            ("max consistency.x s.t. quality >= 0.9", "needs 2 to 20 answers to each row"),
            ("max consistency", "is not a goal"),
            ("min consistency.3 s.t. quality >= 0.9", "is not a goal"),
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
