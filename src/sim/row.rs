//! A row as the simulated models know it.

use crate::seed::Seed;

/// One row as the simulated models know it.
#[derive(Clone, Debug)]
pub struct WorldRow {
    /// Its id.
    pub id: String,
    /// The user message that the baseline renders for it.
    pub user_text: String,
    /// Its longest column.
    pub input: String,
    /// The right answer.
    pub answer: serde_json::Value,
    /// Why it is right, as far as the data says so.
    pub feedback: Option<String>,
}

/// A row with what is drawn for it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) answer: serde_json::Value,
    pub(super) skill: usize,
    /// A second skill that it needs as well.
    pub(super) second: Option<usize>,
    /// Logits below the average row.
    pub(super) difficulty: f64,
    pub(super) seed: Seed,
}
