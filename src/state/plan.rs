//! What is spent and set aside, as far as decisions know.

use super::candidate::Use;
use crate::budget::{Amount, Share};
use crate::task::model::ModelRole;
use crate::units::Tokens;
use std::collections::BTreeMap;

/// What the plan knows of money and tokens: folded facts, and reservations of what is not folded.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Folded cost of all attempts, by share; losses are in it.
    pub(super) spent: BTreeMap<Share, Amount>,
    /// Worst cases of issued, unfolded calls, by share.
    pub(super) reserved: BTreeMap<Share, Amount>,
    /// Logical calls issued, without cached ones, by share.
    pub(super) calls: BTreeMap<Share, u64>,
    /// Mutator calls issued.
    pub proposals: u64,
    /// The largest tokens-per-byte ratio folded, by role.
    pub(super) ratio: BTreeMap<ModelRole, f64>,
    /// Folded cost of answered calls by role: for means.
    pub(super) answered: BTreeMap<ModelRole, Use>,
    /// Bytes of their requests.
    pub(super) bytes: BTreeMap<ModelRole, u64>,
}

impl Plan {
    /// What a share has taken: folded and reserved.
    #[must_use]
    pub fn taken(&self, share: Share) -> Amount {
        self.spent.get(&share).copied().unwrap_or_default()
            + self.reserved.get(&share).copied().unwrap_or_default()
    }

    /// Logical calls issued of a share.
    #[must_use]
    pub fn calls(&self, share: Share) -> u64 {
        self.calls.get(&share).copied().unwrap_or_default()
    }

    /// Tokens for a request of so many bytes: bytes / 3 at first, later 1.1 × the largest ratio seen.
    #[must_use]
    pub fn prompt_tokens(&self, role: ModelRole, bytes: usize) -> Tokens {
        estimate_tokens(self.ratio.get(&role).copied(), bytes)
    }

    /// Bytes of the requests of folded answered calls.
    #[must_use]
    pub fn answered_bytes(&self, role: ModelRole) -> u64 {
        self.bytes.get(&role).copied().unwrap_or_default()
    }

    /// The largest tokens-per-byte ratio of a role's folded requests.
    #[must_use]
    pub fn largest_ratio(&self, role: ModelRole) -> Option<f64> {
        self.ratio.get(&role).copied()
    }

    /// Folded answered calls of a role.
    #[must_use]
    pub fn answered(&self, role: ModelRole) -> Use {
        self.answered.get(&role).copied().unwrap_or_default()
    }
}

/// Tokens for so many bytes at the largest tokens-per-byte ratio seen so far.
#[must_use]
pub fn estimate_tokens(largest_ratio: Option<f64>, bytes: usize) -> Tokens {
    let per_byte = largest_ratio.map_or(1.0 / 3.0, |ratio| 1.1 * ratio);
    // A few tokens stand for the frame that providers put around each message.
    Tokens((bytes as f64 * per_byte).ceil() as u64 + 16)
}
