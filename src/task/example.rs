//! One row of the data, the splits, and the type that keeps held-out rows out of reach.

use crate::id::ExampleId;
use crate::prompt::Columns;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// From the id column, or the row's number from 1.
    pub id: ExampleId,
    /// What templates may use: every column but the answer and the feedback.
    pub columns: Columns,
    /// What a right answer says.
    pub answer: serde_json::Value,
    /// What the data says about why, for the mutator.
    pub feedback: Option<String>,
    /// Rows of one group go to one split.
    pub group: Option<String>,
    /// The line of its file on which the row starts, from 1.
    pub line: usize,
}

/// Which rows serve what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Shown to mutators.
    Train,
    /// Selects.
    Dev,
    /// Confirms, once.
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

/// Rows that confirm the winner, once. Strategies and operators never receive this type; whoever
/// opens it says why, and `tests/architecture.rs` lists who does.
#[derive(Debug)]
pub struct HeldOut(Vec<Example>);

impl HeldOut {
    /// Seals rows.
    #[must_use]
    pub fn seal(rows: Vec<Example>) -> Self {
        Self(rows)
    }

    /// How many rows there are: all that may be known of them before the search has ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows themselves.
    #[must_use]
    pub fn open_held_out(&self) -> &[Example] {
        &self.0
    }

    /// The rows themselves, for whoever takes them out of the search altogether.
    #[must_use]
    pub fn unseal_held_out(self) -> Vec<Example> {
        self.0
    }
}

/// All rows by what they serve. `train` and `dev` stand in the order in which candidates meet them.
#[derive(Debug)]
pub struct Splits {
    /// Shown to mutators.
    pub train: Vec<Example>,
    /// Selects.
    pub dev: Vec<Example>,
    /// Confirms, once.
    pub hold: HeldOut,
}
