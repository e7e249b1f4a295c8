//! Bounds: what a prompt must keep, as a goal's rule writes it (`recall.security >= 0.95`, `latency_p95 <= 2s`).
//!
//! Not whether rows show that a bound is kept, which is `engine::measures`'s.

use super::measure::{Measure, Total};
use crate::text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that is permitted, or the least or most that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// The baseline's value plus this difference: for a quality usually a negative one.
    Baseline(f64),
    /// This value.
    Absolute(f64),
}

/// A bound of a measure beside quality and cost: `recall.security >= 0.95`, `latency_p95 <= 2s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// What is measured.
    pub measure: Measure,
    /// On which side of the threshold it must be.
    pub side: Side,
    /// The threshold.
    pub threshold: Threshold,
}

/// A side of a threshold, itself included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

impl Side {
    fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }
}

/// A clause of a rule: a name, a sign and a value.
pub(super) struct Clause<'a> {
    pub(super) name: &'a str,
    pub(super) side: Side,
    pub(super) value: &'a str,
}

/// The clauses after `s.t.`, which `and` joins; quotes keep a name together. `None`: one of them has no sign or no value.
pub(super) fn clauses(such_that: &str) -> Option<Vec<Clause<'_>>> {
    let mut all = Vec::new();
    let (mut from, mut is_quoted) = (0, false);
    for (at, letter) in such_that.char_indices() {
        is_quoted ^= letter == '"';
        if !is_quoted && such_that[at..].starts_with(" and ") {
            all.push(&such_that[from..at]);
            from = at + " and ".len();
        }
    }
    all.push(such_that.get(from..)?);
    all.into_iter().map(clause).collect()
}

fn clause(text: &str) -> Option<Clause<'_>> {
    let behind_name = text.rfind('"').unwrap_or(0);
    let sign = |sign: &str| text[behind_name..].find(sign).map(|at| behind_name + at);
    let (at, side) = match (sign(">="), sign("<=")) {
        (Some(at), None) => (at, Side::AtLeast),
        (None, Some(at)) => (at, Side::AtMost),
        _ => return None,
    };
    let (name, value) = (text[..at].trim(), text[at + 2..].trim());
    (!name.is_empty() && !value.is_empty()).then_some(Clause { name, side, value })
}

/// In what a threshold is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    None,
    /// `800ms`, `2s`; the number is milliseconds.
    Time,
}

impl Unit {
    fn read(self, text: &str) -> Option<f64> {
        let number = match self {
            Self::None => text.parse().ok()?,
            Self::Time => match text.strip_suffix("ms") {
                Some(ms) => ms.trim().parse().ok()?,
                None => text.strip_suffix('s')?.trim().parse::<f64>().ok()? * 1_000.0,
            },
        };
        Some(number).filter(|number: &f64| number.is_finite())
    }
}

impl Threshold {
    /// Reads a value, or `baseline` with or without a difference.
    pub(super) fn parse(text: &str, unit: Unit) -> Option<Self> {
        let Some(offset) = text.strip_prefix("baseline") else {
            return unit.read(text).map(Self::Absolute);
        };
        let offset = offset.trim();
        let (sign, size) = match offset.chars().next() {
            None => return Some(Self::Baseline(0.0)),
            Some('-') => (-1.0, &offset[1..]),
            Some('+') => (1.0, &offset[1..]),
            Some(_) => return None,
        };
        let size = unit.read(size.trim()).filter(|size| *size >= 0.0)?;
        Some(Self::Baseline(if size == 0.0 { 0.0 } else { sign * size }))
    }

    /// Whether it is one of a value in [0, 1].
    pub(super) fn is_share(self) -> bool {
        match self {
            Self::Baseline(offset) => offset.abs() <= 1.0,
            Self::Absolute(value) => (0.0..=1.0).contains(&value),
        }
    }

    /// The threshold as a number, where the baseline has this value.
    #[must_use]
    pub fn value(self, baseline: f64) -> f64 {
        match self {
            Self::Baseline(offset) => baseline + offset,
            Self::Absolute(value) => value,
        }
    }

    pub(super) fn written(self, unit: Unit) -> String {
        let number = |value: f64| match unit {
            Unit::None => value.to_string(),
            Unit::Time => format!("{value}ms"),
        };
        match self {
            Self::Absolute(value) => number(value),
            Self::Baseline(0.0) => "baseline".to_owned(),
            Self::Baseline(offset) => {
                let sign = if offset < 0.0 { '-' } else { '+' };
                format!("baseline {sign} {}", number(offset.abs()))
            }
        }
    }
}

