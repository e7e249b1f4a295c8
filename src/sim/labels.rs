//! The form that answers have in a world, and the labels that texts may name.

use super::draw;
use super::words;
use crate::prompt::value_text;
use crate::seed::Seed;
use std::collections::BTreeSet;

/// What answers of a world look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    /// One of these labels.
    Label(Vec<String>),
    /// A number; the last one of the answer counts.
    Number,
    /// A JSON object, scored by the share of its fields that are right.
    Json,
    /// Any text.
    Text,
}

/// The labels of a world, ready to be found in texts.
#[derive(Debug, Default)]
pub(super) struct Labels {
    names: Vec<String>,
    lower: Vec<String>,
    /// Longest first, so that `not spam` is not read as `spam`.
    order: Vec<usize>,
}

impl Labels {
    /// The labels of a form; none where answers are no labels.
    pub(super) fn new(form: &AnswerForm) -> Self {
        let AnswerForm::Label(names) = form else {
            return Self::default();
        };
        let lower: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(lower[*place].len()));
        Self { names: names.clone(), lower, order }
    }

    /// A label as it is written.
    pub(super) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", |name| name.trim())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The label that an answer is.
    pub(super) fn of_answer(&self, answer: &serde_json::Value) -> Option<usize> {
        let text = value_text(answer);
        let text = text.trim().to_lowercase();
        self.lower.iter().position(|label| *label == text)
    }

    /// The labels that a text names as whole words. A label of one letter counts only as it is
    /// written and beside a bracket or quote, or it would be named by every `a`.
    pub(super) fn named_in(&self, text: &str) -> BTreeSet<usize> {
        let mut named = BTreeSet::new();
        if self.names.is_empty() {
            return named;
        }
        let mut lower = text.to_lowercase();
        for place in &self.order {
            let label = &self.lower[*place];
            if label.chars().count() == 1 {
                let name = self.name(*place);
                let marked =
                    |before: &str, after: &str| text.contains(&format!("{before}{name}{after}"));
                if [("(", ")"), ("\"", "\""), ("'", "'"), ("`", "`"), (" ", ")")]
                    .iter()
                    .any(|(before, after)| marked(before, after))
                {
                    named.insert(*place);
                }
            } else if words::holds_phrase(&lower, label) {
                named.insert(*place);
                if label.contains(' ') {
                    lower = words::without_phrase(&lower, label);
                }
            }
        }
        named
    }

    /// Whether a text holds any label as a whole word in any case, as a scorer would see it.
    pub(super) fn any_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.lower.iter().any(|label| words::holds_phrase(&lower, label))
    }

    /// The stems of a text's content words that are not part of a label.
    pub(super) fn without_labels(&self, text: &str) -> BTreeSet<String> {
        let mut lower = text.to_lowercase();
        for place in &self.order {
            let label = &self.lower[*place];
            if words::holds_phrase(&lower, label) {
                lower = words::without_phrase(&lower, label);
            }
        }
        words::content(&lower)
            .into_iter()
            .filter(|word| !word.chars().all(char::is_numeric))
            .collect()
    }

    /// Another label, drawn from a seed.
    pub(super) fn other_than(&self, label: usize, seed: Seed) -> Option<usize> {
        if self.names.len() < 2 {
            return None;
        }
        let other = draw::below(seed, self.names.len() - 1);
        Some(if other >= label { other + 1 } else { other })
    }
}
