//! `shortlist`: the best few are tried once more, and the fresh answers decide.

use super::argmax::{Among, argmax};
use super::shrinkage::win;
use crate::event::Event;
use crate::id::CandidateIx;
use crate::ledger::Finale;
use crate::strategy::Plan;
use crate::strategy::search::{Final, Search};
use crate::task::example::Split;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The replicate of a shortlist's fresh answers: none that a search asks for.
const FRESH: u16 = 1_000;

kind! {
    /// The best few by their means are tried once more on all of dev; the fresh mean decides.
    "shortlist": "The best few are tried once more, and the fresh answers decide.",
    Shortlist {
        /// How many.
        top: usize = 3 => [1.0, 1_000_000.0],
        /// Of whom.
        of: ShortlistOf = ShortlistOf::All,
        /// The largest share of a cap that is kept for it; where that is not enough, it is shorter.
        share: f64 = 0.2 => share,
    }
}

choice! {
    /// Who may be on a shortlist.
    ShortlistOf {
        /// All that were judged: the best by their means.
        All = "all",
        /// The baseline and the best child of each generation, spread evenly over the run.
        Winners = "winners",
    }
}

impl Final for Shortlist {
    /// The fresh mean decides, the earlier one of equals.
    fn next(&self, search: &Search<'_>) -> Vec<Plan> {
        let state = search.state;
        if state.shortlist.is_empty() {
            let rollouts = search.remaining.rollouts;
            let affordable = rollouts.checked_div(u64::from(state.dev_rows)).unwrap_or(0);
            let top = self.top.min(usize::try_from(affordable).unwrap_or(usize::MAX));
            let mut listed = match self.of {
                ShortlistOf::All => search.ranked(),
                ShortlistOf::Winners => spread(&winners(search), top),
            };
            listed.truncate(top);
            if listed.len() >= 2 {
                return vec![Plan::Decide(Event::ShortlistChosen { candidates: listed })];
            }
            return vec![win(state, argmax(search, Among::Finished))];
        }
        let mut plans = search.shortlist_rows();
        let fresh = |candidate| state.standing(candidate).column(Split::Dev, FRESH).mean();
        let best = search.best_by_goal(state.shortlist.iter().copied(), fresh);
        plans.push(win(state, best.unwrap_or(CandidateIx::BASELINE)));
        plans
    }

    /// Recipes may ask for replicates while they search, so that a fresh one is the one after.
    fn replicates(&self) -> Option<RangeInclusive<u16>> {
        Some(FRESH..=FRESH)
    }

    fn kept(&self, dev_rows: u32) -> Finale {
        let most = (self.top as u64).saturating_mul(u64::from(dev_rows));
        Finale { share: self.share, least: 0, most }
    }
}

/// The baseline and the best child of each generation, in their order.
fn winners(search: &Search<'_>) -> Vec<CandidateIx> {
    let mut best: BTreeMap<u32, CandidateIx> = BTreeMap::new();
    for candidate in search.ranked() {
        let generation = search.state.memory.births.of(candidate).generation;
        best.entry(generation).or_insert(candidate);
    }
    best.into_values().collect()
}

/// At most `most` of them, from the first to the last in even steps: numbers round(i·M / (N − 1)) of M
/// + 1 (SIMBA's last stage).
fn spread(winners: &[CandidateIx], most: usize) -> Vec<CandidateIx> {
    let Some(last) = winners.len().checked_sub(1).filter(|_| most > 1) else {
        return winners.iter().copied().take(most).collect();
    };
    let mut listed: Vec<CandidateIx> = Vec::new();
    for step in 0..most {
        let place = (step as f64 * last as f64 / (most - 1) as f64).round_ties_even();
        let winner = winners[place as usize];
        if listed.last() != Some(&winner) {
            listed.push(winner);
        }
    }
    listed
}
