//! `continuous_reject`: continuous rejects over a fixed pool (Wang, Tzeng and Proutiere 2023, algorithm 1;
//! for prompts TRIPLE-CR, arXiv:2402.09723, section 4.1): the least-pulled arm is pulled, and the worst
//! one goes as soon as it is far enough behind.
//!
//! Arms are pulled in sweeps, one row for each that is left, and the worst is looked at after each
//! sweep. Sweeps after which no arm could be rejected, whatever its answers, are asked together: that
//! changes no decision.

use super::contest::leader;
use crate::event::{Dropped, Event, Round};
use crate::id::CandidateIx;
use crate::stats::bandit::{Rejects, log_bar, reject, rejection_gap};
use crate::strategy::search::{Contest, Evaluate, Pulls, Rounds};

kind! {
    /// Continuous rejection over a fixed pool (TRIPLE-CR; arXiv:2402.09723, section 4.1).
    "continuous_reject": "Together: one by one rejected when it falls behind.",
    ContinuousReject {
        /// What is compared: the worst arm with the mean of the others (`average`), or the smallest
        /// gap (`closest`).
        rule: RejectRule = RejectRule::Average,
        /// The same rows for all, or each its own draw.
        paired: bool = false,
    }
}

choice! {
    /// What a continuous rejection compares.
    RejectRule {
        /// CR-A.
        Average = "average",
        /// CR-C.
        Closest = "closest",
    }
}

impl Evaluate for ContinuousReject {
    fn rounds(&self) -> Option<&dyn Rounds> {
        Some(self)
    }

    fn rows_per_child(&self, _: u64, _: u64) -> [u64; 2] {
        [0, 0]
    }
}

impl Rounds for ContinuousReject {
    fn pulls(&self) -> Pulls {
        Pulls::paired(self.paired)
    }

    /// The first sweeps. A round's `group` is the pulls of the arms that are gone.
    fn start(&self, contest: &Contest<'_>, candidates: Vec<CandidateIx>) -> Event {
        let pool = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let budget = contest.search.remaining.rollouts;
        let arms = vec![Arm::default(); candidates.len()];
        let pulls = sweeps(self, &arms, 0, budget);
        Event::RoundStarted(Round { pool, candidates, pulls, budget, ..contest.round() })
    }

    /// All pulls of the sweep are in: name the leader, let the worst go where it is far behind, go on.
    fn judge(&self, contest: &Contest<'_>, round: &Round) -> Event {
        let pulled = round.first + u64::from(round.pulls);
        let ranked = contest.ranked(&round.candidates, |candidate| contest.fitness(candidate));
        if let Some(change) = leader(contest, &ranked, round) {
            return change;
        }
        let left: Vec<CandidateIx> =
            round.candidates.iter().copied().filter(|c| !contest.is_dropped(*c)).collect();
        // An arm goes only with more pulls than any that went before, so each sweep sends away one.
        if left.len() == round.candidates.len() {
            let means: Vec<f64> = left.iter().map(|c| contest.fitness(*c)).collect();
            let pulls = vec![usize::try_from(pulled).unwrap_or(usize::MAX); left.len()];
            let budget = round.budget.saturating_sub(u64::from(round.group));
            let budget = usize::try_from(budget).unwrap_or(usize::MAX);
            let rule = match self.rule {
                RejectRule::Average => Rejects::Average,
                RejectRule::Closest => Rejects::Closest,
            };
            if let Some(place) = reject(&means, &pulls, &[], budget, rule) {
                let why = Dropped::Halved { round: round.round, mean: means[place] };
                return Event::CandidateDropped { candidate: left[place], why };
            }
        }
        let gone = (round.candidates.len() - left.len()) as u64 * pulled;
        let group = u64::from(round.group) + gone;
        let spent = group + pulled * left.len() as u64;
        if left.len() <= 1 || spent + left.len() as u64 > round.budget {
            let best_first = ranked.into_iter().map(|(_, candidate)| candidate);
            let survivors = best_first.filter(|candidate| left.contains(candidate)).collect();
            return Event::ContestEnded { survivors };
        }
        let arms: Vec<Arm> = left.iter().map(|candidate| arm(contest, *candidate)).collect();
        let pulls = sweeps(self, &arms, pulled, round.budget - group);
        Event::RoundStarted(Round {
            round: round.round + 1,
            group: u32::try_from(group).unwrap_or(u32::MAX),
            first: pulled,
            candidates: left,
            pulls,
            ..round.clone()
        })
    }
}

