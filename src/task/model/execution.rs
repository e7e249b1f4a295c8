//! Whether calls are made one by one or in batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the calls of a role are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Execution {
    /// One by one: an answer comes within seconds.
    #[default]
    Live,
    /// In batches, which come within a day, at a lower price.
    Batch,
    /// In batches where many calls wait together and the provider takes them, else one by one.
    Auto,
}

impl Execution {
    /// Whether all calls are made one by one.
    #[must_use]
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }
}
