//! `regex`: the pattern, or the row's answer as a pattern, matches somewhere in the answer.
//! `normalize` applies only to the answer, because it would change the meaning of a pattern.

use super::prepare::broken_pattern;
use super::quoted;
use super::table::{ScoreTable, ScorerError};
use super::verdict::Verdict;
use crate::prompt::value_text;
use regex::Regex;
use serde_json::Value;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pattern: Option<Regex>,
}

impl Pattern {
    pub(super) fn new(table: &ScoreTable) -> Result<Self, ScorerError> {
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|error| broken_pattern("pattern", &error))
        };
        Ok(Self { pattern: table.pattern.as_ref().map(compile).transpose()? })
    }

    /// Checks that a row's answer is a valid pattern.
    pub(super) fn check(&self, expected: &Value) -> Result<(), String> {
        match self.pattern {
            Some(_) => Ok(()),
            None => Regex::new(&value_text(expected))
                .map(drop)
                .map_err(|error| broken_pattern("answer", &error).message),
        }
    }

    pub(super) fn score(&self, answer: &str, expected: &Value) -> Verdict {
        let of_row;
        let pattern = match &self.pattern {
            Some(pattern) => pattern,
            None => match Regex::new(&value_text(expected)) {
                Ok(pattern) => {
                    of_row = pattern;
                    &of_row
                }
                Err(error) => return Verdict::wrong(broken_pattern("answer", &error).message),
            },
        };
        if pattern.is_match(answer) {
            Verdict::right()
        } else {
            Verdict::wrong(format!(
                "Expected an answer that matches {}, got {}.",
                quoted(pattern.as_str()),
                quoted(answer)
            ))
        }
    }
}
