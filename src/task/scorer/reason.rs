//! Why an answer is invalid, in words.
//!
//! All words are made here. Equal reasons have equal words, so that they can be counted; what differs
//! from answer to answer is the detail, which only the feedback shows.

use super::verdict::Verdict;
use crate::units::Score;
use std::collections::BTreeMap;
use std::fmt;

/// Why an answer is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidReason {
    /// The call was cut off, filtered or empty: what it was, such as `cut off at max_output_tokens`.
    NoAnswer(String),
    /// There is no text to score.
    Empty,
    /// A thinking block does not end.
    UnclosedReasoning,
    /// Nothing follows the thinking block.
    OnlyReasoning,
    /// `extract` does not match.
    NoMatch,
    /// `extract` matches, but its group is not used in the match.
    NoGroup,
    /// There is no JSON.
    NoJson,
    /// There is broken JSON: the parser's message.
    BrokenJson(String),
    /// There is JSON, but no object.
    NoObject,
    /// It is no SQL: the parser's message.
    BrokenSql(String),
    /// There is no number that can be read.
    NoNumber,
    /// It is no grade: why it cannot be read.
    NoGrade(String),
    /// No label is named: the labels.
    NoLabel(String),
    /// Several labels are named: these.
    SeveralLabels(String),
}

impl InvalidReason {
    /// What differs from answer to answer.
    fn detail(&self) -> Option<&str> {
        match self {
            Self::BrokenJson(detail)
            | Self::BrokenSql(detail)
            | Self::NoGrade(detail)
            | Self::NoLabel(detail)
            | Self::SeveralLabels(detail) => Some(detail),
            _ => None,
        }
    }

    /// The verdict on such an answer, given the shown form of the expected one.
    #[must_use]
    pub fn verdict(&self, expected: &str) -> Verdict {
        let reason = self.to_string();
        let whole = match self.detail() {
            Some(detail) => format!("{reason} ({detail})"),
            None => reason.clone(),
        };
        Verdict {
            score: Score::ZERO,
            invalid: Some(reason),
            feedback: Some(format!("{} Expected {expected}.", sentence(&whole))),
            metrics: BTreeMap::new(),
        }
    }
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer(call) => return write!(f, "the call was {call}"),
            Self::Empty => "the answer is empty",
            Self::UnclosedReasoning => {
                "the answer ends within its thinking block, before it says anything"
            }
            Self::OnlyReasoning => "the answer is a thinking block with nothing after it",
            Self::NoMatch => "`extract` matches nothing in the answer",
            Self::NoGroup => "the group of `extract` matches nothing in the answer",
            Self::NoJson => "the answer holds no JSON",
            Self::BrokenJson(_) => "the JSON in the answer is broken",
            Self::NoObject => "the answer is JSON, but not an object",
            Self::BrokenSql(_) => "the answer is not SQL",
            Self::NoNumber => "the answer holds no number",
            Self::NoGrade(_) => "the answer is not a grade",
            Self::NoLabel(_) => "the answer names none of the labels",
            Self::SeveralLabels(_) => "the answer names several labels instead of one",
        })
    }
}

/// A reason as a sentence: a capital at its beginning and a full stop at its end.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if reason.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reasons_have_equal_words_and_the_feedback_has_the_detail() {
        let broken = |detail: &str| InvalidReason::BrokenJson(detail.to_owned()).verdict("`{}`");
        let (one, other) = (broken("trailing comma at line 1"), broken("expected `:` at line 2"));
        assert_eq!(one.invalid, other.invalid);
        assert_eq!(
            one.feedback.as_deref(),
            Some("The JSON in the answer is broken (trailing comma at line 1). Expected `{}`.")
        );
        let call = InvalidReason::NoAnswer("answered without a text".to_owned()).verdict("`a`");
        assert_eq!(
            call.feedback.as_deref(),
            Some("The call was answered without a text. Expected `a`.")
        );
    }
}
