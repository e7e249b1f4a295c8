//! Runs that another one takes something from, as they are frozen in its `run.json`.
//!
//! How they are read is in `reuse` and `warm`.

use crate::id::{CandidateId, RunName};
use crate::task::example::RowHash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A run whose answers are taken over, as it was when the other run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReuseSource {
    /// Its name.
    pub run: RunName,
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// How many events it had.
    pub events: u64,
    /// How many of its answers can be taken over.
    pub answers: u64,
    /// A hash of these answers.
    pub blake3: String,
}

/// The run that another one starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmStart {
    /// Its name.
    pub run: RunName,
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// The candidates that are taken over: its winner, and its front.
    pub candidates: Vec<CandidateId>,
    /// The texts of each of them, of the parts that the task searches. They are frozen in the recipe.
    #[serde(skip)]
    pub(super) texts: Vec<BTreeMap<String, String>>,
    /// The rows that it, or one that it descends from, had in sight. They are frozen beside `run.json`.
    #[serde(skip)]
    pub(super) seen: BTreeSet<RowHash>,
    /// Whether it has looked at held-out rows.
    #[serde(skip)]
    pub(super) has_looked: bool,
}
