//! `race`: block by block against the incumbent, dropped when it is unlikely to be better.

use super::rows::{empty, unasked};
use crate::event::{Dropped, Event};
use crate::grammar::Misuse;
use crate::id::{CandidateIx, RowIx};
use crate::state::Status;
use crate::strategy::Plan;
use crate::strategy::search::{BLOCK, Evaluate, Search};

kind! {
    /// A paired Bayesian futility race against the incumbent's cached rows.
    "race": "Block by block against the incumbent, dropped when it is unlikely to be better.",
    Race {
        /// Rows of the first block; the race is judged after each block.
        block: usize = BLOCK => positive,
        /// Each further block is longer by this factor: a candidate that is still in the race is likely to
        /// stay, and long blocks take fewer rounds.
        grow: f64 = 2.0 => [1.0, 100.0],
        /// After this many children the next one starts a block further on in the common order; 0 =
        /// never. Rows on which the incumbent happens to be right would else judge every child.
        rotate_every: u32 = 1,
        /// Dropped when the probability of being better falls under this.
        below: f64 = 0.2 => share,
        /// Rows that a candidate is given before it may be dropped.
        min_rows: usize = BLOCK,
        /// Rows of dev that are used at first: large gains show on few rows. 0 = all from the start.
        first_rows: usize = 0,
        /// So many decided children in a row without a new incumbent say that what is left to gain
        /// is small: half as many rows again are used from then on.
        widen_after: u32 = 8,
    }
}

impl Evaluate for Race {
    fn check(&self) -> Result<(), Misuse> {
        if (1.0..=100.0).contains(&self.grow) {
            return Ok(());
        }
        Err(Misuse::of(&["grow"], "`grow` must lie in 1..=100"))
    }

    fn next(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Plan> {
        let state = search.state;
        let column = state.standing(candidate).dev();
        // The baseline has no opponent, so nothing is saved by small blocks.
        let mut block = self.block;
        if candidate != CandidateIx::BASELINE {
            if !column.is_quiet() {
                return None;
            }
            if let Some(why) = self.futile(search, candidate) {
                return Some(Plan::Decide(Event::CandidateDropped { candidate, why }));
            }
            block = self.grown(column.issued as usize);
        }
        let rows = self.quota(search);
        let from = self.start(rows, candidate);
        let rows = if self.first_rows > 0 {
            // Rows that were asked before a widening need not stand at the start of the order.
            let order = (0..rows).map(|place| RowIx((from + place) % rows));
            empty(state, candidate, order, block)
        } else {
            unasked(state, candidate, from, block)
        };
        Plan::on_dev(candidate, rows)
    }

    fn quota(&self, search: &Search<'_>) -> u32 {
        let state = search.state;
        match self.first_rows {
            0 => state.dev_rows,
            first => {
                let first = u32::try_from(first).unwrap_or(u32::MAX);
                first.max(state.memory.widening.rows_in_use()).min(state.dev_rows)
            }
        }
    }

    fn is_widened(&self) -> bool {
        self.first_rows > 0
    }

    /// More rows, when what is left to gain seems to be small; and the incumbent's answers to them.
    fn widen(&self, search: &Search<'_>) -> Option<Plan> {
        if !self.is_widened() {
            return None;
        }
        let (state, rows) = (search.state, self.quota(search));
        let incumbent = state.standing(state.incumbent);
        let column = incumbent.dev();
        if incumbent.status == Status::Finished && column.issued < rows {
            let missing = empty(state, state.incumbent, (0..rows).map(RowIx), self.block);
            return Plan::on_dev(state.incumbent, missing);
        }
        let widened_at = state.memory.widening.widened_at();
        let since = state.counts.decided_since_incumbent.saturating_sub(widened_at);
        let perfect = column.mean().is_some_and(|mean| mean >= 1.0 - 1e-9) && column.is_quiet();
        (rows < state.dev_rows && (since >= self.widen_after || perfect)).then(|| {
            let rows = (rows + rows.div_ceil(2)).min(state.dev_rows);
            Plan::Decide(Event::RowsWidened { rows })
        })
    }

    fn block(&self) -> usize {
        self.block
    }

    fn ignores_length(&self) -> bool {
        true
    }

    fn rows_per_child(&self, dev: u64, evidence: u64) -> [u64; 2] {
        let most = if self.first_rows == 0 { dev } else { dev.min(self.first_rows as u64) };
        [most.min(self.block as u64), evidence + most]
    }
}

impl Race {
    /// The length of the next block after this many rows: each is longer by a factor.
    fn grown(&self, asked: usize) -> usize {
        let (mut length, mut covered) = (self.block as f64, 0.0);
        while covered + 0.5 < asked as f64 && length < 1e9 {
            covered += length;
            length *= self.grow;
        }
        (length as usize).max(1)
    }

    /// Where a candidate starts in the order that all share. The incumbent has all rows, so a race
    /// against it is paired wherever it starts.
    fn start(&self, rows: u32, candidate: CandidateIx) -> u32 {
        if candidate == CandidateIx::BASELINE || self.rotate_every == 0 {
            return 0;
        }
        let turns = (candidate.0 - 1) / self.rotate_every;
        let block = u32::try_from(self.block).unwrap_or(u32::MAX);
        turns.wrapping_mul(block) % rows.max(1)
    }

    /// Futility (algorithm and prior: see `stats::posterior`): after each block, a candidate that is
    /// unlikely to be better than the incumbent is dropped. A candidate that is cheap enough only has to be as good.
    fn futile(&self, search: &Search<'_>, candidate: CandidateIx) -> Option<Dropped> {
        let pair = search.deciding_pair(candidate);
        if pair.n < self.min_rows {
            return None;
        }
        // One that keeps the goal's limits is better than an incumbent that does not, whatever its quality.
        if !search.keeps_limits(search.state.incumbent) && search.keeps_limits(candidate) {
            return None;
        }
        let margin = search.slots.accept.margin(search, candidate);
        let rows = u32::try_from(pair.n).unwrap_or(u32::MAX);
        let probability = search.probability(candidate, margin);
        (probability < self.below).then_some(Dropped::Futile { probability, rows })
    }
}
