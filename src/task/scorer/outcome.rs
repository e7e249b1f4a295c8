//! What becomes of a kind's verdict: `threshold` makes it right or wrong, and `not-` before a kind turns it round.
//!
//! Both leave invalid answers as they are: an answer that cannot be used is no better where another one is not wanted.

use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::units::Score;

/// What stands before a kind whose answers are not wanted.
const NOT: &str = "not-";

/// Sums of shares are rounded.
const ROUNDING: f64 = 1e-9;

/// The kind's own name.
pub(super) fn positive(kind: &str) -> &str {
    kind.strip_prefix(NOT).unwrap_or(kind)
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    threshold: Option<f64>,
    is_negated: bool,
}

impl Outcome {
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        if let Some(threshold) = table.threshold
            && !(threshold > 0.0 && threshold <= 1.0)
        {
            let message = format!(
                "`threshold` is {threshold}: it must be above 0 and at most 1, as scores are"
            );
            return Err(ScorerError::new("threshold", message));
        }
        Ok(Self { threshold: table.threshold, is_negated: table.kind.starts_with(NOT) })
    }

    pub(super) fn is_negated(self) -> bool {
        self.is_negated
    }

    /// Whether an answer passes or fails.
    pub(super) fn has_threshold(self) -> bool {
        self.threshold.is_some()
    }

    /// The verdict after both. `unwanted` is the feedback on an answer that is right and should not be.
    pub(super) fn of(self, verdict: Verdict, unwanted: impl FnOnce() -> String) -> Verdict {
        if verdict.invalid.is_some() {
            return verdict;
        }
        let verdict = match self.threshold {
            Some(threshold) => above(threshold, verdict),
            None => verdict,
        };
        if !self.is_negated {
            return verdict;
        }
        let score = Score::new(1.0 - verdict.score.value()).unwrap_or(Score::ZERO);
        let feedback = (!score.is_perfect()).then(unwanted);
        Verdict { score, feedback, ..verdict }
    }
}

fn above(threshold: f64, verdict: Verdict) -> Verdict {
    let score = verdict.score.value();
    if score >= threshold - ROUNDING {
        return Verdict { score: Score::ONE, feedback: None, ..verdict };
    }
    let told = verdict.feedback.map(|it| it + " ").unwrap_or_default();
    let feedback = Some(format!("{told}Its score is {score:.3}, and {threshold} is needed."));
    Verdict { score: Score::ZERO, feedback, ..verdict }
}
