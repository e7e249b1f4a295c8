//! The next rows of dev for a candidate, and whether its gate is passed: what kinds that try candidates
//! one by one share.

use crate::event::{Dropped, Event};
use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::seed::Seed;
use crate::state::Cell;
use crate::strategy::Plan;
use crate::strategy::search::Search;
use crate::task::example::Split;
use rand::seq::SliceRandom;

/// The first of some rows that a candidate was not asked.
pub(super) fn empty(
    state: &State,
    candidate: CandidateIx,
    order: impl IntoIterator<Item = RowIx>,
    most: usize,
) -> Vec<RowIx> {
    let column = state.standing(candidate).dev();
    order.into_iter().filter(|row| column.cell(*row) == Cell::Empty).take(most).collect()
}

/// The next rows of a subset: in the order of dev, or in a random one.
pub(super) fn subset(
    state: &State,
    candidate: CandidateIx,
    own: Option<Seed>,
    most: usize,
) -> Vec<RowIx> {
    let mut order: Vec<RowIx> = (0..state.dev_rows).map(RowIx).collect();
    if let Some(seed) = own {
        order.shuffle(&mut seed.rng());
    }
    empty(state, candidate, order, most)
}

/// The next rows of dev, from a place on in the order that all candidates share.
pub(super) fn unasked(
    state: &State,
    candidate: CandidateIx,
    from: u32,
    block: usize,
) -> Vec<RowIx> {
    let standing = state.standing(candidate);
    // Rows asked so far stand at the start of the candidate's order, but for those of a gate.
    let gate = standing.gate.as_ref().filter(|gate| gate.split == Split::Dev);
    let gated = gate.map_or(0, |gate| u32::try_from(gate.rows.len()).unwrap_or(0));
    let asked = standing.dev().issued.saturating_sub(gated);
    let order = (asked..state.dev_rows).map(|place| RowIx((from + place) % state.dev_rows));
    empty(state, candidate, order, block)
}

/// How a candidate stands at its gate.
pub(in crate::strategy) enum GateState {
    /// It has none, or has passed it.
    Passed,
    /// Its rows are out.
    Waiting,
    /// It needs this.
    Next(Box<Plan>),
}

impl Search<'_> {
    /// Whether a candidate has passed its gate, and what comes next where it has not.
    pub(in crate::strategy) fn gate(&self, candidate: CandidateIx) -> GateState {
        let standing = self.state.standing(candidate);
        let Some(gate) = &standing.gate else { return GateState::Passed };
        let column = standing.column(gate.split, 0);
        let unasked: Vec<RowIx> =
            gate.rows.iter().copied().filter(|row| column.cell(*row) == Cell::Empty).collect();
        if !unasked.is_empty() {
            let split = gate.split;
            let rows = unasked;
            let plan = Plan::Evaluate { candidate, split, replicate: 0, rows };
            return GateState::Next(Box::new(plan));
        }
        if gate.rows.iter().any(|row| column.cell(*row) == Cell::Issued) {
            return GateState::Waiting;
        }
        let (mut sum, mut needed) = (0.0, 0.0);
        for (row, against) in gate.rows.iter().zip(&gate.against) {
            if let Some(score) = column.cell(*row).score() {
                let weight = self.state.weights.of(gate.split, *row);
                sum += weight * score;
                needed += weight * against;
            }
        }
        // Scores are sums of fractions: what differs by rounding alone is equal.
        let passed = if gate.inclusive { sum >= needed - 1e-6 } else { sum > needed + 1e-6 };
        if passed {
            return GateState::Passed;
        }
        let why = Dropped::Gate { sum, needed };
        GateState::Next(Box::new(Plan::Decide(Event::CandidateDropped { candidate, why })))
    }
}
