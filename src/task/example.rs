//! One row of the data, the splits, and the type that protects held-out rows.

use crate::id::ExampleId;
use crate::prompt::{Columns, RowValues};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// From the id column, or the row's number from 1.
    pub id: ExampleId,
    /// The columns that templates may use: all except the answer and the feedback.
    pub columns: Columns,
    /// The columns whose text is a number as it was written in the data: `1.50`, `1e3`, an id of 25 digits.
    pub numbers: Vec<String>,
    /// The expected answer.
    pub answer: serde_json::Value,
    /// The feedback column, for the mutator.
    pub feedback: Option<String>,
    /// Rows of one group go to one split.
    pub group: Option<String>,
    /// How much it counts in a mean score, above 0: only its ratio to the weights of other rows means anything.
    pub weight: f64,
    /// Whether a prompt that does not get it wholly right is no winner.
    pub must_pass: bool,
    /// Whether people or a model wrote it.
    pub origin: RowOrigin,
    /// Which of the task's data files holds the row, from 0.
    pub file: usize,
    /// The line of that file on which the row starts, from 1.
    pub line: usize,
}

/// Who wrote a row, and whether a person has read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowOrigin {
    /// It was collected.
    #[default]
    Collected,
    /// A model wrote it, and a person accepted it.
    Reviewed,
    /// A model wrote it, and its right answer is that model's claim.
    Unreviewed,
}

impl RowOrigin {
    /// Whether a model wrote it: such a row is never held out.
    #[must_use]
    pub fn is_synthetic(self) -> bool {
        self != Self::Collected
    }
}

/// What tells rows of several runs apart: a hash of what a row holds, whatever its id and its place.
/// Written as 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowHash([u8; 16]);

impl From<RowHash> for String {
    fn from(RowHash(hash): RowHash) -> Self {
        format!("{:032x}", u128::from_be_bytes(hash))
    }
}

impl TryFrom<String> for RowHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 32);
        let number =
            number.ok_or_else(|| format!("`{text}` is no hash of a row: it has 32 hex digits"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl Example {
    /// The hash of its columns and its answer. A column without a value counts as one that is not there.
    #[must_use]
    pub fn content_hash(&self) -> RowHash {
        let mut columns: Vec<(&String, &serde_json::Value)> =
            self.columns.iter().filter(|(_, value)| !value.is_null()).collect();
        columns.sort_by_key(|(name, _)| *name);
        let text = serde_json::json!([columns, self.answer]).to_string();
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        RowHash(hash)
    }
}

impl<'a> From<&'a Example> for RowValues<'a> {
    fn from(row: &'a Example) -> Self {
        Self { columns: &row.columns, numbers: &row.numbers }
    }
}

/// What the rows that must pass say of a prompt. A prompt that fails one wins nothing, whatever its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MustPassResult {
    /// How many rows must pass, at least 1.
    pub rows: usize,
    /// How many of them are not wholly right, or have no answer.
    pub failed: usize,
}

/// The splits of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Shown to mutators.
    Train,
    /// Selects candidates.
    Dev,
    /// Confirms the winner, once.
    Hold,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Hold => "hold",
        })
    }
}

/// A split whose rows may be shown to people. Who looks at the answers to held-out rows chooses by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisibleSplit {
    /// Shown to mutators.
    Train,
    /// Selects candidates.
    Dev,
}

impl From<VisibleSplit> for Split {
    fn from(split: VisibleSplit) -> Self {
        match split {
            VisibleSplit::Train => Self::Train,
            VisibleSplit::Dev => Self::Dev,
        }
    }
}

/// Held-out rows, which confirm the winner once. Strategies and operators never receive this type.
/// `tests/architecture.rs` lists the modules that open it, and each of them documents why.
#[derive(Debug)]
pub struct HeldOut(Vec<Example>);

impl HeldOut {
    /// Wraps rows.
    #[must_use]
    pub fn seal(rows: Vec<Example>) -> Self {
        Self(rows)
    }

    /// The number of rows, which is all that the search may know about them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hashes of the rows, which say nothing of what they hold.
    #[must_use]
    pub fn content_hashes(&self) -> Vec<RowHash> {
        self.0.iter().map(Example::content_hash).collect()
    }

