//! Shrunken gains over the baseline, and the winner with its own.

use crate::id::{CandidateIx, RowIx};
use crate::memory::State;
use crate::stats::{Paired, Posterior, shrunken};
use crate::strategy::Plan;
use crate::task::example::Split;

/// Names the winner.
pub(super) fn win(state: &State, candidate: CandidateIx) -> Plan {
    let shrunken_dev = (candidate != CandidateIx::BASELINE).then(|| {
        let finished: Vec<CandidateIx> = contenders(state).collect();
        let estimates = shrink(state, &finished);
        let place = finished.iter().position(|other| *other == candidate);
        place.and_then(|place| estimates.get(place)).map(|(_, gain)| gain.mean)
    });
    Plan::Win { candidate, shrunken_dev: shrunken_dev.flatten() }
}

/// Children with enough rows to be chosen.
pub(super) fn contenders(state: &State) -> impl Iterator<Item = CandidateIx> + '_ {
    state
        .memory
        .fronts
        .finished()
        .iter()
        .copied()
        .filter(|candidate| *candidate != CandidateIx::BASELINE)
        .filter(|candidate| !state.standing(*candidate).misses_too_much())
}

/// Differences from the baseline on dev. Where a row has fresh answers, old and new count 1:2, because
/// the old ones took part in choosing the candidate. Each is multiplied by the weight of its row.
pub(super) fn differences(state: &State, candidate: CandidateIx) -> Paired {
    let standing = state.standing(candidate);
    let baseline = state.baseline().dev();
    let fresh: Vec<_> =
        standing.replicates(Split::Dev).filter(|(replicate, _)| *replicate > 0).collect();
    (0..state.dev_rows)
        .map(RowIx)
        .filter_map(|row| {
            let old = standing.dev().cell(row).score()?;
            let new: Vec<f64> =
                fresh.iter().filter_map(|(_, column)| column.cell(row).score()).collect();
            let score = if new.is_empty() {
                old
            } else {
                (old + 2.0 * new.iter().sum::<f64>() / new.len() as f64) / 3.0
            };
            let difference = score - baseline.cell(row).score()?;
            Some(state.weights.of(Split::Dev, row) * difference)
        })
        .collect()
}

/// Shrunken gains over the baseline of all these candidates together.
pub(super) fn shrink(state: &State, candidates: &[CandidateIx]) -> Vec<(CandidateIx, Posterior)> {
    let raw: Vec<(f64, f64)> = candidates
        .iter()
        .map(|candidate| {
            let pair = differences(state, *candidate);
            (pair.mean().unwrap_or(0.0), pair.sampling_variance())
        })
        .collect();
    candidates.iter().copied().zip(shrunken(&raw)).collect()
}
