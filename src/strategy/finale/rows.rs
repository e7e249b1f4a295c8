//! The rows that a shortlist is tried on once more.

use crate::id::RowIx;
use crate::state::Cell;
use crate::strategy::Plan;
use crate::strategy::search::Search;
use crate::task::example::Split;

impl Search<'_> {
    /// Blocks of the shortlist, which may be out at the same time.
    pub(in crate::strategy) fn shortlist_rows(&self) -> Vec<Plan> {
        let state = self.state;
        let Some(replicates) = self.slots.finale.replicates() else { return Vec::new() };
        let block = self.slots.evaluate.block();
        let mut plans = Vec::new();
        // Block by block over all of them: where the budget ends early, all have had the same rows.
        for replicate in replicates {
            for from in (0..state.dev_rows).step_by(block.max(1)) {
                let to = (from + u32::try_from(block).unwrap_or(u32::MAX)).min(state.dev_rows);
                for &candidate in &state.shortlist {
                    let column = state.standing(candidate).column(Split::Dev, replicate);
                    let mut rows: Vec<RowIx> = (from..to).map(RowIx).collect();
                    rows.retain(|row| column.cell(*row) == Cell::Empty);
                    if !rows.is_empty() {
                        plans.push(Plan::Evaluate {
                            candidate,
                            split: Split::Dev,
                            replicate,
                            rows,
                        });
                    }
                }
            }
        }
        plans
    }
}
