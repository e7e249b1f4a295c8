//! The caps of a run, as a task or a command line states them.
//!
//! Not what is spent of them: that is in `budget`, which knows of roles and calls.

use crate::units::{Tokens, Usd};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Caps; the first one reached ends the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caps {
    /// Money over all roles.
    pub usd: Option<Usd>,
    /// Logical calls over all roles.
    pub calls: Option<u64>,
    /// Input and output tokens over all roles.
    pub tokens: Option<Tokens>,
    /// Calls of the mutator.
    pub proposals: Option<u64>,
    /// Time in which the run was running.
    pub wall: Option<Duration>,
    /// A moment.
    pub deadline: Option<Timestamp>,
}

impl Caps {
    /// Whether nothing at all limits the run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something limits it that does not depend on the clock.
    #[must_use]
    pub fn limits_spending(&self) -> bool {
        self.usd.is_some()
            || self.calls.is_some()
            || self.tokens.is_some()
            || self.proposals.is_some()
    }
}
