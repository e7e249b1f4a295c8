//! How much two lists have in common, as precision, recall and F1 (van Rijsbergen, *Information Retrieval*, 1979).

use super::table::Compared;
use std::collections::HashMap;
use std::hash::Hash;

/// How many items two lists have in common; one that is in both several times counts as often as in the list that has
/// fewer of it.
pub(super) fn common<T: Hash + Eq>(
    one: impl IntoIterator<Item = T>,
    other: impl IntoIterator<Item = T>,
) -> usize {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for item in other {
        *counts.entry(item).or_default() += 1;
    }
    one.into_iter()
        .filter(|item| match counts.get_mut(item) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .count()
}

/// What is common, of an answer and of the expected text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Overlap {
    pub(super) precision: f64,
    pub(super) recall: f64,
}

impl Overlap {
    /// Of nothing, nothing is common.
    pub(super) fn new(common: usize, answer: usize, expected: usize) -> Self {
        let share = |of: usize| if of == 0 { 0.0 } else { common as f64 / of as f64 };
        Self { precision: share(answer), recall: share(expected) }
    }

    pub(super) fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }

    pub(super) fn compared(self, compared: Compared) -> f64 {
        match compared {
            Compared::F1 => self.f1(),
            Compared::Precision => self.precision,
            Compared::Recall => self.recall,
        }
    }
}
