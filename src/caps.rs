//! The caps of a run, from the task or the command line.
//!
//! Spending is counted in `ledger`.

use crate::units::{Tokens, Usd};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Caps; the first one reached ends the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caps {
    /// Money across all roles.
    pub usd: Option<Usd>,
    /// Logical calls across all roles.
    pub calls: Option<u64>,
    /// Input and output tokens across all roles.
    pub tokens: Option<Tokens>,
    /// Calls of the mutator.
    pub proposals: Option<u64>,
    /// Running time.
    pub wall: Option<Duration>,
    /// A deadline.
    pub deadline: Option<Timestamp>,
}

impl Caps {
    /// These caps, and where one is missing, that of the others.
    #[must_use]
    pub fn over(self, others: Self) -> Self {
        Self {
            usd: self.usd.or(others.usd),
            calls: self.calls.or(others.calls),
            tokens: self.tokens.or(others.tokens),
            proposals: self.proposals.or(others.proposals),
            wall: self.wall.or(others.wall),
            deadline: self.deadline.or(others.deadline),
        }
    }

    /// The lower cap of each unit.
    #[must_use]
    pub fn lower(self, other: Self) -> Self {
        fn least<T: Ord>(own: Option<T>, other: Option<T>) -> Option<T> {
            own.into_iter().chain(other).min()
        }
        Self {
            usd: least(self.usd, other.usd),
            calls: least(self.calls, other.calls),
            tokens: least(self.tokens, other.tokens),
            proposals: least(self.proposals, other.proposals),
            wall: least(self.wall, other.wall),
            deadline: least(self.deadline, other.deadline),
        }
    }

    /// Those of these caps that differ from others.
    #[must_use]
    pub fn other_than(self, others: Self) -> Self {
        fn other<T: PartialEq>(own: Option<T>, other: Option<T>) -> Option<T> {
            if own == other { None } else { own }
        }
        Self {
            usd: other(self.usd, others.usd),
            calls: other(self.calls, others.calls),
            tokens: other(self.tokens, others.tokens),
            proposals: other(self.proposals, others.proposals),
            wall: other(self.wall, others.wall),
            deadline: other(self.deadline, others.deadline),
        }
    }

    /// Whether there is no cap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is a cap that does not depend on the clock.
    #[must_use]
    pub fn limits_spending(&self) -> bool {
        self.usd.is_some()
            || self.calls.is_some()
            || self.tokens.is_some()
            || self.proposals.is_some()
    }
}

/// Whose share of the budget a call is charged to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// The search, its shortlist included.
    #[default]
    Search,
    /// The confirmation on held-out rows.
    Hold,
}
