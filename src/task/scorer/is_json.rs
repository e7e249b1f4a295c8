//! `is-json`: the whole answer is valid JSON, with nothing around it. What it says does not matter,
//! and the row's answer is not looked at.

use super::verdict::Verdict;

#[derive(Clone, Copy, Debug)]
pub(super) struct IsJson;

impl IsJson {
    pub(super) fn score(self, answer: &str) -> Verdict {
        match serde_json::from_str::<serde::de::IgnoredAny>(answer) {
            Ok(_) => Verdict::right(),
            Err(error) => Verdict::wrong(format!("Expected JSON and nothing else: {error}.")),
        }
    }
}
