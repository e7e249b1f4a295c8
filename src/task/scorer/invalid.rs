//! Invalid answers, counted by their reason.
//!
//! The words of a reason are made in `reason`. This counts them and shows the counts, for `eval`, for
//! reports and for explanations alike.

use super::verdict::Verdict;
use crate::id::ExampleId;
use crate::text;
use serde::Serialize;

/// The most rows that a sentence names.
const MAX_NAMED: usize = 3;

/// The most characters of an answer that are shown.
const MAX_ANSWER: usize = 80;

/// Invalid answers by reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct InvalidAnswers(Vec<InvalidCount>);

/// The invalid answers with one reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvalidCount {
    /// The reason.
    pub reason: String,
    /// How many answers.
    pub count: u64,
    /// The rows of these answers, without those that are held out.
    pub rows: Vec<InvalidRow>,
}

/// A row with an invalid answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InvalidRow {
    /// The row.
    pub id: ExampleId,
    /// The beginning of the answer; empty where it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// What was wrong with the answer, and what was expected.
    pub feedback: Option<String>,
}

impl InvalidAnswers {
    /// Counts an answer, if it is invalid; `None` stands for a row that is held out. `answer` is empty
    /// where it is not known.
    pub fn count(&mut self, verdict: &Verdict, row: Option<&ExampleId>, answer: &str) {
        let Some(reason) = &verdict.invalid else { return };
        let place = match self.0.iter().position(|counted| counted.reason == *reason) {
            Some(place) => place,
            None => {
                self.0.push(InvalidCount { reason: reason.clone(), count: 0, rows: Vec::new() });
                self.0.len() - 1
            }
        };
        let counted = &mut self.0[place];
        counted.count += 1;
        counted.rows.extend(row.map(|id| InvalidRow {
            id: id.clone(),
            answer: text::shorten(&text::one_line(answer), MAX_ANSWER),
            feedback: verdict.feedback.clone(),
        }));
        self.0.sort_by_key(|counted| std::cmp::Reverse(counted.count));
    }

    /// The reasons, the most frequent first.
    pub fn reasons(&self) -> impl Iterator<Item = &InvalidCount> {
        self.0.iter()
    }

    /// How many answers are invalid.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|counted| counted.count).sum()
    }

    /// Whether all answers can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A sentence for each reason, the most frequent first, without a full stop.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(InvalidCount::sentence)
    }
}

impl InvalidCount {
    fn sentence(&self) -> String {
        let answers = text::plural(usize::try_from(self.count).unwrap_or(usize::MAX), "answer");
        let verb = if self.count == 1 { "is" } else { "are" };
        let mut named: Vec<String> = Vec::new();
        for row in &self.rows {
            let shown = format!("`{}`", text::shorten(row.id.as_str(), 40));
            if named.len() < MAX_NAMED && !named.contains(&shown) {
                named.push(shown);
            }
        }
        let example = match named[..] {
            [] => String::new(),
            [ref one] => format!(" (row {one})"),
            _ => format!(" (rows {}, …)", named.join(", ")),
        };
        let example = match self.count == named.len() as u64 {
            true => example.replace(", …", ""),
            false => example,
        };
        let sample = match self.rows.iter().find(|row| !row.answer.trim().is_empty()) {
            Some(row) => format!(", such as “{}”", row.answer),
            None => String::new(),
        };
        format!("{answers} {verb} invalid: {}{example}{sample}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::reason::InvalidReason;
    use super::*;

    #[test]
    fn reasons_are_counted_with_their_rows_the_most_frequent_first() {
        let mut answers = InvalidAnswers::default();
        answers.count(&Verdict::wrong("No."), Some(&ExampleId::new("r0")), "no");
        assert!(answers.is_empty());
        answers.count(&InvalidReason::NoJson.verdict("`{}`"), Some(&ExampleId::new("r1")), "");
        let label = |names: &str| InvalidReason::NoLabel(names.to_owned()).verdict("`a`");
        for row in ["r2", "r3", "r3", "r4", "r5"] {
            answers.count(&label("a, b"), Some(&ExampleId::new(row)), "I\nthink so");
        }
        answers.count(&label("a, b"), None, "c");
        assert_eq!(answers.total(), 7);
        assert_eq!(
            answers.sentences().collect::<Vec<_>>(),
            [
                "6 answers are invalid: the answer names none of the labels (rows `r2`, `r3`, `r4`, …), such as “I think so”",
                "1 answer is invalid: the answer holds no JSON (row `r1`)",
            ]
        );
        let held_out = {
            let mut answers = InvalidAnswers::default();
            answers.count(&InvalidReason::NoNumber.verdict("`1`"), None, "many");
            answers
        };
        assert_eq!(
            held_out.sentences().next().as_deref(),
            Some("1 answer is invalid: the answer holds no number")
        );
    }
}
