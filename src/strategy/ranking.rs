//! What candidates are ranked by, and which of them take part.

use super::search::Search;
use super::space::Space;
use crate::event::Dropped;
use crate::id::CandidateIx;
use crate::state::Status;
use crate::task::bound::Threshold;
use crate::task::example::Split;
use crate::task::goal::{Aim, QualityAndCost};
use crate::task::measure::Measure;

impl Search<'_> {
    /// What a candidate is ranked by: its mean over all its answers to dev, by the weights of their rows, less what its length
    /// costs. `None` without an answer.
    #[must_use]
    pub fn fitness(&self, candidate: CandidateIx) -> Option<f64> {
        let (mut sum, mut weight, mut scored) = (0.0, 0.0, 0_u32);
        for (_, column) in self.state.standing(candidate).replicates(Split::Dev) {
            sum += column.sum;
            weight += column.weight;
            scored += column.scored;
        }
        let mean = (scored > 0).then(|| sum / weight)?;
        Some(mean - self.length_penalty(candidate))
    }

    /// The penalty for length: the weight times the prompt's length, as a share of the longest of the
    /// first candidates (CAPO; arXiv:2504.16005, section 3).
    #[must_use]
    pub fn length_penalty(&self, candidate: CandidateIx) -> f64 {
        let weight = self.slots.objective.length_penalty;
        if weight == 0.0 {
            return 0.0;
        }
        let length = self.state.standing(candidate).candidate.prompt.bytes() as f64;
        weight * length / (self.state.memory.longest_first.bytes() as f64).max(1.0)
    }

    /// All judged candidates, best first; the earlier one of equals.
    #[must_use]
    pub fn ranked(&self) -> Vec<CandidateIx> {
        self.rank(self.state.memory.fronts.finished().iter().copied())
    }

    /// Candidates by their fitness, best first; those without an answer are left out.
    pub fn rank(&self, candidates: impl IntoIterator<Item = CandidateIx>) -> Vec<CandidateIx> {
        let mut ranked: Vec<(f64, CandidateIx)> = candidates
            .into_iter()
            .filter(|candidate| !self.state.standing(*candidate).misses_too_much())
            .filter_map(|candidate| Some((self.fitness(candidate)?, candidate)))
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().map(|(_, candidate)| candidate).collect()
    }

    /// The best few of some candidates.
    pub(super) fn best_of(
        &self,
        candidates: impl IntoIterator<Item = CandidateIx>,
        most: usize,
    ) -> Vec<CandidateIx> {
        let mut best = self.rank(candidates);
        best.truncate(most);
        best
    }

    /// Whether a candidate is part of the population: the baseline only where the recipe names it, or
    /// where there is nothing else to begin with.
    #[must_use]
    pub fn competes(&self, candidate: CandidateIx) -> bool {
        let slots = self.slots;
        candidate != CandidateIx::BASELINE || slots.init.is_empty() || slots.names_baseline()
    }

    /// The best of some candidates by the goal's rule: the highest quality, or the lowest cost among
    /// those that are good enough and, where the baseline is, no dearer; the earlier one of equals. `None` where the goal
    /// allows none.
    pub fn best_by_goal(
        &self,
        candidates: impl IntoIterator<Item = CandidateIx>,
        quality: impl Fn(CandidateIx) -> Option<f64>,
    ) -> Option<CandidateIx> {
        let baseline = quality(CandidateIx::BASELINE).unwrap_or(0.0);
        let mut best: Option<(f64, CandidateIx)> = None;
        for candidate in candidates {
            let standing = self.state.standing(candidate);
            if standing.misses_too_much() {
                continue;
            }
            let (Some(quality), Some(cost)) = (quality(candidate), self.cost(candidate)) else {
                continue;
            };
            if !self.is_allowed(candidate, quality, baseline) {
                continue;
            }
            let rank = match self.goal.aim {
                Aim::MaxQuality { .. } => quality,
                Aim::Least { .. } => -cost,
            };
            if best.is_none_or(|(highest, _)| rank > highest + 1e-12) {
                best = Some((rank, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// Whether a candidate of this quality serves the goal beside a baseline of that quality: by its quality, by what it
    /// costs, and by what its answers to dev show of rows that must pass and of the goal's bounds. What is not known of it speaks for it, but
    /// for the cost and a consistency.
    #[must_use]
    pub fn is_allowed(&self, candidate: CandidateIx, quality: f64, of_baseline: f64) -> bool {
        let known = |candidate: CandidateIx, quality: f64| QualityAndCost {
            quality,
            cost: self.cost(candidate).unwrap_or(f64::MAX),
        };
        let baseline = known(CandidateIx::BASELINE, of_baseline);
        self.goal.allows(known(candidate, quality), baseline)
            && self.passes(candidate)
            && self.keeps_bounds(candidate)
    }

    /// Whether a better prompt than the incumbent is sought: always, but where the goal asks for the cheapest prompt that is good
    /// enough. There only while the incumbent is not, where the baseline is not either: a floor far above it is
    /// reached step by step.
    #[must_use]
    pub fn seeks_quality(&self) -> bool {
        let Aim::Least { floor, .. } = self.goal.aim else { return true };
        let mean = |candidate: CandidateIx| self.state.standing(candidate).dev().mean();
        let (Some(baseline), Some(incumbent)) =
            (mean(CandidateIx::BASELINE), mean(self.state.incumbent))
        else {
            return false;
        };
        !self.goal.is_kept_by_baseline(baseline) && incumbent < floor.value(baseline) - 1e-12
    }

    /// Whether the goal asks for a prompt that costs less than the incumbent: it is over the limit, or good enough, so that the
    /// cheapest of those is sought.
    #[must_use]
    pub fn seeks_less_cost(&self) -> bool {
        match self.goal.aim {
            Aim::MaxQuality { .. } => !self.keeps_cost_limit(self.state.incumbent),
            Aim::Least { .. } => !self.seeks_quality(),
        }
    }

    /// Whether a candidate costs no more than the goal's limit, as far as its cost is known.
    fn keeps_cost_limit(&self, candidate: CandidateIx) -> bool {
        match self.goal.aim {
            Aim::MaxQuality { usd_per_1k_at_most: Some(limit) } => {
                self.cost(candidate).is_none_or(|cost| cost <= limit + 1e-12)
            }
            Aim::MaxQuality { usd_per_1k_at_most: None } | Aim::Least { .. } => true,
        }
    }

    /// Whether a candidate's answers to dev pass where rows must, and keep the goal's bounds and its limit on the cost, as far as
    /// they are known.
    #[must_use]
    pub fn keeps_limits(&self, candidate: CandidateIx) -> bool {
        self.passes(candidate) && self.keeps_bounds(candidate) && self.keeps_cost_limit(candidate)
    }

    /// What the goal asks to be least, by a candidate's answers to dev: what 1,000 calls cost, in dollars, where it names nothing
    /// else. `None` where it is not known.
    #[must_use]
    pub fn cost(&self, candidate: CandidateIx) -> Option<f64> {
        let standing = self.state.standing(candidate);
        match self.goal.least_measure() {
            None => standing.used.usd_per_1k(),
            Some(least) => standing
                .measured_on_dev(self.goal, &least.measure())
                .map(|measured| least.spent(measured)),
        }
    }

    /// Whether a candidate fails no row of dev that must pass, as far as it was asked them.
    fn passes(&self, candidate: CandidateIx) -> bool {
        self.failed(candidate) == 0
    }

    /// How many rows of dev that must pass a candidate fails, as far as it was asked them.
    fn failed(&self, candidate: CandidateIx) -> u32 {
        self.state.standing(candidate).fails_on_dev(self.state.must_pass)
    }

    /// Whether a candidate's answers to dev keep the goal's bounds, as far as they are known.
    fn keeps_bounds(&self, candidate: CandidateIx) -> bool {
        self.goal.bounds.iter().all(|bound| {
            let of = |candidate: CandidateIx| {
                self.state.standing(candidate).measured_on_dev(self.goal, &bound.measure)
            };
            let baseline = match bound.threshold {
                Threshold::Absolute(_) => Some(0.0),
                Threshold::Baseline(_) => of(CandidateIx::BASELINE),
            };
            let known = of(candidate).zip(baseline);
            // Answers that show a consistency are asked for in any case: it is not known yet.
            let is_due = matches!(bound.measure, Measure::Consistency(_));
            known.map_or(!is_due, |(mine, theirs)| bound.is_kept(mine, theirs))
        })
    }

    /// That a candidate failed rows that must pass, where the incumbent fails none: it cannot win, whatever else it gets
    /// right.
    #[must_use]
    pub fn vetoed(&self, candidate: CandidateIx) -> Option<Dropped> {
        let failed = self.failed(candidate);
        let is_veto =
            candidate != CandidateIx::BASELINE && failed > 0 && self.passes(self.state.incumbent);
        is_veto.then_some(Dropped::MustPass { failed })
    }

    /// Candidates that take part in a pool: all that `init` brought, and the baseline where it is
    /// named.
    #[must_use]
    pub fn pool(&self) -> Vec<CandidateIx> {
        let with_baseline = self.slots.names_baseline();
        self.state
            .numbered()
            .filter(|(candidate, standing)| {
                (with_baseline || *candidate != CandidateIx::BASELINE)
                    && !matches!(standing.status, Status::Dropped(_))
            })
            .map(|(candidate, _)| candidate)
            .collect()
    }

    /// What there is to combine: the texts that `init` brought, the baseline's where it is named.
    pub(super) fn space(&self) -> Space {
        let has_demos =
            |candidate: &CandidateIx| !self.state.standing(*candidate).candidate.demos.is_empty();
        let texts = self.pool().into_iter().filter(|candidate| !has_demos(candidate)).collect();
        let sets = match self.state.memory.demo_sets.collected() {
            Some(sets) if !sets.is_empty() => sets.to_vec(),
            _ => vec![Vec::new()],
        };
        Space { texts, sets }
    }
}