    /// How many of the rows must pass, which says nothing of what they hold.
    #[must_use]
    pub fn must_pass(&self) -> usize {
        self.0.iter().filter(|row| row.must_pass).count()
    }

    /// The hashes of the rows that must pass.
    fn must_pass_hashes(&self) -> impl Iterator<Item = RowHash> {
        self.0.iter().filter(|row| row.must_pass).map(Example::content_hash)
    }

    /// How much the rows count, which says nothing of what they hold.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.0.iter().map(|row| row.weight).collect()
    }

    /// The rows.
    #[must_use]
    pub fn open_held_out(&self) -> &[Example] {
        &self.0
    }

    /// The rows, for a caller that removes them from the search.
    #[must_use]
    pub fn unseal_held_out(self) -> Vec<Example> {
        self.0
    }
}

/// All rows by split. `train` and `dev` are in the order in which candidates are evaluated on them.
#[derive(Debug)]
pub struct Splits {
    /// Shown to mutators.
    pub train: Vec<Example>,
    /// Selects candidates.
    pub dev: Vec<Example>,
    /// Confirms the winner, once.
    pub hold: HeldOut,
}

impl Splits {
    /// The rows of a split that may be shown.
    #[must_use]
    pub fn visible(&self, split: VisibleSplit) -> &[Example] {
        match split {
            VisibleSplit::Train => &self.train,
            VisibleSplit::Dev => &self.dev,
        }
    }

    /// The hashes of all rows.
    pub fn content_hashes(&self) -> impl Iterator<Item = RowHash> {
        let shown = self.train.iter().chain(&self.dev).map(Example::content_hash);
        shown.chain(self.hold.content_hashes())
    }

    /// The hashes of the held-out rows.
    pub fn held_out_hashes(&self) -> impl Iterator<Item = RowHash> {
        self.hold.content_hashes().into_iter()
    }

    /// The hashes of all rows that must pass.
    pub fn must_pass_hashes(&self) -> impl Iterator<Item = RowHash> {
        let shown = self.train.iter().chain(&self.dev).filter(|row| row.must_pass);
        shown.map(Example::content_hash).chain(self.hold.must_pass_hashes())
    }

    /// How many rows each split has.
    #[must_use]
    pub fn sizes(&self) -> SplitSizes {
        let size = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        SplitSizes {
            train: size(self.train.len()),
            dev: size(self.dev.len()),
            hold: size(self.hold.len()),
        }
    }
}

/// How many rows each split has: what a run's history knows of its task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SplitSizes {
    /// Rows of train.
    pub train: u32,
    /// Rows of dev.
    pub dev: u32,
    /// Rows of hold.
    pub hold: u32,
}

impl SplitSizes {
    /// The rows of one split.
    #[must_use]
    pub fn of(self, split: Split) -> u32 {
        match split {
            Split::Train => self.train,
            Split::Dev => self.dev,
            Split::Hold => self.hold,
        }
    }

    /// Each split with its rows.
    #[must_use]
    pub fn each(self) -> [(Split, u32); 3] {
        [Split::Train, Split::Dev, Split::Hold].map(|split| (split, self.of(split)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_that_hold_the_same_have_the_same_hash() {
        let row = |id: &str, columns: serde_json::Value, answer: &str| Example {
            id: ExampleId::new(id),
            columns: columns.as_object().cloned().unwrap_or_default(),
            numbers: Vec::new(),
            answer: json!(answer),
            feedback: Some(id.to_owned()),
            group: None,
            weight: 1.0,
            must_pass: false,
            origin: crate::task::example::RowOrigin::Collected,
            file: 0,
            line: 1,
        };
        let hash = |columns, answer| row("1", columns, answer).content_hash();
        let one = hash(json!({"q": "x", "n": 1}), "a");
        assert_eq!(one, row("2", json!({"n": 1, "new": null, "q": "x"}), "a").content_hash());
        for other in [
            hash(json!({"q": "x", "n": 1}), "b"),
            hash(json!({"q": "x"}), "a"),
            hash(json!({"q": "x", "n": "1"}), "a"),
        ] {
            assert_ne!(one, other);
        }
    }
}
