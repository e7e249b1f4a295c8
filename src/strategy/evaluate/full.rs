//! `full`: all of dev.

use super::rows::{subset, unasked};
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search};

kind! {
    /// All of dev, block by block.
    "full": "All of dev.",
    Full {
        /// Rows that are issued together.
        block: usize = BLOCK => positive,
        /// Only this many rows of dev; 0 = all.
        subset: usize = 0,
        /// Other rows for each candidate, drawn anew, instead of the same for all.
        resample: bool = false,
    }
}

impl Evaluate for Full {
    /// A subset of its own for each candidate, or the first rows of dev, whose order is random.
    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let state = search.state;
        let rows = if self.subset > 0 {
            let seed = search.setting.seed;
            let own = self.resample.then(|| seed.child("subset", u64::from(candidate.0)));
            let asked = state.standing(candidate).dev().issued;
            let left = self.quota(search).saturating_sub(asked) as usize;
            subset(state, candidate, own, left.min(self.block))
        } else {
            unasked(state, candidate, 0, self.block)
        };
        Plan::on_dev(candidate, rows)
    }

    fn quota(&self, search: &Search<'_>) -> u32 {
        match self.subset {
            0 => search.state.dev_rows,
            subset => u32::try_from(subset).unwrap_or(u32::MAX).min(search.state.dev_rows),
        }
    }

    fn block(&self) -> usize {
        self.block
    }

    fn rows_per_child(&self, dev: u64, evidence: u64) -> [u64; 2] {
        match self.subset {
            0 => [evidence + dev; 2],
            subset => [dev.min(subset as u64); 2],
        }
    }
}
