//! `regex`: the pattern, or the row's answer as a pattern, matches somewhere in the answer.
//! `normalize` applies only to the answer, because it would change the meaning of a pattern.

use super::answer_filter::{AnswerFilter, broken_pattern};
use super::comparable::comparable_pattern;
use super::kind::{FromTable, Kind};
use super::table::{ScoreTable, ScorerError};
use super::verdict::{Verdict, quoted};
use crate::prompt::value_text;
use regex::Regex;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pattern: Option<Forms>,
}

/// A pattern as it is written, and with the dashes and quotation marks of ASCII.
#[derive(Clone, Debug)]
struct Forms {
    written: Regex,
    plain: Option<Regex>,
}

impl Forms {
    fn new(pattern: &str) -> Result<Self, regex::Error> {
        let plain = comparable_pattern(pattern);
        let plain = (plain != pattern).then(|| Regex::new(&plain).ok()).flatten();
        Ok(Self { written: Regex::new(pattern)?, plain })
    }

    fn is_match(&self, text: &str) -> bool {
        self.written.is_match(text) || self.plain.as_ref().is_some_and(|it| it.is_match(text))
    }
}

impl FromTable for Pattern {
    const NAME: &'static str = "regex";
    const KEYS: &'static [&'static str] = &["pattern", "any_of"];

    fn new(table: &ScoreTable, _: &AnswerFilter) -> Result<Self, ScorerError> {
        let compile = |pattern: &String| {
            Forms::new(pattern).map_err(|error| broken_pattern("pattern", &error))
        };
        Ok(Self { pattern: table.pattern.as_ref().map(compile).transpose()? })
    }
}

impl Kind for Pattern {
    /// Checks that a row's answer is a valid pattern.
    fn check(&self, expected: &Value, _: &AnswerFilter) -> Result<(), String> {
        match self.pattern {
            Some(_) => Ok(()),
            None => Regex::new(&value_text(expected))
                .map(drop)
                .map_err(|error| broken_pattern("answer", &error).message),
        }
    }

    fn score(&self, answer: &str, expected: &Value, filter: &AnswerFilter) -> Verdict {
        let of_row;
        let pattern = match &self.pattern {
            Some(pattern) => pattern,
            None => match Forms::new(&value_text(expected)) {
                Ok(pattern) => {
                    of_row = pattern;
                    &of_row
                }
                Err(error) => return Verdict::wrong(broken_pattern("answer", &error).message),
            },
        };
        // A pattern may ask for a dash or a backslash as it was written.
        let forms = [filter.normalized(answer), filter.text(answer)];
        let is_match = forms.iter().any(|form| pattern.is_match(form));
        Verdict::right_if(is_match, || {
            let pattern = quoted(pattern.written.as_str());
            format!("Expected an answer that matches {pattern}, got {}.", quoted(answer))
        })
    }
    fn wanted(&self, expected: &Value) -> String {
        let of_row = || value_text(expected).into_owned();
        let pattern =
            self.pattern.as_ref().map_or_else(of_row, |it| it.written.as_str().to_owned());
        format!("matches {}", quoted(&pattern))
    }
}
