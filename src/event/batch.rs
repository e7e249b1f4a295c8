//! Batches: many requests that are submitted to a provider at once.

use crate::id::Call;
use crate::task::model::ModelName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A batch that is about to be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Our own name of it, by which it is found at its provider: unlike that of any other batch.
    pub name: String,
    /// Which model is asked.
    pub model: ModelName,
    /// The calls in it.
    pub calls: Vec<Call>,
    /// When.
    pub at: Timestamp,
}
