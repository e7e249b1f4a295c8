//! `is-json`: the whole answer is valid JSON without any other text. Its content does not matter,
//! and the expected answer is not used.

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
