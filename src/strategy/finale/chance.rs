//! The chance that held-out rows will show what the goal says of a candidate's quality, predicted from dev.
//!
//! For a goal that asks for the cheapest prompt: the one at the edge of what is allowed is hardly ever confirmed.

use super::shrinkage::differences;
use crate::id::CandidateIx;
use crate::stats::{Posterior, chance_of_showing};
use crate::strategy::search::Search;
use crate::task::goal::Claim;

/// The chance in [0, 1] for a candidate whose gain over the baseline is believed to be this.
pub(super) fn chance(search: &Search<'_>, candidate: CandidateIx, gain: Posterior) -> f64 {
    let state = search.state;
    let baseline = state.baseline().dev().mean().unwrap_or(0.0);
    let of_differences = differences(state, candidate).variance().unwrap_or(1.0);
    let Some(claim) = search.goal.claims().into_iter().next() else { return 1.0 };
    let (mean, asked, of_a_row) = match claim {
        Claim::NotWorse { margin } => (gain.mean, -margin, of_differences),
        Claim::QualityAtLeast { quality } => {
            let level = (baseline + gain.mean).clamp(0.0, 1.0);
            (level, quality, level * (1.0 - level))
        }
        Claim::Better | Claim::Cheaper | Claim::CostAtMost { .. } | Claim::Bound(_) => {
            (gain.mean, 0.0, of_differences)
        }
    };
    let believed = Posterior { mean, ..gain };
    chance_of_showing(believed, asked, of_a_row, search.remaining.hold_rows)
}
