//! `contrary`: in pairs that answer differently.

use crate::id::CandidateIx;
use crate::operator::Parents;
use crate::strategy::search::{Pool, Search, Select};

kind! {
    /// Members in pairs, `schedule.children` times each: the best with the one whose scores differ most
    /// from its own, row by row, then the best of the others, and so on (PhaseEvo; arXiv:2402.11347,
    /// section 3: similarity by performance vectors).
    "contrary": "In pairs that answer differently.",
    Contrary {}
}

impl Select for Contrary {
    fn parents(&self, search: &Search<'_>, pool: &Pool<'_>) -> Option<Parents> {
        let children = search.slots.schedule.children()?;
        let pair = *pairs(search, pool.members).get(pool.index / children.max(1))?;
        let candidates = pair.into_iter().take(pool.count).collect();
        Some(Parents { candidates, place: None })
    }

    fn needs_generations(&self) -> bool {
        true
    }

    fn always_gives(&self) -> Option<usize> {
        Some(2)
    }

    fn per_generation(&self, children: usize, members: usize) -> usize {
        members / 2 * children
    }
}

/// The best with the one whose scores differ most from its own, the best of the others with the most
/// different of the others, and so on.
pub(super) fn pairs(search: &Search<'_>, pool: &[CandidateIx]) -> Vec<[CandidateIx; 2]> {
    let mut left = search.rank(pool.iter().copied());
    let mut pairs = Vec::new();
    while left.len() > 1 {
        let best = left.remove(0);
        let apart = |place: &usize| search.state.distance(best, left[*place]);
        let farthest = (0..left.len())
            .reduce(|a, b| if apart(&b) > apart(&a) + 1e-12 { b } else { a })
            .unwrap_or(0);
        pairs.push([best, left.remove(farthest)]);
    }
    pairs
}
