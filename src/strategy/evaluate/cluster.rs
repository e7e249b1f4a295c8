//! `cluster`: clusters of like prompts first, then the best clusters' members (TRIPLE-CLST,
//! arXiv:2402.09723, section 5.1): groups by k-means over the prompts' features; rows go to random members
//! of each group (one of them to the baseline), the better half of the groups stays, and sequential
//! halving goes on among their members.

use super::sequential_halving as halving;
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::stats::cluster::imbalance;
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds};
use crate::vector::ComparedText;
use rand::Rng;
use std::sync::Arc;

kind! {
    /// Sequential halving over clusters of like prompts, then over the members of the best clusters
    /// (TRIPLE-CLST; arXiv:2402.09723, section 5.1).
    "cluster": "Together: clusters of like prompts first, then the best clusters' members.",
    Cluster {
        /// Clusters; 0 = ⌈√K⌉.
        clusters: usize = 0,
        /// The share of the budget that goes to the clusters; 0 = 5 rows for each, less where their
        /// sizes differ.
        share: f64 = 0.0 => share,
        /// Dimensions of the prompts' features.
        features: usize = 64 => [1.0, 4096.0],
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

impl Evaluate for Cluster {
    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn compares(&self) -> Option<ComparedText> {
        Some(ComparedText::WithoutDemos)
    }

    fn rows_per_child(&self, _: u64, _: u64) -> [u64; 2] {
        [0, 0]
    }
}

impl Rounds for Cluster {
    fn pulls(&self) -> Pulls {
        Pulls::paired(self.paired)
    }

    /// The first phase: each cluster gets the same number of pulls, each of a random member.
    fn start(&self, contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
        let budget = contest.search.remaining.rollouts;
        let groups = groups(self, contest, &candidates);
        let sizes = sizes(&groups);
        let each = first_phase(self, budget, &sizes) / sizes.len().max(1) as u64;
        let pulls = u32::try_from(each).unwrap_or(u32::MAX).max(1);
        let mut counts = vec![0_u32; candidates.len()];
        for group in 0..sizes.len() {
            let members: Vec<usize> =
                (0..groups.len()).filter(|place| groups[*place] == group).collect();
            let mut rng = contest.seed.child("members", group as u64).rng();
            // The baseline is what others are compared with: it gets a row at least.
            let seed =
                members.iter().copied().find(|place| candidates[*place] == CandidateIx::BASELINE);
            for pull in 0..pulls {
                let drawn = members[rng.random_range(0..members.len())];
                counts[seed.filter(|_| pull == 0).unwrap_or(drawn)] += 1;
            }
        }
        let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let each = candidates
            .iter()
            .zip(counts)
            .map(|(candidate, count)| (contest.pulled(*candidate), count))
            .collect();
        Event::RoundStarted(Round { pool, candidates, pulls, budget, each, ..contest.round() })
    }

    /// All pulls of the round are in.
    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event {
        let keep = 0.5;
        if round.group > 0 {
            let ranked = contest.ranked(&round.candidates, |candidate| contest.fitness(candidate));
            return halving::next(contest, round, &ranked, keep);
        }
        let groups = groups(self, contest, &round.candidates);
        let sizes = sizes(&groups);
        let means: Vec<f64> = (0..sizes.len())
            .map(|group| {
                let members = round.candidates.iter().zip(groups.iter());
                let answers =
                    members.filter(|(_, of)| **of == group).map(|(c, _)| contest.answers(*c));
                let (scored, sum) =
                    answers.fold((0.0, 0.0), |all, of| (all.0 + of.0, all.1 + of.1));
                if scored > 0.0 { sum / scored } else { 0.0 }
            })
            .collect();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|a, b| means[*b].total_cmp(&means[*a]).then(a.cmp(b)));
        let kept = &order[..order.len().div_ceil(2)];
        let is_kept = |place: usize| kept.contains(&groups[place]);
        for (place, candidate) in round.candidates.iter().enumerate() {
            if !is_kept(place) && !contest.is_dropped(*candidate) {
                let why = Dropped::Halved { round: 0, mean: means[groups[place]] };
                return Event::CandidateDropped { candidate: *candidate, why };
            }
        }
        let members: Vec<CandidateIx> = (0..round.candidates.len())
            .filter(|place| is_kept(*place))
            .map(|place| round.candidates[place])
            .collect();
        let spent = u64::from(round.pulls) * sizes.len() as u64;
        halving::among(contest, members, round.budget.saturating_sub(spent), 1)
    }
}

/// Pulls for each cluster, less where they are unequal, when no share of the budget is named: the
/// authors' own setting.
const PULLS: f64 = 5.0;

/// The cluster of each candidate.
fn groups(kind: &Cluster, contest: &Contest<'_>, candidates: &[CandidateIx]) -> Arc<Vec<usize>> {
    let count = match kind.clusters {
        0 => (candidates.len() as f64).sqrt().ceil() as usize,
        count => count,
    };
    let seed = contest.seed.child("clusters", 0);
    let state = contest.search.state;
    state.memory.text_models.clusters(
        (state, &state.memory.texts),
        candidates,
        (count, kind.features),
        seed,
    )
}

fn sizes(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; groups.iter().max().map_or(0, |most| most + 1)];
    groups.iter().for_each(|group| sizes[*group] += 1);
    sizes
}

/// Rows for the first phase: 5·C·(1 − KL), where KL is the divergence of the clusters' sizes from
/// equal ones, or a share of the budget.
fn first_phase(kind: &Cluster, budget: u64, sizes: &[usize]) -> u64 {
    let rows = if kind.share > 0.0 {
        kind.share * budget as f64
    } else {
        PULLS * sizes.len() as f64 * (1.0 - imbalance(sizes))
    };
    (rows.max(0.0) as u64).min(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_phase_is_five_rows_a_cluster_less_where_sizes_differ() {
        let kind = Cluster::default();
        assert_eq!(first_phase(&kind, 1_000, &[4, 4, 4]), 15);
        // KL = ¾ ln 1.5 + ¼ ln 0.5 = 0.1308: 10 · 0.8692.
        assert_eq!(first_phase(&kind, 1_000, &[3, 1]), 8);
        assert_eq!(first_phase(&kind, 12, &[4, 4, 4]), 12);
        let third = Cluster { share: 0.34, ..kind };
        assert_eq!(first_phase(&third, 1_000, &[3, 1]), 340);
    }
}