/// What is known of an arm.
#[derive(Clone, Copy, Debug, Default)]
struct Arm {
    /// Answers.
    scored: f64,
    /// Their sum.
    sum: f64,
    /// What its length costs.
    penalty: f64,
}

impl Arm {
    /// The mean after `more` further answers that are all `score`.
    fn mean_with(self, more: f64, score: f64) -> f64 {
        let answers = self.scored + more;
        let mean = if answers > 0.0 { (self.sum + more * score) / answers } else { 0.0 };
        mean - self.penalty
    }
}

fn arm(contest: &Contest<'_>, candidate: CandidateIx) -> Arm {
    let (scored, sum) = contest.answers(candidate);
    Arm { scored, sum, penalty: contest.penalty(candidate) }
}

/// How many sweeps may be asked together, at least one: after all but the last of them no arm could
/// be rejected, were all further answers of one arm wrong and those of all others right. `budget` is what the
/// arms that are left may use, `pulled` what each of them has used.
fn sweeps(kind: &ContinuousReject, arms: &[Arm], pulled: u64, budget: u64) -> u32 {
    let count = arms.len() as u64;
    if count < 2 {
        return 1;
    }
    let most = (budget / count).saturating_sub(pulled).max(1);
    let could_go = |more: u64| {
        let pulls = (pulled + more) * count;
        let gap = rejection_gap(pulls as f64 * log_bar(arms.len()) / budget as f64);
        widest(kind, arms, more as f64) > gap
    };
    let sweep = (1..most).find(|more| could_go(*more)).unwrap_or(most);
    u32::try_from(sweep).unwrap_or(u32::MAX)
}

/// The widest gap that any arm could have after `more` further answers of each.
fn widest(kind: &ContinuousReject, arms: &[Arm], more: f64) -> f64 {
    let best: Vec<f64> = arms.iter().map(|arm| arm.mean_with(more, 1.0)).collect();
    let sum: f64 = best.iter().sum();
    let mut sorted = best.clone();
    sorted.sort_by(f64::total_cmp);
    let gap = |(place, arm): (usize, &Arm)| {
        let from = match kind.rule {
            RejectRule::Average => (sum - best[place]) / (arms.len() - 1) as f64,
            // The lowest of the others, however many are as low as this one.
            RejectRule::Closest if best[place] > sorted[0] => sorted[0],
            RejectRule::Closest => sorted[1],
        };
        from - arm.mean_with(more, 0.0)
    };
    arms.iter().enumerate().map(gap).fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(rule: RejectRule) -> ContinuousReject {
        ContinuousReject { rule, paired: false }
    }

    #[test]
    fn the_first_sweeps_end_where_a_gap_of_one_could_be_enough() {
        // Four arms, log_bar = ½ + ½ + ⅓ + ¼ = 19/12. A gap of 1 is above G(β) from β > ¼ on:
        // 4n · 19/12 / 80 > ¼, n > 3.158.
        let arms = vec![Arm::default(); 4];
        assert_eq!(sweeps(&kind(RejectRule::Average), &arms, 0, 80), 4);
        assert_eq!(sweeps(&kind(RejectRule::Average), &arms, 0, 8), 1);
        assert_eq!(sweeps(&kind(RejectRule::Average), &arms[..1], 0, 80), 1);
    }

    proptest! {
        /// Sweep by sweep, nobody goes before the last of those that are asked together.
        #[test]
        fn sweeps_that_are_asked_together_send_nobody_away(
            answers in prop::collection::vec(prop::collection::vec(0..2_u8, 60), 2..6),
            pulled in 0..10_usize, closest: bool,
        ) {
            let rule = if closest { RejectRule::Closest } else { RejectRule::Average };
            let rejects = if closest { Rejects::Closest } else { Rejects::Average };
            let budget = answers.len() * 60;
            let sum = |arm: &[u8], n: usize| arm[..n].iter().map(|x| f64::from(*x)).sum::<f64>();
            let arms: Vec<Arm> = answers
                .iter()
                .map(|arm| Arm { scored: pulled as f64, sum: sum(arm, pulled), penalty: 0.0 })
                .collect();
            let together = sweeps(&kind(rule), &arms, pulled as u64, budget as u64) as usize;
            prop_assert!(together >= 1 && pulled + together <= 60);
            for n in pulled + 1..pulled + together {
                let means: Vec<f64> = answers.iter().map(|arm| sum(arm, n) / n as f64).collect();
                let gone = reject(&means, &vec![n; answers.len()], &[], budget, rejects);
                prop_assert_eq!(gone, None);
            }
        }
    }
}
