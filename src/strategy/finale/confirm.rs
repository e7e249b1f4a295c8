//! `confirm`: a shortlist by shrunken estimates, each tried once more on all of dev.

use super::chance::{chance, of_bounds};
use super::shrinkage::{contenders, differences, shrink};
use crate::event::Event;
use crate::id::CandidateIx;
use crate::ledger::Finale;
use crate::stats::Posterior;
use crate::strategy::Plan;
use crate::strategy::search::{Final, Search};
use crate::task::goal::Aim;
use std::cmp::Ordering;
use std::ops::RangeInclusive;

kind! {
    /// The best few by shrunken estimates get fresh answers on all of dev; old and new count 1:2.
    "confirm": "A shortlist by shrunken estimates, each tried once more on all of dev.",
    Confirm {
        /// How many, where the budget allows.
        shortlist: usize = 5,
        /// Fresh answers per row.
        replicate: u16 = 1,
        /// The largest share of a cap that the shortlist may take.
        share: f64 = 0.08 => share,
        /// A tie, which the cheaper prompt wins: its gain as measured and as estimated is lower by at most this.
        /// Estimates of few rows are all near each other, and say nothing alone.
        tie: f64 = 0.005 => share,
        /// The predicted chance of being confirmed that a prompt needs: for a goal on cost in all it says, of which the
        /// cheapest wins; for another one in its bounds, of which the best wins.
        chance: f64 = 0.8 => share,
    }
}

impl Final for Confirm {
    fn next(&self, search: &Search<'_>) -> Vec<Plan> {
        let state = search.state;
        let all: Vec<CandidateIx> = contenders(state).collect();
        let gains = shrink(state, &all);
        if state.shortlist.is_empty() {
            let mut listed: Vec<(CandidateIx, Posterior)> = gains
                .iter()
                .copied()
                .filter(|(candidate, gain)| is_allowed(search, *candidate, *gain))
                .collect();
            listed.sort_by(|a, b| self.order(search, b, a));
            let rollouts = (search.remaining.total_rollouts as f64 * self.share) as u64;
            let each = u64::from(state.dev_rows) * u64::from(self.replicate);
            let affordable = rollouts.min(search.remaining.rollouts).checked_div(each).unwrap_or(0);
            listed.truncate(self.shortlist.min(usize::try_from(affordable).unwrap_or(usize::MAX)));
            // A shortlist of one needs no comparison.
            if listed.len() >= 2 && self.replicate > 0 {
                let candidates = listed.into_iter().map(|(candidate, _)| candidate).collect();
                return vec![Plan::Decide(Event::ShortlistChosen { candidates })];
            }
            return vec![self.win_by_gain(search, &gains)];
        }
        let mut plans = search.shortlist_rows();
        // Offered last, so it is taken when nothing of the above fits any more.
        let listed: Vec<(CandidateIx, Posterior)> = gains
            .into_iter()
            .filter(|(candidate, _)| state.shortlist.contains(candidate))
            .collect();
        plans.push(self.win_by_gain(search, &listed));
        plans
    }

    fn replicates(&self) -> Option<RangeInclusive<u16>> {
        Some(1..=self.replicate)
    }

    /// Two that are told apart are the least; what is too little for them is better searched with.
    fn kept(&self, dev_rows: u32) -> Finale {
        let each = u64::from(dev_rows) * u64::from(self.replicate);
        let most = each.saturating_mul(self.shortlist as u64);
        Finale { share: self.share, least: 2 * each, most }
    }
}

