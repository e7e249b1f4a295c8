//! `archive_or_incumbent`: only with evidence, or where it is as good and cheaper.

use crate::event::Event;
use crate::id::CandidateIx;
use crate::strategy::Plan;
use crate::strategy::search::{Accept, Search};
use crate::task::goal::{Aim, Least};

kind! {
    /// Replaces the incumbent when it is likely better, or not worse and cheaper.
    "archive_or_incumbent": "Only with evidence, or where it is as good and cheaper.",
    WithEvidence {
        /// The probability of being better that is asked for.
        posterior: f64 = 0.8 => share,
        /// A candidate that is not worse must save this share of the deployed cost.
        or_cheaper: f64 = 0.2 => share,
        /// How much worse still counts as not worse.
        margin: f64 = 0.01 => share,
    }
}

impl Accept for WithEvidence {
    /// Likely better; or not worse, and cheaper. A candidate becomes the incumbent at most once, so this ends.
    fn change(&self, search: &Search<'_>) -> Option<Plan> {
        let (state, goal) = (search.state, search.goal);
        let cost = |candidate: CandidateIx| search.cost(candidate);
        let incumbent_cost = cost(state.incumbent)?;
        let baseline = state.baseline().dev().mean()?;
        let allowed = |candidate: CandidateIx| {
            let quality = state.standing(candidate).dev().mean();
            let known = quality.filter(|_| cost(candidate).is_some());
            known.is_some_and(|quality| search.is_allowed(candidate, quality, baseline))
        };
        let incumbent_allowed = allowed(state.incumbent);
        let seeks_floor = search.seeks_quality() && matches!(goal.aim, Aim::Least { .. });
        let mut best: Option<((bool, f64), CandidateIx, String)> = None;
        for &candidate in state.memory.fronts.finished() {
            let was = state.incumbents.iter().any(|(earlier, _)| *earlier == candidate);
            let is_allowed = allowed(candidate);
            if was
                || state.standing(candidate).misses_too_much()
                || !(is_allowed || seeks_floor && search.keeps_limits(candidate))
            {
                continue;
            }
            let Some(cost) = cost(candidate) else {
                continue;
            };
            let rows = state.memory.pairs.against_incumbent(candidate).n;
            let better = search.probability(candidate, 0.0);
            let not_worse = search.probability(candidate, self.margin);
            let cheaper = self.saves_enough(search, candidate);
            let why = match goal.aim {
                Aim::MaxQuality { .. } if better >= self.posterior => {
                    format!("P(better) = {better:.2} over {rows} common rows")
                }
                Aim::MaxQuality { .. } if cheaper && not_worse >= self.posterior => {
                    format!(
                        "P(not worse) = {not_worse:.2}, at {cost:.4} USD per 1,000 calls instead of {incumbent_cost:.4}"
                    )
                }
                Aim::Least { .. } if seeks_floor && !is_allowed => {
                    if better < self.posterior {
                        continue;
                    }
                    format!(
                        "P(better) = {better:.2} over {rows} common rows; none is good enough yet"
                    )
                }
                Aim::Least { of: Least::UsdPer1k, .. }
                    if better >= self.posterior && cost < incumbent_cost =>
                {
                    format!(
                        "P(good enough) = {better:.2}, at {cost:.4} USD per 1,000 calls instead of {incumbent_cost:.4}"
                    )
                }
                Aim::Least { of: Least::Measure(least), .. }
                    if better >= self.posterior && cost < incumbent_cost =>
                {
                    let (cost, incumbent_cost) = (least.shown(cost), least.shown(incumbent_cost));
                    format!(
                        "P(good enough) = {better:.2}, at {least} {cost} instead of {incumbent_cost}"
                    )
                }
                // A candidate that keeps the constraint is better than an incumbent that does not.
                _ if !incumbent_allowed => format!("keeps the goal's constraint ({goal})"),
                _ => continue,
            };
            let rank = match goal.aim {
                Aim::Least { .. } if is_allowed => (true, -cost),
                _ => (is_allowed, better),
            };
            if best.as_ref().is_none_or(|(highest, ..)| rank > *highest) {
                best = Some((rank, candidate, why));
            }
        }
        best.map(|(_, candidate, why)| Plan::Decide(Event::IncumbentChanged { candidate, why }))
    }

    fn margin(&self, search: &Search<'_>, candidate: CandidateIx) -> f64 {
        if self.saves_enough(search, candidate) { self.margin } else { 0.0 }
    }
}

impl WithEvidence {
    /// Whether a candidate's calls cost so much less than the incumbent's that it need not be better.
    fn saves_enough(&self, search: &Search<'_>, candidate: CandidateIx) -> bool {
        let cost = |candidate: CandidateIx| search.cost(candidate);
        match (cost(candidate), cost(search.state.incumbent)) {
            (Some(mine), Some(theirs)) => mine <= theirs * (1.0 - self.or_cheaper),
            _ => false,
        }
    }
}
