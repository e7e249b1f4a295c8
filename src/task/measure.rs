//! What a goal may bound beside quality and cost: measures of a prompt's answers.
//!
//! A measure has a value for a row's answer, and one for all answers of a prompt: their mean, or a quantile of them.
//! Whether held-out rows show that a bound is kept is `engine::measures`'s.

use crate::text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A measure of a prompt's answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Measure {
    /// The share of answers that can be read, in [0, 1].
    Validity,
    /// The mean of a scorer's metric over the answers that have it.
    Metric(String),
    /// The share of right answers over the rows whose right label is this one, in [0, 1].
    Recall(String),
    /// The share of right ones among the answers that name this label, in [0, 1].
    Precision(String),
    /// Mean tokens of a request, row included, as the provider counts them.
    InputTokens,
    /// Mean tokens of an answer, reasoning included.
    OutputTokens,
    /// The median time that an answer took, in milliseconds.
    LatencyP50,
    /// The time within which 95 of 100 answers came, in milliseconds.
    LatencyP95,
    /// The share of a row's answers, of this many, that agree with its most common one, in [0, 1]: the mean over rows
    /// (Wang et al. 2022, arXiv:2203.11171, section 3.5, call the same share consistency).
    Consistency(u16),
}

/// Answers to each row where `consistency` names no number.
const USUAL_ANSWERS: u16 = 3;
/// The most answers to each row that may be asked for.
const MOST_ANSWERS: u16 = 20;

/// How a prompt's value follows from those of its rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Total {
    /// The mean of values in [0, 1].
    Share,
    /// The mean of values of any size.
    Mean,
    /// This quantile.
    Quantile(f64),
}

/// Names without a name of their own behind them.
const PLAIN: [(&str, Measure); 5] = [
    ("validity", Measure::Validity),
    ("input_tokens", Measure::InputTokens),
    ("output_tokens", Measure::OutputTokens),
    ("latency_p50", Measure::LatencyP50),
    ("latency_p95", Measure::LatencyP95),
];
/// The name of the measure with a number of answers behind it.
const CONSISTENCY: &str = "consistency";
/// A measure of what is named.
type OfName = fn(String) -> Measure;
/// Those with one.
const NAMED: [(&str, OfName); 3] =
    [("metrics", Measure::Metric), ("recall", Measure::Recall), ("precision", Measure::Precision)];

impl Measure {
    /// Reads a name: `validity`, `latency_p95`, `recall.security`, `metrics."two words"`.
    ///
    /// # Errors
    /// A sentence that lists what there is.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, measure)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(measure.clone());
        }
        let (kind, of) = name.split_once('.').unwrap_or((name, ""));
        let of = of.strip_prefix('"').and_then(|of| of.strip_suffix('"')).unwrap_or(of);
        match NAMED.iter().find(|(named, _)| *named == kind) {
            Some((_, measure)) if !of.trim().is_empty() => Ok(measure(of.to_owned())),
            Some((named, _)) => Err(format!("`{name}` needs a name: write `{named}.NAME`")),
            None if kind == CONSISTENCY && name == kind => Ok(Self::Consistency(USUAL_ANSWERS)),
            None if kind == CONSISTENCY => {
                let answers = of.parse().ok().filter(|it| (2..=MOST_ANSWERS).contains(it));
                answers.map(Self::Consistency).ok_or_else(|| {
                    format!(
                        "`{name}` needs 2 to {MOST_ANSWERS} answers to each row: write `{CONSISTENCY}.{USUAL_ANSWERS}` \
                         to ask each row {USUAL_ANSWERS} times"
                    )
                })
            }
            None => {
                let plain = PLAIN.iter().map(|(plain, _)| *plain);
                let named = NAMED.iter().map(|(named, _)| *named);
                let others = ["quality", "usd_per_1k", CONSISTENCY];
                let known: Vec<&str> = others.into_iter().chain(plain).chain(named).collect();
                Err(format!("`{name}` is not a measure; {}", text::suggestion(kind, &known)))
            }
        }
    }

    /// How a prompt's value follows from those of its rows.
    #[must_use]
    pub fn total(&self) -> Total {
        match self {
            Self::Validity | Self::Recall(_) | Self::Precision(_) | Self::Consistency(_) => {
                Total::Share
            }
            Self::Metric(_) | Self::InputTokens | Self::OutputTokens => Total::Mean,
            Self::LatencyP50 => Total::Quantile(0.5),
            Self::LatencyP95 => Total::Quantile(0.95),
        }
    }

    /// Whether two prompts have values for the same rows as a rule, so that they can be compared row by row.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        !self.is_time() && !matches!(self, Self::Precision(_))
    }

    /// Whether it is a time.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self.total(), Total::Quantile(_))
    }

    /// A value of it for people: `96.2 %`, `1,850 ms`, `412 tokens`, `0.31`.
    #[must_use]
    pub fn shown(&self, value: f64) -> String {
        match self.total() {
            Total::Share => text::percent(value),
            Total::Quantile(_) => format!("{} ms", text::thousands(value.round().max(0.0) as u64)),
            Total::Mean if matches!(self, Self::InputTokens | Self::OutputTokens) => {
                format!("{} tokens", text::thousands(value.round().max(0.0) as u64))
            }
            Total::Mean => format!("{value:.3}"),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named = |kind: &str, name: &str| {
            let is_word = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
            match name.chars().all(is_word) {
                true => write!(f, "{kind}.{name}"),
                false => write!(f, "{kind}.\"{name}\""),
            }
        };
        match self {
            Self::Metric(name) => named("metrics", name),
            Self::Recall(label) => named("recall", label),
            Self::Precision(label) => named("precision", label),
            Self::Consistency(answers) => write!(f, "{CONSISTENCY}.{answers}"),
            plain => {
                let name = PLAIN.iter().find(|(_, measure)| measure == plain);
                f.write_str(name.map_or("", |(name, _)| *name))
            }
        }
    }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> Self {
        measure.to_string()
    }
}

impl TryFrom<String> for Measure {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name)
    }
}
