//! One run seed, and a child seed for every named decision.
//!
//! Randomness is counter-based: a draw depends only on the run's seed and the decision's name and
//! number, never on earlier draws, so neither concurrency nor a resume can change it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// A random seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The child seed of the decision `name` with this number.
    #[must_use]
    pub fn child(self, name: &str, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        hasher.update(&number.to_le_bytes());
        hasher.update(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self(u64::from_le_bytes(first))
    }

    /// A random number generator for this decision.
    #[must_use]
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn children_depend_on_name_and_number_only() {
        let seed = Seed(1);
        assert_eq!(seed.child("parent", 3), seed.child("parent", 3));
        assert_ne!(seed.child("parent", 3), seed.child("parent", 4));
        assert_ne!(seed.child("parent", 3), seed.child("rows", 3));
        assert_ne!(seed.child("a", 0), Seed(2).child("a", 0));
        let draws: (u64, u64) = (seed.rng().random(), seed.rng().random());
        assert_eq!(draws.0, draws.1);
    }
}