impl Bound {
    pub(super) fn parse(Clause { name, side, value }: &Clause<'_>) -> Result<Self, String> {
        let measure = Measure::parse(name)?;
        let unit = measure.unit();
        let threshold = Threshold::parse(value, unit).ok_or_else(|| match unit {
            Unit::Time => {
                format!("`{value}` is not a time: `{name}` needs one, such as `800ms` or `2s`")
            }
            Unit::None => {
                format!("`{value}` is not a value: `{name}` needs a number, or `baseline - 0.01`")
            }
        })?;
        let is_count =
            measure.is_time() || matches!(measure, Measure::InputTokens | Measure::OutputTokens);
        if is_count && matches!(threshold, Threshold::Absolute(value) if value <= 0.0) {
            return Err(format!("`{name}` is always above 0: give a value above 0, not `{value}`"));
        }
        if measure.total() == Total::Share && !threshold.is_share() {
            return Err(format!("`{name}` is a share: give a value from 0 to 1, not `{value}`"));
        }
        let extreme = if *side == Side::AtLeast { 1.0 } else { 0.0 };
        if measure.total() == Total::Share && threshold == Threshold::Absolute(extreme) {
            return Err(format!(
                "no number of rows shows that a share is {extreme}: ask for a little less, as in `{name} {} {}`",
                side.sign(),
                (extreme - 0.01_f64).abs()
            ));
        }
        if let Measure::Consistency(answers) = measure {
            check_consistency(name, answers, *side, threshold)?;
        }
        if matches!(threshold, Threshold::Baseline(_)) && !measure.is_paired() {
            return Err(format!(
                "`{name}` cannot be compared with the baseline row by row: give a number"
            ));
        }
        Ok(Self { measure, side: *side, threshold })
    }

    /// Whether no value keeps both: one asks for at least more than the other allows. A p95 is never below a p50.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let (least, most) = match (self.side, other.side) {
            (Side::AtLeast, Side::AtMost) => (self, other),
            (Side::AtMost, Side::AtLeast) => (other, self),
            _ => return false,
        };
        let is_above = match (least.threshold, most.threshold) {
            (Threshold::Absolute(least), Threshold::Absolute(most))
            | (Threshold::Baseline(least), Threshold::Baseline(most)) => least > most,
            _ => false,
        };
        let is_at_most_it =
            (&least.measure, &most.measure) == (&Measure::LatencyP50, &Measure::LatencyP95);
        is_above && (least.measure == most.measure || is_at_most_it)
    }

    /// What its interval is of: the measure, or its difference from the baseline's.
    #[must_use]
    pub fn name(&self) -> String {
        match self.threshold {
            Threshold::Absolute(_) => self.measure.to_string(),
            Threshold::Baseline(_) => format!("{} less the baseline's", self.measure),
        }
    }

    /// A value of what its interval is of, for people.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        match (self.threshold, self.measure.total()) {
            (Threshold::Absolute(_), _) => self.measure.shown(value),
            (Threshold::Baseline(_), Total::Share) => text::points(value),
            (Threshold::Baseline(_), _) => {
                let sign = if value < 0.0 { "-" } else { "+" };
                format!("{sign}{}", self.measure.shown(value.abs()))
            }
        }
    }

    /// Whether this value keeps it, where the baseline has that one.
    #[must_use]
    pub fn is_kept(&self, value: f64, baseline: f64) -> bool {
        let threshold = self.threshold.value(baseline);
        match self.side {
            Side::AtLeast => value >= threshold - 1e-12,
            Side::AtMost => value <= threshold + 1e-12,
        }
    }
}

/// Refuses a bound of a consistency that asks for answers that differ, that each prompt keeps, or that none can keep: the
/// share of the most common of n answers is from 1/n to 1.
fn check_consistency(
    name: &str,
    answers: u16,
    side: Side,
    threshold: Threshold,
) -> Result<(), String> {
    let least = 1.0 / f64::from(answers);
    let usual = format!("write for example `{name} >= 0.9`");
    if side == Side::AtMost {
        return Err(format!(
            "`{name} <=` asks for answers that differ: a consistency can only be bounded from below; {usual}"
        ));
    }
    match threshold {
        Threshold::Absolute(value) if value <= least => Err(format!(
            "`{name}` is never below {least:.3}, since one of {answers} answers is the most common one: {usual}"
        )),
        Threshold::Baseline(offset) if offset > 1.0 - least => Err(format!(
            "`{name}` is from {least:.3} to 1, so that no prompt is better than the baseline by {offset}: {usual}, or a \
             smaller difference"
        )),
        _ => Ok(()),
    }
}

impl Measure {
    fn unit(&self) -> Unit {
        if self.is_time() { Unit::Time } else { Unit::None }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.side.sign();
        write!(f, "{} {sign} {}", self.measure, self.threshold.written(self.measure.unit()))
    }
}