impl Confirm {
    /// The best shrunken gain above the baseline of those that are likely to keep the goal's bounds, and within a tie the cheaper
    /// prompt; for a goal on cost the cheapest prompt that is likely to be confirmed.
    fn win_by_gain(&self, search: &Search<'_>, gains: &[(CandidateIx, Posterior)]) -> Plan {
        let (state, goal) = (search.state, search.goal);
        let measured = |candidate| differences(state, candidate).mean().unwrap_or(0.0);
        let unchanged = (CandidateIx::BASELINE, Posterior { mean: 0.0, variance: 0.0 });
        let allowed: Vec<(CandidateIx, Posterior)> = gains
            .iter()
            .copied()
            .chain([unchanged])
            .filter(|(candidate, gain)| is_allowed(search, *candidate, *gain))
            .collect();
        let best = allowed.iter().max_by(|a, b| self.order(search, a, b).then(b.0.cmp(&a.0)));
        let Some(best) = best.copied() else {
            return Plan::Win { candidate: CandidateIx::BASELINE, shrunken_dev: None };
        };
        let winner = match goal.aim {
            Aim::Least { .. } => best,
            // A tie with the baseline is no gain: it is the cheapest only if it really is.
            Aim::MaxQuality { .. } => allowed
                .iter()
                .copied()
                .filter(|(_, gain)| gain.mean >= best.1.mean - self.tie)
                .filter(|(candidate, _)| measured(*candidate) >= measured(best.0) - self.tie)
                .filter(|(candidate, _)| {
                    self.is_likely(search, *candidate) || !self.is_likely(search, best.0)
                })
                .min_by(|a, b| cost(search, a.0).total_cmp(&cost(search, b.0)).then(a.0.cmp(&b.0)))
                .unwrap_or(best),
        };
        let shrunken_dev = (winner.0 != CandidateIx::BASELINE).then_some(winner.1.mean);
        Plan::Win { candidate: winner.0, shrunken_dev }
    }

    /// Which of two serves the goal better; the greater one is better.
    fn order(
        &self,
        search: &Search<'_>,
        (a, of_a): &(CandidateIx, Posterior),
        (b, of_b): &(CandidateIx, Posterior),
    ) -> Ordering {
        match search.goal.aim {
            // What is no better than the baseline shows nothing, whatever bounds it keeps.
            Aim::MaxQuality { .. } => {
                let of = |candidate: CandidateIx, gain: Posterior| {
                    let is_better = gain.mean > 0.0;
                    let is_likely = !is_better || self.is_likely(search, candidate);
                    let chance = if is_likely { 1.0 } else { of_bounds(search, candidate) };
                    (is_better, is_likely, chance)
                };
                let (a, b) = (of(*a, *of_a), of(*b, *of_b));
                let by_bounds = (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2));
                by_bounds.then(of_a.mean.total_cmp(&of_b.mean))
            }
            // The baseline as a winner shows nothing, nor does one that costs as much: these come last.
            Aim::Least { .. } => {
                let of = |candidate: CandidateIx, gain: Posterior| {
                    let is_changed = cost(search, candidate) != cost(search, CandidateIx::BASELINE);
                    let chance = chance(search, candidate, gain);
                    let is_likely = chance >= self.chance;
                    // Of those that are likely to be confirmed the cheapest, else the likeliest.
                    let rank = if is_likely { -cost(search, candidate) } else { chance };
                    (is_changed, is_likely, rank)
                };
                let (a, b) = (of(*a, *of_a), of(*b, *of_b));
                (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
            }
        }
    }
}

impl Confirm {
    /// Whether held-out rows are likely to show the goal's bounds of a candidate.
    fn is_likely(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        of_bounds(search, candidate) >= self.chance
    }
}

/// Whether a candidate whose gain is believed to be this serves the goal.
fn is_allowed(search: &Search<'_>, candidate: CandidateIx, gain: Posterior) -> bool {
    let baseline = search.state.baseline().dev().mean().unwrap_or(0.0);
    search.is_allowed(candidate, baseline + gain.mean, baseline)
}

/// What the goal asks to be least: what 1,000 calls of a candidate cost, where it names nothing else.
fn cost(search: &Search<'_>, candidate: CandidateIx) -> f64 {
    search.cost(candidate).unwrap_or(f64::MAX)
}
