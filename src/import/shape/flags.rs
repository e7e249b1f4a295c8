//! Several columns of 0 and 1, each of which says whether a label applies: the answer is the set of labels.

use crate::import::value_kind::is_set;
use crate::prompt::{Columns, value_text};
use crate::text;
use serde_json::Value;

/// Columns that are labels.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) struct Flags {
    /// The columns, which are the labels.
    pub(in crate::import) labels: Vec<String>,
    /// The column that their set becomes.
    pub(in crate::import) answer: String,
}

impl Flags {
    /// `is_taken`: whether the file has a column of a name.
    pub(in crate::import) fn new(labels: Vec<String>, is_taken: impl Fn(&str) -> bool) -> Self {
        Self { answer: text::free_name("labels", is_taken), labels }
    }

    /// Replaces the columns by the list of those that apply.
    pub(super) fn write(&self, row: &mut Columns) {
        let mut applies = |label: &String| {
            row.shift_remove(label).is_some_and(|value| is_set(value_text(&value).trim()))
        };
        let set: Vec<Value> = self
            .labels
            .iter()
            .filter(|label| applies(label))
            .map(|it| it.as_str().into())
            .collect();
        row.insert(self.answer.clone(), set.into());
    }
}
