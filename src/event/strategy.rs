//! What strategies count: rounds of a contest, generations, islands, and why a candidate was dropped.

use super::omit::is_default;
use crate::id::CandidateIx;
use serde::{Deserialize, Serialize};

/// A candidate that is copied to another island.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrant {
    /// Which.
    pub candidate: CandidateIx,
    /// Where to.
    pub island: u16,
}

/// What the children of a generation are bred from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// From 0: the number of generations that were bred and judged before it.
    pub number: u32,
    /// The population, in its order: by score, by place, or along a path.
    pub members: Vec<CandidateIx>,
    /// Rollouts of a tree search that began before it, this one included.
    #[serde(default, skip_serializing_if = "is_default")]
    pub iteration: u32,
}

/// Why a candidate was taken out of the race.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// It did not pass its gate.
    Gate {
        /// Its sum.
        sum: f64,
        /// What was asked for.
        needed: f64,
    },
    /// It was unlikely to be better.
    Futile {
        /// The probability of being better.
        probability: f64,
        /// After how many common rows.
        rows: u32,
    },
    /// It failed rows that must pass, and the incumbent fails none.
    MustPass {
        /// How often.
        failed: u32,
    },
    /// A round left it behind.
    Halved {
        /// The round.
        round: u32,
        /// Its mean.
        mean: f64,
    },
    /// Others were significantly better, and there were enough of them.
    Beaten {
        /// How many.
        by: u32,
        /// After how many common rows.
        rows: u32,
    },
    /// It did not reach what a stage asks for.
    Stage {
        /// Which, from 0.
        stage: u32,
        /// Its mean.
        mean: f64,
        /// What was asked for.
        needed: f64,
    },
    /// A model of the prompts' texts held it to be among the worse half.
    Predicted {
        /// What it was predicted to score.
        mean: f64,
    },
    /// Its parent had more children than are tried.
    Capped,
    /// A contest was over, and better ones were left.
    Outranked {
        /// Its mean.
        mean: f64,
    },
}

/// A round of a contest: candidates that get rows together and are judged together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// How many contests ended before this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub contest: u32,
    /// A bracket, a phase, a cluster: whatever the contest counts beside its rounds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: u32,
    /// From 0.
    pub round: u32,
    /// Pulls that each of them has had before it.
    pub first: u64,
    /// How many candidates the first round had.
    pub pool: u32,
    /// The candidates that take part.
    pub candidates: Vec<CandidateIx>,
    /// Rows for each of them in this round.
    pub pulls: u32,
    /// Rollouts that the whole contest may use, fixed when it began.
    pub budget: u64,
    /// Where not all of them get the same: the pulls that each had before, and those that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<(u64, u32)>,
}

impl Round {
    /// The numbers of the pulls that the candidate at a place gets.
    #[must_use]
    pub fn range(&self, place: usize) -> std::ops::Range<u64> {
        let (first, pulls) = self.each.get(place).copied().unwrap_or((self.first, self.pulls));
        first..first + u64::from(pulls)
    }
}
