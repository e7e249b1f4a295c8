//! The verdict of a scorer on one answer.
//!
//! Infrastructure errors are not verdicts: a row without an answer has no verdict.

use crate::text;
use crate::units::Score;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A score with reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The score.
    pub score: Score,
    /// Why the answer is invalid; the score is then 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// One or two sentences on what was wrong, for the mutator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// Further metrics by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

impl Verdict {
    /// The answer is right.
    #[must_use]
    pub fn right() -> Self {
        Self::scored(Score::ONE, None)
    }

    /// The answer is wrong, with a reason.
    #[must_use]
    pub fn wrong(feedback: impl Into<String>) -> Self {
        Self::scored(Score::ZERO, Some(feedback.into()))
    }

    /// The answer is right, or else wrong with a reason.
    #[must_use]
    pub fn right_if(is_right: bool, feedback: impl FnOnce() -> String) -> Self {
        if is_right { Self::right() } else { Self::wrong(feedback()) }
    }

    /// A partial score, with the reason why it is not 1.
    #[must_use]
    pub fn scored(score: Score, feedback: Option<String>) -> Self {
        Self { score, invalid: None, feedback, metrics: BTreeMap::new() }
    }

    /// Combines several verdicts: the weighted mean of the scores, all feedback, all metrics. The
    /// result is invalid only if every part is; otherwise an invalid part counts as a score of 0.
    #[must_use]
    pub fn combine(parts: Vec<(f64, Self)>) -> Self {
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        let sum: f64 = parts.iter().map(|(weight, verdict)| weight * verdict.score.value()).sum();
        // Rounding may push the mean slightly over 1.
        let score = Score::new((sum / total).clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
        let mut reasons: Vec<&str> =
            parts.iter().filter_map(|(_, verdict)| verdict.invalid.as_deref()).collect();
        let is_invalid = !parts.is_empty() && reasons.len() == parts.len();
        reasons.dedup();
        let invalid = is_invalid.then(|| reasons.join("; "));
        let feedback: Vec<&str> =
            parts.iter().filter_map(|(_, verdict)| verdict.feedback.as_deref()).collect();
        let feedback = (!feedback.is_empty()).then(|| feedback.join(" "));
        let mut metrics = BTreeMap::new();
        for (name, value) in parts.iter().flat_map(|(_, verdict)| &verdict.metrics) {
            let mut free = name.clone();
            let mut number = 2;
            while metrics.contains_key(&free) {
                free = format!("{name}-{number}");
                number += 1;
            }
            metrics.insert(free, *value);
        }
        Self { score, invalid, feedback, metrics }
    }
}

impl From<Score> for Verdict {
    fn from(score: Score) -> Self {
        Self::scored(score, None)
    }
}

/// Right or wrong, without a word about why.
impl From<bool> for Verdict {
    fn from(is_right: bool) -> Self {
        Score::binary(is_right).into()
    }
}

/// A share as a score, with what was expected unless it is 1.
pub(super) fn graded(share: f64, expected: &str, answer: &str, name: &str) -> Verdict {
    // Rounding may push it slightly over 1.
    let score = Score::new(share.clamp(0.0, 1.0)).unwrap_or(Score::ZERO);
    let feedback = (!score.is_perfect()).then(|| {
        format!("Expected {}, got {} ({name} {share:.3}).", quoted(expected), quoted(answer))
    });
    Verdict::scored(score, feedback)
}

/// A quoted text for feedback, shortened.
pub(super) fn quoted(text: &str) -> String {
    // Cut first, because shortening reads the whole text and an answer may be huge.
    let beginning = match text.char_indices().nth(2_000) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    format!("`{}`", text::shorten(beginning, 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(value: f64) -> Verdict {
        Verdict::scored(Score::new(value).unwrap(), None)
    }

    #[test]
    fn scores_are_averaged_by_weight() {
        let all = Verdict::combine(vec![(3.0, Verdict::right()), (1.0, Verdict::wrong("No."))]);
        assert_eq!(all.score.value(), 0.75);
        assert_eq!(all.feedback.as_deref(), Some("No."));
        let thirds =
            vec![(0.1, Verdict::right()), (0.2, Verdict::right()), (0.7, Verdict::right())];
        assert!(Verdict::combine(thirds).score.is_perfect());
        assert_eq!(Verdict::combine(Vec::new()).score, Score::ZERO);
        assert_eq!(Verdict::combine(vec![(0.0, scored(1.0))]).score, Score::ZERO);
    }

    #[test]
    fn the_whole_is_invalid_only_if_every_part_is() {
        let bad = || Verdict { invalid: Some("no number".into()), ..scored(0.0) };
        let some = Verdict::combine(vec![(1.0, bad()), (1.0, scored(0.5))]);
        assert_eq!((some.score.value(), &some.invalid), (0.25, &None));
        let all = Verdict::combine(vec![(1.0, bad()), (1.0, bad())]);
        assert_eq!((all.score, all.invalid.as_deref()), (Score::ZERO, Some("no number")));
    }

    #[test]
    fn metrics_of_one_name_are_kept_apart() {
        let with = |value| Verdict {
            metrics: BTreeMap::from([("length".to_owned(), value)]),
            ..Verdict::right()
        };
        let all = Verdict::combine(vec![(1.0, with(1.0)), (1.0, with(2.0))]);
        assert_eq!(
            all.metrics,
            BTreeMap::from([("length".to_owned(), 1.0), ("length-2".to_owned(), 2.0)])
        );
    }
}
